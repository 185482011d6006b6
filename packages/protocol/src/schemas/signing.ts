import { utf8 } from "@consilium/crypto";

const BODY_DOMAIN = utf8("CONSILIUM-V01-CS01-BODY");

/** What an account signs to fetch a record's ciphertext: domain ‖ chain ‖ recordId ‖ requestId ‖ u64 time. */
export function bodyRequestSigningBytes(
  chainId: Uint8Array,
  request: { readonly recordId: Uint8Array; readonly requestId: Uint8Array; readonly timeMs: number },
): Uint8Array {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(request.timeMs));
  return Uint8Array.of(...BODY_DOMAIN, ...chainId, ...request.recordId, ...request.requestId, ...time);
}
