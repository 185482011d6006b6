import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChainParameters } from "@consilium/protocol";
import { runCommand } from "../../src/cli/index.js";
import { type Alliance, createAlliance, loadConfig } from "../../src/config/index.js";
import { type RunningNode, startNode } from "../../src/node.js";

/** Real nodes over loopback in this process, and the command line run against them. */
export class LocalNodes {
  readonly dir = mkdtempSync(join(tmpdir(), "consilium-local-"));
  readonly nodes = new Map<string, RunningNode>();
  alliance: Alliance | undefined;

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  /** Founds an alliance of these members in the folder `c`. */
  async found(names: readonly string[], presetOverrides: Partial<ChainParameters>): Promise<Alliance> {
    this.alliance = await createAlliance({
      dir: this.path("c"),
      members: names.map((name) => ({ name })),
      preset: "devnet",
      presetOverrides,
      keystoreCost: 2 ** 15,
    });
    return this.alliance;
  }

  configOf(name: string): string {
    return this.path("c", name.toLowerCase(), "consilium.yaml");
  }

  async start(name: string): Promise<RunningNode> {
    const node = await startNode(loadConfig(this.configOf(name)));
    this.nodes.set(name, node);
    return node;
  }

  async stop(name: string): Promise<void> {
    await this.nodes.get(name)?.stop();
    this.nodes.delete(name);
  }

  node(name: string): RunningNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`${name} does not run`);
    return node;
  }

  /** Runs one command line. */
  async run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const text = { out: "", err: "" };
    const output = {
      out: (piece: string) => {
        text.out += piece;
      },
      err: (piece: string) => {
        text.err += piece;
      },
    };
    return { code: await runCommand(args, output), ...text };
  }

  /** Runs a command that must succeed, with `--json`. */
  async json<Result>(...args: readonly string[]): Promise<Result> {
    const { code, out, err } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(`consilium ${args.join(" ")} ended with ${code}: ${out}${err}`);
    return JSON.parse(out) as Result;
  }

  /** The same, in the name of a member, by its node's config. */
  as<Result>(member: string, ...args: readonly string[]): Promise<Result> {
    return this.json(...args, "--config", this.configOf(member));
  }

  /** Options of a person who acts at a member's node. */
  person(name: string, member: string): string[] {
    const passphraseFile = this.path(`${name}.passphrase`);
    writeFileSync(passphraseFile, `passphrase of ${name}\n`, { mode: 0o600 });
    const { apiUrl } = this.node(member);
    return ["--api", apiUrl, "--wallet", this.path(`${name}.wallet`), "--passphrase-file", passphraseFile];
  }

  async remove(): Promise<void> {
    await Promise.all([...this.nodes.keys()].map((name) => this.stop(name)));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
