/** An index entry as bytes, and the capsule context that it makes. */
import { capsuleContext, fromHex, type RecordFacts } from "@consilium/crypto";
import type { RecordView } from "../api/contract.js";

export interface IndexedRecord {
  readonly view: RecordView;
  readonly recordId: Uint8Array;
  readonly capsule: Uint8Array;
  readonly commitment: Uint8Array;
  readonly ownerKey: Uint8Array;
  /** ctx of CS01 §8. */
  readonly context: Uint8Array;
}

export function indexedRecord(chainId: Uint8Array, view: RecordView): IndexedRecord {
  const commitment = fromHex(view.commitment);
  const facts: RecordFacts = {
    chain: chainId,
    recordId: fromHex(view.recordId),
    author: fromHex(view.author),
    label: fromHex(view.label),
    kgcKeyNo: view.kgcKeyNo,
    ownerKey: fromHex(view.pi),
    headerDigest: fromHex(view.headerDigest),
    payloadSizeBytes: view.lengthBytes,
    payloadDigest: fromHex(view.digest),
  };
  return {
    view,
    recordId: facts.recordId,
    capsule: fromHex(view.capsule),
    commitment,
    ownerKey: facts.ownerKey,
    context: capsuleContext(facts, commitment),
  };
}
