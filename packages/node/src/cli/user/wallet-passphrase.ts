import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { ConsiliumError } from "@consilium/crypto";

export const WALLET_PASSPHRASE_VARIABLE = "CONSILIUM_WALLET_PASSPHRASE";

/** Where a passphrase may come from; a test gives its own. */
export interface PassphraseSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Questions go to standard error: standard output belongs to the result. */
  readonly output: NodeJS.WritableStream;
}

export const processSources = (): PassphraseSources => ({
  environment: process.env,
  input: process.stdin,
  output: process.stderr,
});

/**
 * The wallet's passphrase: from a file, from CONSILIUM_WALLET_PASSPHRASE, or asked for at a terminal without echo. One
 * line end after it is not part of it. A passphrase for a new wallet is asked for twice.
 * @throws ConsiliumError `PASSPHRASE_MISSING`, `PASSPHRASE_MISMATCH`; never with the passphrase.
 */
export async function walletPassphrase(
  request: { readonly file?: string; readonly isNew: boolean },
  sources: PassphraseSources = processSources(),
): Promise<string> {
  if (request.file !== undefined) return notEmpty(readFile(request.file), `The file ${request.file}`);
  const variable = sources.environment[WALLET_PASSPHRASE_VARIABLE];
  if (variable !== undefined) return notEmpty(variable, WALLET_PASSPHRASE_VARIABLE);
  if (sources.input.isTTY !== true) {
    throw new ConsiliumError(
      "PASSPHRASE_MISSING",
      `Name a file with --passphrase-file, or set ${WALLET_PASSPHRASE_VARIABLE}; there is no terminal to ask at.`,
    );
  }
  const passphrase = notEmpty(await ask("Wallet passphrase: ", sources), "What was typed");
  if (request.isNew && (await ask("The same again: ", sources)) !== passphrase) {
    throw new ConsiliumError("PASSPHRASE_MISMATCH", "The two passphrases differ; start the command again.");
  }
  return passphrase;
}

function notEmpty(passphrase: string, source: string): string {
  if (passphrase !== "") return passphrase;
  throw new ConsiliumError("PASSPHRASE_MISSING", `${source} is empty; the wallet needs a passphrase.`);
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new ConsiliumError(
      "PASSPHRASE_MISSING",
      `The passphrase file ${file} cannot be read; create it, readable by you only, or correct --passphrase-file.`,
      { file },
      { cause },
    );
  }
}

/** Asks one line without echo: the line editor writes into a sink, so that nothing typed reaches the screen. */
async function ask(question: string, { input, output }: PassphraseSources): Promise<string> {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: sink, terminal: true, historySize: 0 });
  const answer = new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve);
    lines.once("SIGINT", () => lines.close());
    lines.once("close", () => resolve(undefined));
  });
  output.write(question);
  const line = await answer;
  lines.close();
  output.write("\n");
  if (line !== undefined) return line;
  throw new ConsiliumError("PASSPHRASE_MISSING", "Stopped before a passphrase was typed.");
}
