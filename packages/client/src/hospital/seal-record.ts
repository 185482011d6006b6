/** Sealing one record on the hospital's side (CS01 §8): the node never sees the plaintext or the record key. */
import {
  capsuleContext,
  fromHex,
  headerDigest,
  PAYLOAD_CHUNK_LOG2_DEFAULT,
  PAYLOAD_CHUNK_LOG2_MAX,
  PAYLOAD_HEADER_SIZE_BYTES,
  payloadPieceSizeBytes,
  payloadSeal,
  sha256,
  typeIdentity,
  typeLabel,
  utf8,
} from "@consilium/crypto";
import { RecordHeader, RecordPut } from "@consilium/protocol";
import type { AccountView } from "../api/contract.js";
import { type ClientPorts, randomScalar } from "../ports.js";

const HEADER_VERSION = 1;
const CHUNKS_MAX = 1_000;

export interface SealInput {
  readonly chainId: Uint8Array;
  /** Node id of the author, under whose key the record id was made. */
  readonly author: Uint8Array;
  readonly recordNonce: number;
  readonly recordId: Uint8Array;
  /** The owner's account as the chain has it. */
  readonly owner: AccountView;
  readonly type: string;
  readonly version: number;
  readonly salt: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly dateBucket: number;
}

export interface SealedRecord {
  /** SSZ of RecordPut. */
  readonly put: Uint8Array;
  /** The payload file, and its SHA-256. */
  readonly file: Uint8Array;
  readonly digest: Uint8Array;
}

/** Seals a record and checks the capsule before it is handed out. Key and randomness are erased. */
export async function sealRecord(ports: ClientPorts, input: SealInput): Promise<SealedRecord> {
  const identity = typeIdentity({
    pid: fromHex(input.owner.account),
    type: utf8(input.type),
    version: input.version,
  });
  const ownerKey = fromHex(input.owner.pi ?? "");
  const randomness = randomScalar(ports.random);
  try {
    const { key, commitment } = await ports.pool.run("encapsulateKey", { identity, ownerKey, randomness });
    const chunkLog2 = chunkLog2For(input.plaintext.length);
    const salt = ports.random.bytes(16);
    const { file, digest, lengthBytes } = payloadSeal(input.plaintext, {
      key,
      salt,
      chunkLog2,
      platform: ports.payload,
    });
    key.fill(0);
    const header = RecordHeader.serialize({
      version: HEADER_VERSION,
      log2ChunkBytes: chunkLog2,
      chunkDigests: chunkDigestsOf(file, chunkLog2),
    });
    const label = typeLabel(identity, input.salt);
    const { recordId, kgcKeyNo } = { recordId: input.recordId, kgcKeyNo: input.owner.kgcKeyNo };
    const facts = {
      ...{ chain: input.chainId, recordId, author: input.author, label, kgcKeyNo, ownerKey },
      headerDigest: headerDigest(header),
      payloadSizeBytes: lengthBytes,
      payloadDigest: digest,
    };
    const context = capsuleContext(facts, commitment);
    const capsule = await ports.pool.run("sealCapsule", { randomness, context });
    await ports.pool.run("checkCapsule", { capsule, context });
    const put = RecordPut.serialize({
      ...{ recordId, recordNonce: input.recordNonce, owner: fromHex(input.owner.account), label, kgcKeyNo },
      ownerKeyNo: input.owner.ownerKeyNo,
      ...{ header, lengthBytes, digest, commitment, capsule, dateBucket: input.dateBucket },
    });
    return { put, file, digest };
  } finally {
    randomness.fill(0);
  }
}

/** Chunks as they are served: the first holds the stream head and the first piece, the others one piece each. */
export function chunkDigestsOf(file: Uint8Array, chunkLog2: number): Uint8Array[] {
  const pieceBytes = payloadPieceSizeBytes(chunkLog2);
  const digests: Uint8Array[] = [];
  let end = PAYLOAD_HEADER_SIZE_BYTES + pieceBytes;
  for (let from = 0; from < file.length; from = end, end += pieceBytes)
    digests.push(sha256(file.subarray(from, end)));
  return digests;
}

/** The default chunk size, or the smallest larger one under which a header holds all digests. */
function chunkLog2For(plaintextBytes: number): number {
  let log2 = PAYLOAD_CHUNK_LOG2_DEFAULT;
  while (log2 < PAYLOAD_CHUNK_LOG2_MAX && plaintextBytes / 2 ** log2 > CHUNKS_MAX) log2++;
  return log2;
}
