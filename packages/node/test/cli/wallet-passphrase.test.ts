import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import {
  type PassphraseSources,
  WALLET_PASSPHRASE_VARIABLE,
  walletPassphrase,
} from "../../src/cli/user/wallet-passphrase.js";

interface Terminal extends PassphraseSources {
  /** All that reached the screen. */
  shown(): string;
}

/** A terminal at which somebody answers each question with the next of `answers`. */
function terminal(answers: readonly string[], environment: PassphraseSources["environment"] = {}): Terminal {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = new PassThrough();
  const queue = [...answers];
  let shown = "";
  output.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
    if (chunk.toString().endsWith(": ")) input.write(queue.shift() ?? "\u0003");
  });
  return { environment, input, output, shown: () => shown };
}

const noTerminal = (environment: PassphraseSources["environment"] = {}): PassphraseSources => ({
  environment,
  input: new PassThrough(),
  output: new PassThrough(),
});

function passphraseFile(content: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "consilium-passphrase-")), "passphrase");
  writeFileSync(file, content);
  return file;
}

const codeOfRejected = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "it was accepted", codeOf);

describe("where a wallet's passphrase comes from", () => {
  it("takes the file first, without its line end", async () => {
    const sources = terminal(["typed\n"], { [WALLET_PASSPHRASE_VARIABLE]: "from the environment" });
    const file = passphraseFile(" spaces count \r\n");
    expect(await walletPassphrase({ file, isNew: true }, sources)).toBe(" spaces count ");
    expect(sources.shown()).toBe("");
  });

  it("takes the environment variable when no file is named", async () => {
    const sources = terminal(["typed\n"], { [WALLET_PASSPHRASE_VARIABLE]: "from the environment" });
    expect(await walletPassphrase({ isNew: false }, sources)).toBe("from the environment");
    expect(sources.shown()).toBe("");
  });

  it("asks at the terminal without showing what is typed", async () => {
    const sources = terminal(["correct horse\n"]);
    expect(await walletPassphrase({ isNew: false }, sources)).toBe("correct horse");
    expect(sources.shown()).toBe("Wallet passphrase: \n");
  });

  it("asks twice for a new wallet, and refuses two that differ", async () => {
    const same = terminal(["correct horse\n", "correct horse\n"]);
    expect(await walletPassphrase({ isNew: true }, same)).toBe("correct horse");
    const different = terminal(["correct horse\n", "correct house\n"]);
    expect(await codeOfRejected(walletPassphrase({ isNew: true }, different))).toBe("PASSPHRASE_MISMATCH");
    expect(different.shown()).not.toContain("hors");
  });

  it("stops when the question is interrupted", async () => {
    expect(await codeOfRejected(walletPassphrase({ isNew: false }, terminal([])))).toBe("PASSPHRASE_MISSING");
  });

  it("refuses without a terminal and says what to set", async () => {
    await expect(walletPassphrase({ isNew: false }, noTerminal())).rejects.toThrow(
      WALLET_PASSPHRASE_VARIABLE,
    );
  });

  it("refuses an empty passphrase wherever it comes from", async () => {
    const empty = noTerminal({ [WALLET_PASSPHRASE_VARIABLE]: "" });
    const results = await Promise.all([
      codeOfRejected(walletPassphrase({ isNew: false }, empty)),
      codeOfRejected(walletPassphrase({ isNew: false, file: passphraseFile("\n") }, noTerminal())),
      codeOfRejected(walletPassphrase({ isNew: false }, terminal(["\n"]))),
    ]);
    expect(results).toEqual(["PASSPHRASE_MISSING", "PASSPHRASE_MISSING", "PASSPHRASE_MISSING"]);
  });

  it("names a file that cannot be read", async () => {
    const file = join(tmpdir(), "consilium-no-such-folder", "passphrase");
    await expect(walletPassphrase({ file, isNew: false }, noTerminal())).rejects.toThrow(file);
  });
});
