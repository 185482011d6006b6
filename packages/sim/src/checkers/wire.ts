/**
 * What travels, read by the simulator's own hand from the bytes on the wire: offsets as the schemas lay them out, none of
 * the production decoders. Memory of what was read is keyed by the bytes' identity, because a broadcast shares them.
 */
import { createHash } from "node:crypto";

export interface SeenSubject {
  readonly kind: number;
  readonly epoch: number;
  readonly view: number;
  readonly parentView: number;
  readonly digest: string;
}
export interface SeenVote extends SeenSubject {
  readonly validator: number;
}
export interface SeenCertificate extends SeenSubject {
  /** Indices whose bit is set, ascending; bits past the set's size included. */
  readonly signers: readonly number[];
}
export interface SeenHeader {
  readonly epoch: number;
  readonly height: number;
  readonly parentDigest: string;
  readonly author: string;
  readonly timestampMs: number;
  readonly stateRoot: string;
  readonly nextSetRoot: string;
}
export type SeenMessage =
  | { readonly kind: "vote"; readonly vote: SeenVote }
  | { readonly kind: "certificate"; readonly certificate: SeenCertificate }
  | {
      readonly kind: "proposal";
      readonly header: SeenHeader;
      readonly vote: SeenVote;
      readonly parent: SeenCertificate | undefined;
      readonly nullifications: readonly SeenCertificate[];
    };

const HEADER_BYTES = 217;
const VOTE_BYTES = 155;
const CERTIFICATE_FIXED_BYTES = 157;

const known = new WeakMap<Uint8Array, SeenMessage | null>();

/** Undefined for what no honest node sends: a Byzantine actor's garbage. */
export function readMessage(bytes: Uint8Array): SeenMessage | undefined {
  let seen = known.get(bytes);
  if (seen === undefined) {
    seen = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    known.set(bytes, seen);
  }
  return seen ?? undefined;
}

function parse(bytes: Buffer): SeenMessage | null {
  try {
    const body = bytes.subarray(1);
    if (bytes[0] === 1) return parseProposal(body);
    if (bytes[0] === 2) return { kind: "vote", vote: readVote(body) };
    if (bytes[0] === 3) return { kind: "certificate", certificate: readCertificate(body) };
    return null;
  } catch {
    return null;
  }
}

function parseProposal(body: Buffer): SeenMessage {
  const fixed = HEADER_BYTES + VOTE_BYTES;
  const parentAt = body.readUInt32LE(fixed);
  const nullificationsAt = body.readUInt32LE(fixed + 4);
  const parent = body.subarray(parentAt, nullificationsAt);
  return {
    kind: "proposal",
    header: readHeader(body),
    vote: readVote(body.subarray(HEADER_BYTES)),
    parent: parent.length === 0 ? undefined : readCertificate(parent.subarray(1)),
    nullifications: splitList(body.subarray(nullificationsAt)).map(readCertificate),
  };
}

/** A list of values of varying length: offsets first. */
function splitList(bytes: Buffer): Buffer[] {
  if (bytes.length === 0) return [];
  const count = bytes.readUInt32LE(0) / 4;
  const offsets = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(4 * index));
  return offsets.map((from, index) => bytes.subarray(from, offsets[index + 1] ?? bytes.length));
}

const readCounter = (bytes: Buffer, at: number): number =>
  bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
const readHex = (bytes: Buffer, at: number): string => bytes.toString("hex", at, at + 32);

function readSubject(bytes: Buffer): SeenSubject {
  return {
    kind: bytes.readUInt8(0),
    epoch: readCounter(bytes, 1),
    view: readCounter(bytes, 9),
    parentView: readCounter(bytes, 17),
    digest: readHex(bytes, 25),
  };
}

const readVote = (bytes: Buffer): SeenVote => ({ ...readSubject(bytes), validator: bytes.readUInt16LE(57) });
const readCertificate = (bytes: Buffer): SeenCertificate => ({
  ...readSubject(bytes),
  signers: bitsOf(bytes.subarray(CERTIFICATE_FIXED_BYTES)),
});

/** A certificate by itself, as nodes keep it. Throws RangeError for fewer bytes than it has. */
export const readCertificateBytes = (bytes: Uint8Array): SeenCertificate =>
  readCertificate(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));

/** Indices of the bits that are set, least significant first. */
export function bitsOf(bitmap: Uint8Array): number[] {
  const bits: number[] = [];
  for (const [index, byte] of bitmap.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) bits.push(8 * index + bit);
  }
  return bits;
}

function readHeader(bytes: Buffer): SeenHeader {
  return {
    epoch: readCounter(bytes, 33),
    height: readCounter(bytes, 41),
    parentDigest: readHex(bytes, 49),
    author: readHex(bytes, 81),
    timestampMs: readCounter(bytes, 113),
    stateRoot: readHex(bytes, 153),
    nextSetRoot: readHex(bytes, 185),
  };
}

interface HeaderFields {
  readonly version: number;
  readonly chainId: Uint8Array;
  readonly epoch: number;
  readonly height: number;
  readonly parentDigest: Uint8Array;
  readonly author: Uint8Array;
  readonly timestampMs: number;
  readonly payloadRoot: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly nextSetRoot: Uint8Array;
}

/** A block's digest, in hex: ten leaves of 32 bytes, six of zero, hashed pairwise (SSZ hash tree root of a container). */
export function digestOfHeader(header: HeaderFields): string {
  const { version, chainId, epoch, height, parentDigest, author } = header;
  const { timestampMs, payloadRoot, stateRoot, nextSetRoot } = header;
  const numbers = { version: leafOf(version), epoch: leafOf(epoch), height: leafOf(height) };
  const leaves = [numbers.version, chainId, numbers.epoch, numbers.height, parentDigest, author];
  let level: Uint8Array[] = [...leaves, leafOf(timestampMs), payloadRoot, stateRoot, nextSetRoot];
  while (level.length < 16) level.push(new Uint8Array(32));
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let index = 0; index < level.length; index += 2) {
      above.push(
        createHash("sha256")
          .update(level[index]!)
          .update(level[index + 1]!)
          .digest(),
      );
    }
    level = above;
  }
  return hexOf(level[0]!);
}

function leafOf(counter: number): Uint8Array {
  const leaf = Buffer.alloc(32);
  leaf.writeBigUInt64LE(BigInt(counter));
  return leaf;
}

export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
