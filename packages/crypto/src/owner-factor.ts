import { concat, lp16, Reader, requireLength, u32 } from "./bytes.js";
import type { Curve } from "./curve/curve.js";
import { decodeG1, decodeG2, decodeScalar, encodePoint } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";
import { chainId } from "./identity.js";
import { type NonceSource, PROOF_SIZE_BYTES, proveSchnorr, verifySchnorr } from "./proofs.js";

/**
 * The owner factor x of Consilium CS01 §6: X = x·g1 and the owner key Pi = x·P. Without x, not even all key centres
 * together can read a record sealed under Pi.
 */

const PROOF_TAG = "OWNER-POP";

/** X(48) ‖ Pi(96) ‖ proof(64). */
export const OWNER_REGISTRATION_SIZE_BYTES = 208;

/** What an owner registration is bound to. */
export interface OwnerContext {
  readonly chain: Uint8Array;
  readonly kgcKeyNo: number;
  /** Counts the factors of one owner; a new factor takes the next number. */
  readonly ownerKeyNo: number;
  readonly pid: Uint8Array;
  /** Ed25519 key of the owner's account. */
  readonly signKey: Uint8Array;
  /** P, the public key of the key centres, 96 bytes. */
  readonly groupKey: Uint8Array;
}

function proofPrefix(context: OwnerContext, factorKey: Uint8Array, ownerKey: Uint8Array): Uint8Array {
  return concat(
    chainId(context.chain),
    u32(context.kgcKeyNo),
    u32(context.ownerKeyNo),
    lp16(context.pid),
    requireLength(context.signKey, 32, "owner's Ed25519 key"),
    context.groupKey,
    factorKey,
    ownerKey,
  );
}

/**
 * The 208-byte registration message of an owner factor x (32 bytes, not zero).
 * Throws decoding codes; `IDENTITY_POINT` for x = 0.
 */
export function registerOwner(
  curve: Curve,
  input: { readonly context: OwnerContext; readonly factor: Uint8Array; readonly proof: NonceSource },
): Uint8Array {
  const secret = decodeScalar(input.factor);
  const groupKey = decodeG2(curve, input.context.groupKey);
  const factorKey = encodePoint(curve.g1, curve.g1.multiplyGenerator(secret));
  const ownerKey = encodePoint(curve.g2, curve.g2.multiply(groupKey, secret));
  const prefix = proofPrefix(input.context, factorKey, ownerKey);
  const statement = { tag: PROOF_TAG, prefix, base: curve.g1.generator };
  return concat(factorKey, ownerKey, proveSchnorr(curve.g1, statement, secret, input.proof));
}

/** The public parts of a registration that passed. */
export interface OwnerRegistration {
  /** X = x·g1, 48 bytes. */
  readonly factorKey: Uint8Array;
  /** Pi = x·P, 96 bytes. */
  readonly ownerKey: Uint8Array;
}

/**
 * The check every node makes of a registration: decoding codes, then `OWNER_BAD_POP`, then `OWNER_BAD_KEY` when
 * e(X, P) ≠ e(g1, Pi).
 */
export function checkOwnerRegistration(
  curve: Curve,
  input: { readonly context: OwnerContext; readonly message: Uint8Array },
): OwnerRegistration {
  const reader = new Reader(
    requireLength(input.message, OWNER_REGISTRATION_SIZE_BYTES, "owner registration"),
  );
  const factorKey = reader.take(48);
  const ownerKey = reader.take(96);
  const proof = reader.take(PROOF_SIZE_BYTES);
  const factorPoint = decodeG1(curve, factorKey);
  const ownerPoint = decodeG2(curve, ownerKey);
  const groupPoint = decodeG2(curve, input.context.groupKey);
  const prefix = proofPrefix(input.context, factorKey, ownerKey);
  const statement = { tag: PROOF_TAG, prefix, base: curve.g1.generator, image: factorPoint };
  if (!verifySchnorr(curve.g1, statement, proof)) {
    throw new ConsiliumError("OWNER_BAD_POP", "Prove the owner factor for exactly this account and chain.");
  }
  const matches = curve.pairingProductIsOne([
    { g1: factorPoint, g2: groupPoint },
    { g1: curve.g1.negate(curve.g1.generator), g2: ownerPoint },
  ]);
  if (!matches) throw new ConsiliumError("OWNER_BAD_KEY", "Send Pi = x·P for the factor that was proven.");
  return { factorKey, ownerKey };
}

/** D = x·d_I (48 bytes): the key that opens an owner's capsules of type identity I. */
export function ownerDecryptionKey(
  curve: Curve,
  input: { readonly typeKey: Uint8Array; readonly factor: Uint8Array },
): Uint8Array {
  const typeKey = decodeG1(curve, input.typeKey);
  return encodePoint(curve.g1, curve.g1.multiply(typeKey, decodeScalar(input.factor)));
}
