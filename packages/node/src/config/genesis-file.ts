import { readFileSync } from "node:fs";
import { ConsiliumError, toHex } from "@consilium/crypto";
import {
  ChainKind,
  type ChainParameters,
  chainIdOf,
  faultBound,
  Genesis,
  limits,
  ZERO_32,
} from "@consilium/protocol";
import type { NodeIdentity } from "../keys/index.js";
import { writeDurably } from "../keys/index.js";

/** A member as it enters a genesis. */
export interface Founder {
  readonly name: string;
  readonly identity: NodeIdentity;
  readonly stake: number;
}

const GENESIS_VERSION = 1;
const PUBLIC_FILE_MODE = 0o644;

/**
 * The genesis of an alliance whose founders are all validators and the key centre.
 * @throws ConsiliumError `GENESIS_BAD_MEMBERS` for fewer than 4 or more than 31 founders.
 */
export function allianceGenesis(input: {
  readonly name: string;
  readonly timeMs: number;
  readonly parameters: ChainParameters;
  readonly founders: readonly Founder[];
}): Genesis {
  const count = input.founders.length;
  if (count < limits.validatorsMin || count > limits.validators || faultBound(count) < 1) {
    throw new ConsiliumError(
      "GENESIS_BAD_MEMBERS",
      `An alliance is founded by ${limits.validatorsMin} to ${limits.validators} members; this one names ${count}.`,
      { members: count },
    );
  }
  return {
    version: GENESIS_VERSION,
    kind: ChainKind.alliance,
    name: Buffer.from(input.name, "utf8"),
    timeMs: input.timeMs,
    parameters: { ...input.parameters },
    seats: count,
    members: input.founders.map(({ name, identity, stake }) => ({
      name: Buffer.from(name, "utf8"),
      ...identity,
      stake,
    })),
    keyCentre: input.founders.map((_, index) => index),
    allianceChainId: ZERO_32,
  };
}

/** Writes a genesis as JSON that a person can compare: its chain id first, byte strings as hex. */
export function writeGenesis(file: string, genesis: Genesis): void {
  const content = {
    "consilium-genesis": GENESIS_VERSION,
    chainId: toHex(chainIdOf(genesis)),
    genesis: Genesis.toJson(genesis),
  };
  writeDurably(file, `${JSON.stringify(content, undefined, 2)}\n`, PUBLIC_FILE_MODE);
}

/**
 * Reads a genesis and checks it against the chain id it states.
 * @throws ConsiliumError `GENESIS_NOT_FOUND`, `GENESIS_CORRUPT`.
 */
export function readGenesis(file: string): Genesis {
  const text = readText(file);
  try {
    const content = JSON.parse(text);
    const genesis = Genesis.fromJson(content.genesis);
    if (content["consilium-genesis"] === GENESIS_VERSION && content.chainId === toHex(chainIdOf(genesis))) {
      return genesis;
    }
  } catch (cause) {
    throw corrupt(file, cause);
  }
  throw corrupt(file, undefined);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ConsiliumError(
      "GENESIS_NOT_FOUND",
      `The genesis file ${file} cannot be read; get it from another member and correct genesisFile.`,
      { file },
      { cause },
    );
  }
}

function corrupt(file: string, cause: unknown): ConsiliumError {
  return new ConsiliumError(
    "GENESIS_CORRUPT",
    `${file} is not a genesis whose content matches its chain id; get it again from another member.`,
    { file },
    { cause },
  );
}
