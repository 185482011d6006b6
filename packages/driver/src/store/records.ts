import { concat, Reader, u8, u32, u64, utf8 } from "@consilium/crypto";
import { Certificate, decodeStrict } from "@consilium/protocol";
import type { FinalizedTip, TransactionResult } from "../chain.js";

/** The durable cursor: the tip and the finalization that proves it (none on top of genesis). */
export interface TipRecord {
  readonly tip: FinalizedTip;
  readonly finalization: Certificate | undefined;
}

export function encodeTip({ tip, finalization }: TipRecord): Uint8Array {
  return concat(
    u64(tip.height),
    tip.digest,
    tip.stateRoot,
    u64(tip.timestampMs),
    u64(tip.epoch),
    u64(tip.view),
    finalization === undefined ? new Uint8Array() : Certificate.serialize(finalization),
  );
}

/** Throws `BAD_LENGTH` or `BAD_ENCODING` for bytes that {@link encodeTip} did not make. */
export function decodeTip(bytes: Uint8Array): TipRecord {
  const reader = new Reader(bytes);
  const tip: FinalizedTip = {
    height: Number(reader.u64()),
    digest: reader.take(32),
    stateRoot: reader.take(32),
    timestampMs: Number(reader.u64()),
    epoch: Number(reader.u64()),
    view: Number(reader.u64()),
  };
  if (reader.remainingBytes === 0) return { tip, finalization: undefined };
  return { tip, finalization: decodeStrict(Certificate, reader.take(reader.remainingBytes), "finalization") };
}

export function encodeResult(result: TransactionResult): Uint8Array {
  const { height, index, timestampMs, code } = result;
  const name = utf8(code);
  return concat(u64(height), u32(index), u64(timestampMs), u8(name.length), name);
}

export function decodeResult(id: Uint8Array, bytes: Uint8Array): TransactionResult {
  const reader = new Reader(bytes);
  const place = { height: Number(reader.u64()), index: reader.u32(), timestampMs: Number(reader.u64()) };
  // Codes are ASCII names.
  const code = String.fromCharCode(...reader.take(reader.u8()));
  return { id, ...place, code };
}
