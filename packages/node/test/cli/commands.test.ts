import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/index.js";

const dir = mkdtempSync(join(tmpdir(), "consilium-cli-"));
const founding = ["init", "--dir", dir, "--preset", "devnet", "--keystore-cost", "32768", "--json"];
const members = ["North", "East", "South", "West"].flatMap((name) => ["--alliance", name]);

async function run(...args: string[]) {
  const text = { out: "", err: "" };
  const code = await runCommand(args, {
    out: (piece) => {
      text.out += piece;
    },
    err: (piece) => {
      text.err += piece;
    },
  });
  return { code, ...text, json: () => JSON.parse(text.out) };
}

let created: {
  readonly chainId: string;
  readonly members: { readonly configFile: string; readonly nodeId: string }[];
};
beforeAll(async () => {
  created = (await run(...founding, ...members)).json();
});

describe("consilium", () => {
  it("names every command and the exit codes in its help", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    for (const name of [
      "init",
      "start",
      "status",
      "keys",
      "user",
      "record",
      "access",
      "grant",
      "epoch",
      "delegates",
      "candidates",
      "candidate",
      "vote",
      "members",
      "member",
      "safety",
      "audit",
      "ceremony",
      "demo",
    ]) {
      expect(out).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
    expect(out).toContain("Exit codes: 0 done; 1 refused");
  });

  it.each([
    ["user", ["enroll"]],
    ["record", ["import", "list"]],
    ["access", ["request", "open"]],
    ["grant", ["create", "list", "revoke"]],
    ["ceremony", ["status"]],
  ])("%s names its acts, each with --json", async (group, acts) => {
    for (const act of acts) {
      const { code, out } = await run(group, act, "--help");
      expect(code).toBe(0);
      expect(out).toContain("--json");
    }
  });

  it("founds an alliance once, and finds it again", async () => {
    expect(created.members).toHaveLength(4);
    const again = (await run(...founding, ...members)).json();
    expect(again).toMatchObject({ chainId: created.chainId, created: false });
  });

  it("lists keystores without a passphrase and without secrets", async () => {
    const { configFile, nodeId } = created.members[0]!;
    const { code, json, out } = await run("keys", "--config", configFile, "--json");
    expect(code).toBe(0);
    const { keystores } = json();
    expect(keystores.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      "bls-vote",
      "ed25519",
      "x25519",
    ]);
    expect(keystores.find(({ name }: { name: string }) => name === "node").publicPart).toBe(nodeId);
    expect(Object.keys(keystores[0]).sort()).toEqual(["kind", "name", "publicPart"]);
    expect(out).not.toContain(readFileSync(join(dir, "north", "passphrase"), "utf8").trim());
  });

  it("exits with 1 and a code when no node answers", async () => {
    const asked = await run("status", "--config", created.members[0]!.configFile, "--json");
    expect(asked.code).toBe(1);
    expect(asked.json().error.code).toBe("API_UNREACHABLE");
    const text = await run("ceremony", "status", "--api", "http://127.0.0.1:9");
    expect(text).toMatchObject({ code: 1, out: "" });
    expect(text.err).toMatch(/^API_UNREACHABLE: /);
  });

  it("tells what a vote and a newcomer's file must look like, before any node is asked", async () => {
    const config = ["--config", created.members[0]!.configFile, "--json"];
    const none = await run("vote", ...config);
    expect(none.code).toBe(2);
    expect(none.json().error).toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("NODE=STAKE"),
    });
    const genesis = join(dir, "genesis.json");
    const wrong = await run("member", "propose", "admit", "--file", genesis, "--stake", "1", ...config);
    expect(wrong.json().error).toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("is no member.json"),
    });
  });

  it.each([
    ["epoch"],
    ["delegates"],
    ["candidates"],
    ["members"],
    ["vote"],
    ["candidate", "register"],
    ["candidate", "resign"],
    ["member", "proposals"],
    ["member", "approve"],
    ["member", "propose", "admit"],
    ["member", "propose", "set-stake"],
    ["safety", "reset"],
  ])("shows an example in the help of %s %s %s", async (...names) => {
    const { code, out } = await run(...names.filter((name) => name !== undefined), "--help");
    expect(code).toBe(0);
    expect(out).toContain(`$ consilium ${names.join(" ")}`);
  });

  it("exits with 2 for a config with an unknown key, before anything starts", async () => {
    const broken = join(dir, "broken.yaml");
    writeFileSync(
      broken,
      readFileSync(created.members[0]!.configFile, "utf8").replace("keystoreDir:", "keystoreDirs:"),
    );
    const { code, err } = await run("start", "--config", broken);
    expect(code).toBe(2);
    expect(err).toContain('CONFIG_UNKNOWN_KEY: Unknown key "keystoreDirs"');
    expect(err).toContain('Did you mean "keystoreDir"?');
  });

  it("exits with 2 for a block that is not named by height and whole digest", async () => {
    const config = created.members[0]!.configFile;
    for (const name of ["7", "7:beef", `x:${"00".repeat(32)}`]) {
      const { code, err } = await run("start", "--config", config, "--resume-private", name);
      expect(code).toBe(2);
      expect(err).toContain('as "HEIGHT:DIGEST"');
    }
  });

  it.each([
    [["status"]],
    [["start"]],
    [["nonsense"]],
    [["keys", "--colour"]],
    [["init", "--dir", dir]],
    [["vote", "North=1"]],
    [["safety", "reset"]],
    [["member", "propose", "admit"]],
  ])("exits with 2 for wrong usage: %j", async (args) => {
    expect((await run(...args)).code).toBe(2);
  });
});
