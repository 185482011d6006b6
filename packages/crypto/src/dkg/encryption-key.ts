/** Encryption keys EK_j to which dealers seal sub-shares, registered with a proof (Consilium CS01 §13.1). */
import { concat, Reader, requireLength, u8 } from "../bytes.js";
import type { Curve } from "../curve/curve.js";
import { decodeG1, decodeScalar, encodePoint } from "../curve/encoding.js";
import { ConsiliumError } from "../errors.js";
import { type NonceSource, PROOF_SIZE_BYTES, proveSchnorr, verifySchnorr } from "../proofs.js";
import type { DkgPurpose } from "./params.js";

export const DKG_ENCRYPTION_KEY_SIZE_BYTES = 48;
/** EK ‖ c ‖ y. */
export const DKG_ENCRYPTION_KEY_MESSAGE_SIZE_BYTES = 112;

const TAG = "EK-POK";

export interface DkgKeyOwner {
  /** Genesis hash, 32 bytes. */
  readonly chain: Uint8Array;
  readonly purpose: DkgPurpose;
  readonly nodeId: Uint8Array;
}

/** The registration of e·g1, 112 bytes. Throws `BAD_LENGTH`, `BAD_SCALAR`, `IDENTITY_POINT` for e = 0. */
export function dkgMakeEncryptionKey(
  curve: Curve,
  owner: DkgKeyOwner,
  secret: Uint8Array,
  nonce: NonceSource,
): Uint8Array {
  const scalar = decodeScalar(secret);
  const key = encodePoint(curve.g1, curve.g1.multiplyGenerator(scalar));
  const statement = { tag: TAG, prefix: proofPrefix(owner, key), base: curve.g1.generator };
  return concat(key, proveSchnorr(curve.g1, statement, scalar, nonce));
}

/**
 * Checks a registration and returns EK, 48 bytes. Throws the codes of CS01 §2 for what does not decode, `DKG_BAD_EK`
 * for a proof that does not hold for this chain, purpose and node.
 */
export function dkgCheckEncryptionKey(curve: Curve, owner: DkgKeyOwner, message: Uint8Array): Uint8Array {
  const reader = new Reader(
    requireLength(message, DKG_ENCRYPTION_KEY_MESSAGE_SIZE_BYTES, "encryption key message"),
  );
  const key = reader.take(DKG_ENCRYPTION_KEY_SIZE_BYTES);
  const proof = reader.take(PROOF_SIZE_BYTES);
  const image = decodeG1(curve, key);
  const statement = { tag: TAG, prefix: proofPrefix(owner, key), base: curve.g1.generator, image };
  if (verifySchnorr(curve.g1, statement, proof)) return key;
  throw new ConsiliumError(
    "DKG_BAD_EK",
    "The proof of this encryption key does not hold; make the registration again for this chain, purpose and node.",
  );
}

function proofPrefix(owner: DkgKeyOwner, key: Uint8Array): Uint8Array {
  const chain = requireLength(owner.chain, 32, "chain");
  return concat(chain, u8(owner.purpose), requireLength(owner.nodeId, 32, "node id"), key);
}
