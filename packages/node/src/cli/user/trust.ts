import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type LightStorage, storedCheckpoint, type TrustOptions } from "@consilium/client";
import { inlineVoteVerifier } from "@consilium/consensus";
import { ConsiliumError } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import { readGenesis } from "../../config/index.js";
import { secureRandom, writeDurably } from "../../keys/index.js";

export const trustChoices = ["genesis", "checkpoint", "off"] as const;

/** What a command believes of what nodes say. */
export interface TrustChoice {
  readonly trust?: (typeof trustChoices)[number];
  /** The alliance's genesis file. */
  readonly genesis?: string;
}

const FILE_MODE = 0o600;

/** Beside the wallet: the newest validators and block that its commands have verified. Nothing in it is secret. */
const lightFileOf = (walletFile: string): string => `${resolve(walletFile)}.light`;

/**
 * What the SDK is given to verify nodes by: by default the genesis when it is named, otherwise what earlier commands left
 * beside the wallet, otherwise nothing, and nodes are taken at their word.
 * @throws ConsiliumError `USAGE`, `GENESIS_…`, `LIGHT_CHECKPOINT_BAD`.
 */
export async function trustOf(choice: TrustChoice, walletFile: string): Promise<TrustOptions | undefined> {
  const file = lightFileOf(walletFile);
  const isKept = existsSync(file);
  const mode = choice.trust ?? (choice.genesis !== undefined ? "genesis" : isKept ? "checkpoint" : "off");
  if (mode === "off") return undefined;
  const verifier = inlineVoteVerifier(await loadBlstVoteSuite(), secureRandom);
  const parts = { storage: fileStorage(file), verifier };
  if (mode === "genesis") return { start: { genesis: readGenesis(genesisFileOf(choice)) }, ...parts };
  if (isKept) return { start: { checkpoint: storedCheckpoint(readFileSync(file, "utf8")) }, ...parts };
  throw new ConsiliumError(
    "USAGE",
    `There is no verified state at ${file} yet; name the alliance's genesis once: --genesis FILE.`,
  );
}

function genesisFileOf({ genesis }: TrustChoice): string {
  if (genesis !== undefined) return genesis;
  throw new ConsiliumError("USAGE", "Name the alliance's genesis file: --genesis FILE or CONSILIUM_GENESIS.");
}

/** The wallet's lock guards it too: only the command that holds the wallet writes. */
const fileStorage = (file: string): LightStorage => ({
  read: async () => (existsSync(file) ? readFileSync(file, "utf8") : undefined),
  write: async (text) => writeDurably(file, text, FILE_MODE),
});
