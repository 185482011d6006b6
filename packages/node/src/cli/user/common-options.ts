import { ConsiliumError } from "@consilium/crypto";
import { type Command, Option } from "commander";
import { addCommand, type CommandContext, type CommandResult } from "../output.js";
import { type TrustChoice, trustChoices } from "./trust.js";

/** Options of every command that a user gives with a wallet. */
export interface WalletOptions extends TrustChoice {
  readonly api?: string;
  readonly wallet?: string;
  readonly passphraseFile?: string;
}

/** What is said of one command beyond its options. */
export interface UserCommand<Options extends object> {
  readonly usage: string;
  readonly description: string;
  /** Whole command lines, shown under the options. */
  readonly examples: readonly string[];
  readonly configure: (command: Command) => Command;
  readonly action: (options: Options, args: readonly string[]) => Promise<CommandResult | undefined>;
}

/** Adds a command in the house pattern, with its examples at the end of its help. */
export function addUserCommand<Options extends object>(
  parent: Command,
  context: CommandContext,
  definition: UserCommand<Options>,
): void {
  const { usage, description, configure, action, examples } = definition;
  const command = addCommand(parent, context, usage, description, configure, action);
  const heading = examples.length === 1 ? "Example:" : "Examples:";
  command.addHelpText("after", ["", heading, ...examples.map((line) => `  $ ${line}`)].join("\n"));
}

/** The node that is asked. */
export const withApi = (command: Command): Command =>
  command.addOption(
    new Option(
      "--api <url>",
      "HTTP API of your hospital's node; others after commas are tried when it does not answer",
    ).env("CONSILIUM_API"),
  );

/** The node that is asked, the wallet, and where its passphrase comes from. */
export const withWallet = (command: Command): Command =>
  withApi(command)
    .addOption(new Option("--wallet <file>", "your encrypted wallet file").env("CONSILIUM_WALLET"))
    .option(
      "--passphrase-file <file>",
      "file with the wallet's passphrase; otherwise CONSILIUM_WALLET_PASSPHRASE, or a question at the terminal",
    )
    .addOption(
      new Option(
        "--genesis <file>",
        "the alliance's genesis, not from the node that is asked: verifies what nodes say",
      ).env("CONSILIUM_GENESIS"),
    )
    .addOption(
      new Option(
        "--trust <how>",
        "verify nodes from the genesis, from what was verified before (checkpoint), or not at all; the first of these that is there",
      ).choices(trustChoices),
    );

/**
 * Base URLs of the nodes to ask, the preferred one first.
 * @throws ConsiliumError `USAGE` when none is named or one is not an http(s) address.
 */
export function requireApi(options: { readonly api?: string }): string[] {
  const urls = (options.api ?? "")
    .split(",")
    .map((url) => url.trim().replace(/\/+$/, ""))
    .filter((url) => url !== "");
  if (urls.length === 0) {
    throw new ConsiliumError(
      "USAGE",
      "Say which node to ask: --api http://HOST:PORT or CONSILIUM_API. `consilium init` printed the addresses.",
    );
  }
  const wrong = urls.find((url) => !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol));
  if (wrong === undefined) return urls;
  throw new ConsiliumError("USAGE", `--api takes addresses such as http://127.0.0.1:9001, not "${wrong}".`);
}

/** @throws ConsiliumError `USAGE` when no wallet file is named. */
export function requireWalletFile(options: { readonly wallet?: string }): string {
  if (options.wallet !== undefined && options.wallet !== "") return options.wallet;
  throw new ConsiliumError("USAGE", "Name your wallet file: --wallet FILE or CONSILIUM_WALLET.");
}

/** Says how far a command has come, on standard error; nothing with `--json`. */
export type Say = (line: string) => void;

export const sayTo =
  (context: CommandContext, options: object): Say =>
  (line) => {
    if ((options as { json?: boolean }).json !== true) context.output.err(`${line}\n`);
  };
