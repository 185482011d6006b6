import { concat, lp16, requireLength, toHex, type Uint64, u16, u64 } from "./bytes.js";
import { ConsiliumError } from "./errors.js";
import { hash } from "./hash.js";
import { chainId, generationBytes, type KeyGeneration } from "./identity.js";

/** Access requests (Consilium CS01 §5 and §10.1). */

/** Most records one request may name. */
export const REQUEST_RECORDS_MAX = 256;

/** Addressee of a request that every proxy may answer. */
export const ALL_PROXIES = 0;

/** The fields of a request that its id covers. */
export interface AccessRequest {
  readonly chain: Uint8Array;
  readonly gid: Uint8Array;
  readonly uid: Uint8Array;
  /** 0 for all proxies, k for proxy k alone (§10.4). */
  readonly addressee: number;
  readonly generation: KeyGeneration;
  /** Fresh X25519 key, 32 bytes. */
  readonly requestKey: Uint8Array;
  readonly nonce: Uint64;
  readonly recordIds: readonly Uint8Array[];
}

/** reqId. Throws `REQ_BAD_SIZE`, `REQ_DUPLICATE_RECORD`, `BAD_LENGTH`. */
export function requestId(request: AccessRequest): Uint8Array {
  const { recordIds } = request;
  if (recordIds.length < 1 || recordIds.length > REQUEST_RECORDS_MAX) {
    throw new ConsiliumError("REQ_BAD_SIZE", `Ask for 1 to ${REQUEST_RECORDS_MAX} records at once.`, {
      records: recordIds.length,
    });
  }
  if (new Set(recordIds.map(toHex)).size !== recordIds.length) {
    throw new ConsiliumError("REQ_DUPLICATE_RECORD", "Name every record once.");
  }
  return hash(
    "REQ",
    chainId(request.chain),
    requireLength(request.gid, 32, "grant id"),
    lp16(request.uid),
    u16(request.addressee),
    generationBytes(request.generation),
    requireLength(request.requestKey, 32, "request key"),
    u64(request.nonce),
    u16(recordIds.length),
    concat(...recordIds.map((id) => requireLength(id, 32, "record id"))),
  );
}
