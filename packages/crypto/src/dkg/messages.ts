/** Bytes of the messages of a run (Consilium CS01 §13.2). Parsing here knows lengths only; points come later. */
import { concat, equalBytes, Reader, u8, u16 } from "../bytes.js";
import { ConsiliumError } from "../errors.js";
import { PROOF_SIZE_BYTES } from "../proofs.js";
import { DKG_ENCRYPTION_KEY_MESSAGE_SIZE_BYTES } from "./encryption-key.js";
import { type DkgParams, type DkgPurpose, dkgBaseSizeBytes } from "./params.js";

export const DKG_MESSAGE = { deal: 0x31, dispute: 0x32, confirm: 0x33, switch: 0x34 } as const;
export type DkgMessageType = (typeof DKG_MESSAGE)[keyof typeof DKG_MESSAGE];

export const DKG_DISPUTE_SIZE_BYTES = 150;
export const DKG_CONFIRM_SIZE_BYTES = 244;

const VERSION = 1;
const TYPES: readonly number[] = Object.values(DKG_MESSAGE);
const G1_SIZE_BYTES = 48;
const SCALAR_SIZE_BYTES = 32;
const DEAL_PROOF_SIZE_BYTES = 3 * SCALAR_SIZE_BYTES;

export interface DkgDealMessage {
  /** i, the index of the dealer. */
  readonly dealer: number;
  /** A_0 … A_{t−1}, encoded. */
  readonly commitments: readonly Uint8Array[];
  /** R = ρ·g1, encoded. */
  readonly ephemeralKey: Uint8Array;
  /** ct_1 … ct_n, 32 bytes each. */
  readonly sealedShares: readonly Uint8Array[];
  /** All bytes before the proof: they are what it signs. */
  readonly proven: Uint8Array;
  /** c, y_a, y_ρ, encoded. */
  readonly proof: readonly [Uint8Array, Uint8Array, Uint8Array];
}

export interface DkgDisputeMessage {
  /** i, the dealer accused. */
  readonly dealer: number;
  /** j, the member that disputes. */
  readonly member: number;
  /** E_j = e_j·R_i, encoded. */
  readonly sharedPoint: Uint8Array;
  readonly proof: Uint8Array;
}

export interface DkgConfirmMessage {
  /** j, the member that confirms. */
  readonly member: number;
  /** th. */
  readonly transcript: Uint8Array;
  readonly proof: Uint8Array;
  /** Registration of the encryption key for the run after this one. */
  readonly nextEncryptionKey: Uint8Array;
}

/** 180 + |B|·t + 32·n. */
export function dkgDealSizeBytes(purpose: DkgPurpose, threshold: number, memberCount: number): number {
  return 180 + dkgBaseSizeBytes(purpose) * threshold + SCALAR_SIZE_BYTES * memberCount;
}

/** Type of a body. Throws `BAD_LENGTH` for an empty one, `BAD_ENCODING` for a type this protocol does not know. */
export function dkgMessageType(body: Uint8Array): DkgMessageType {
  const type = new Reader(body).u8("message type");
  if (TYPES.includes(type)) return type as DkgMessageType;
  throw new ConsiliumError("BAD_ENCODING", "This is no message of a key generation; check its first byte.", {
    type,
  });
}

/** type ‖ version ‖ sid. */
export function encodeHeader(type: DkgMessageType, sid: Uint8Array): Uint8Array {
  return concat(u8(type), u8(VERSION), sid);
}

/**
 * Reads type, version and sid and returns a reader of the rest.
 * Throws `BAD_ENCODING`, `BAD_LENGTH`, `DKG_WRONG_SID`.
 */
export function openHeader(body: Uint8Array, type: DkgMessageType, sid: Uint8Array): Reader {
  const reader = new Reader(body);
  if (reader.u8("message type") !== type || reader.u8("version") !== VERSION) {
    throw new ConsiliumError(
      "BAD_ENCODING",
      "This message has another type or version than the one expected.",
    );
  }
  if (equalBytes(reader.take(32, "sid"), sid)) return reader;
  throw new ConsiliumError(
    "DKG_WRONG_SID",
    "This message belongs to another run; rebuild it for the current one.",
  );
}

/** Splits a deal. Throws `BAD_ENCODING`, `BAD_LENGTH`, `DKG_WRONG_SID`. */
export function parseDeal(params: DkgParams, sid: Uint8Array, body: Uint8Array): DkgDealMessage {
  const reader = openHeader(body, DKG_MESSAGE.deal, sid);
  const dealer = reader.u16("dealer");
  const sizeBytes = dkgBaseSizeBytes(params.purpose);
  const commitments = Array.from({ length: params.threshold }, () => reader.take(sizeBytes, "commitment"));
  const ephemeralKey = reader.take(G1_SIZE_BYTES, "ephemeral key");
  const sealedShares = params.members.map(() => reader.take(SCALAR_SIZE_BYTES, "sealed share"));
  const scalar = () => reader.take(SCALAR_SIZE_BYTES, "proof");
  const proof = [scalar(), scalar(), scalar()] as const;
  reader.end("deal");
  const proven = body.slice(0, body.length - DEAL_PROOF_SIZE_BYTES);
  return { dealer, commitments, ephemeralKey, sealedShares, proven, proof };
}

/** Splits a dispute. Throws `BAD_ENCODING`, `BAD_LENGTH`, `DKG_WRONG_SID`. */
export function parseDispute(sid: Uint8Array, body: Uint8Array): DkgDisputeMessage {
  const reader = openHeader(body, DKG_MESSAGE.dispute, sid);
  const dispute = {
    dealer: reader.u16("dealer"),
    member: reader.u16("member"),
    sharedPoint: reader.take(G1_SIZE_BYTES, "shared point"),
    proof: reader.take(PROOF_SIZE_BYTES, "proof"),
  };
  reader.end("dispute");
  return dispute;
}

export function encodeDispute(sid: Uint8Array, message: DkgDisputeMessage): Uint8Array {
  const indices = concat(u16(message.dealer), u16(message.member));
  return concat(encodeHeader(DKG_MESSAGE.dispute, sid), indices, message.sharedPoint, message.proof);
}

/** Splits a confirm. Throws `BAD_ENCODING`, `BAD_LENGTH`, `DKG_WRONG_SID`. */
export function parseConfirm(sid: Uint8Array, body: Uint8Array): DkgConfirmMessage {
  const reader = openHeader(body, DKG_MESSAGE.confirm, sid);
  const confirm = {
    member: reader.u16("member"),
    transcript: reader.take(32, "transcript"),
    proof: reader.take(PROOF_SIZE_BYTES, "proof"),
    nextEncryptionKey: reader.take(DKG_ENCRYPTION_KEY_MESSAGE_SIZE_BYTES, "next encryption key"),
  };
  reader.end("confirm");
  return confirm;
}

export function encodeConfirm(sid: Uint8Array, message: DkgConfirmMessage): Uint8Array {
  const header = encodeHeader(DKG_MESSAGE.confirm, sid);
  return concat(header, u16(message.member), message.transcript, message.proof, message.nextEncryptionKey);
}
