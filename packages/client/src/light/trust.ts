/** What a light client starts from and keeps: a set of validators, and the newest block known to be final. */
import { electGenesisSet, type ValidatorSet } from "@consilium/consensus";
import { ConsiliumError, equalBytes, fromHex, toHex } from "@consilium/crypto";
import {
  BlockHeader,
  boundaryHeightOf,
  Certificate,
  chainIdOf,
  decodeStrict,
  type Genesis,
  limits,
} from "@consilium/protocol";
import { lightFailure } from "./failure.js";

/** Where to start without trusting a node: the alliance's genesis, or a checkpoint out of trusted hands. */
export type LightTrust = { readonly genesis: Genesis } | { readonly checkpoint: Checkpoint };

/** A block known to be final, and where consensus stood when it became so. */
export interface FinalPoint {
  readonly height: number;
  /** Digest of the header, 32 bytes; of genesis 32 zero bytes, which no proof refers to. */
  readonly digest: Uint8Array;
  /** Timestamp of the block, Unix milliseconds. */
  readonly timeMs: number;
  readonly epoch: number;
  /** View of the finalization; 0 at genesis and where it is not known. */
  readonly view: number;
}

/** An epoch's validators, and the boundary block before it. */
export interface Checkpoint {
  readonly chainId: Uint8Array;
  /** L: heights of an epoch. */
  readonly lengthHeights: number;
  readonly epoch: number;
  readonly set: ValidatorSet;
  /** Height, digest and time of the boundary block of `epoch` − 1; of genesis for epoch 0. */
  readonly height: number;
  readonly digest: Uint8Array;
  readonly timeMs: number;
}

/**
 * Two headers that validators finalized although they contradict. Each proves itself under the set of its epoch; the
 * first is absent when it is the checkpoint that somebody vouched for.
 */
export interface Fork {
  readonly first: Proof | undefined;
  readonly second: Proof;
}

/** A header with the finalization that proves it. */
export interface Proof {
  readonly header: BlockHeader;
  readonly finalization: Certificate;
}

/** All that a light client holds. */
export interface TrustedState {
  readonly checkpoint: Checkpoint;
  /** The set before the checkpoint's: the boundary block itself was finalized by it. */
  readonly previousSet: ValidatorSet | undefined;
  readonly head: FinalPoint;
  /** What proved the head and the checkpoint's boundary block, to show beside a finalization that contradicts them. */
  readonly headProof: Proof | undefined;
  readonly boundaryProof: Proof | undefined;
  readonly fork: Fork | undefined;
}

const ZERO = new Uint8Array(32);

/** @throws ConsiliumError `GENESIS_BAD_SEATS`, `LIGHT_CHECKPOINT_BAD`. */
export function startOf(trust: LightTrust): TrustedState {
  const checkpoint = "genesis" in trust ? genesisCheckpoint(trust.genesis) : trust.checkpoint;
  const { epoch, set, height, digest, timeMs, lengthHeights } = checkpoint;
  const isWhole = set.length >= 1 && set.length <= limits.validators && lengthHeights >= 1;
  if (!isWhole || height !== boundaryHeightOf(epoch - 1, lengthHeights)) {
    throw lightFailure("LIGHT_CHECKPOINT_BAD", "its set, height and epoch do not fit together");
  }
  const head = { height, digest, timeMs, epoch: Math.max(0, epoch - 1), view: 0 };
  const unproven = { headProof: undefined, boundaryProof: undefined, previousSet: undefined };
  return { checkpoint, head, ...unproven, fork: undefined };
}

/** Genesis seats the validators of epochs 0 and 1. */
function genesisCheckpoint(genesis: Genesis): Checkpoint {
  const set = electGenesisSet(genesis);
  const lengthHeights = genesis.parameters.epochLengthHeights;
  const start = { epoch: 0, height: 0, digest: ZERO, timeMs: genesis.timeMs };
  return { chainId: chainIdOf(genesis), lengthHeights, set, ...start };
}

const FORMAT = "consilium-light-1";

/** A checkpoint as text, to be handed on: whoever takes it trusts the one who gives it. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  return JSON.stringify({ format: FORMAT, ...plainCheckpoint(checkpoint) });
}

/** @throws ConsiliumError `LIGHT_CHECKPOINT_BAD`. */
export const decodeCheckpoint = (text: string): Checkpoint => reading(text, readCheckpoint);

/** The whole state as text, for a {@link LightStorage}. */
export function encodeTrusted(trusted: TrustedState): string {
  const { checkpoint, previousSet, head, headProof, boundaryProof, fork } = trusted;
  return JSON.stringify({
    format: FORMAT,
    checkpoint: plainCheckpoint(checkpoint),
    previousSet: previousSet === undefined ? null : plainSet(previousSet),
    head: { ...head, digest: toHex(head.digest) },
    headProof: plainProof(headProof),
    boundaryProof: plainProof(boundaryProof),
    fork: fork === undefined ? null : [plainProof(fork.first), plainProof(fork.second)],
  });
}

/** @throws ConsiliumError `LIGHT_CHECKPOINT_BAD`. */
export const decodeTrusted = (text: string): TrustedState =>
  reading(text, ({ checkpoint, previousSet, head, headProof, boundaryProof, fork }) => ({
    checkpoint: readCheckpoint(checkpoint as Plain),
    previousSet: previousSet === null ? undefined : readSet(previousSet),
    head: readPoint(head as Plain),
    headProof: readProof(headProof as Plain | null),
    boundaryProof: readProof(boundaryProof as Plain | null),
    fork: fork === null ? undefined : readFork(fork),
  }));

/** The newest set that a light client has kept, as a start of its own. @throws ConsiliumError `LIGHT_CHECKPOINT_BAD`. */
export const storedCheckpoint = (stored: string): Checkpoint => decodeTrusted(stored).checkpoint;

/** Whether two starting points are of one chain with the same rules. */
export const isSameChain = (left: Checkpoint, right: Checkpoint): boolean =>
  equalBytes(left.chainId, right.chainId) && left.lengthHeights === right.lengthHeights;

type Plain = Readonly<Record<string, unknown>>;

const plainSet = (set: ValidatorSet) =>
  set.map(({ nodeId, voteKey }) => ({ nodeId: toHex(nodeId), voteKey: toHex(voteKey) }));

const plainCheckpoint = ({ chainId, set, digest, ...rest }: Checkpoint) => ({
  ...rest,
  chainId: toHex(chainId),
  digest: toHex(digest),
  set: plainSet(set),
});

const plainProof = (proof: Proof | undefined) =>
  proof === undefined
    ? null
    : {
        header: toHex(BlockHeader.serialize(proof.header)),
        finalization: toHex(Certificate.serialize(proof.finalization)),
      };

function readCheckpoint(plain: Plain): Checkpoint {
  return {
    chainId: bytesIn(plain, "chainId", 32),
    lengthHeights: counterIn(plain, "lengthHeights"),
    epoch: counterIn(plain, "epoch"),
    set: readSet(plain.set),
    height: counterIn(plain, "height"),
    digest: bytesIn(plain, "digest", 32),
    timeMs: counterIn(plain, "timeMs"),
  };
}

const readSet = (plain: unknown): ValidatorSet =>
  (plain as readonly Plain[]).map((each) => ({
    nodeId: bytesIn(each, "nodeId", 32),
    voteKey: bytesIn(each, "voteKey", 48),
  }));

const readPoint = (plain: Plain): FinalPoint => ({
  height: counterIn(plain, "height"),
  digest: bytesIn(plain, "digest", 32),
  timeMs: counterIn(plain, "timeMs"),
  epoch: counterIn(plain, "epoch"),
  view: counterIn(plain, "view"),
});

function readProof(plain: Plain | null): Proof | undefined {
  if (plain === null) return undefined;
  return {
    header: decodeStrict(BlockHeader, fromHex(String(plain.header)), "header"),
    finalization: decodeStrict(Certificate, fromHex(String(plain.finalization)), "finalization"),
  };
}

function readFork(plain: unknown): Fork {
  const [first, second] = plain as readonly [Plain | null, Plain];
  return { first: readProof(first), second: readProof(second)! };
}

function bytesIn(plain: Plain, name: string, sizeBytes: number): Uint8Array {
  const bytes = fromHex(String(plain[name]));
  if (bytes.length !== sizeBytes) throw new ConsiliumError("BAD_LENGTH", `"${name}" has another length`);
  return bytes;
}

function counterIn(plain: Plain, name: string): number {
  const value = plain[name];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new ConsiliumError("BAD_ENCODING", `"${name}" is not a whole number`);
}

function reading<Value>(text: string, read: (plain: Plain) => Value): Value {
  try {
    const plain = JSON.parse(text) as Plain;
    if (plain.format === FORMAT) return read(plain);
  } catch {
    throw lightFailure("LIGHT_CHECKPOINT_BAD", "it cannot be read");
  }
  throw lightFailure("LIGHT_CHECKPOINT_BAD", "it is of another format");
}
