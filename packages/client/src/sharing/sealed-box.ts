/** Single sealed messages between people and hospitals: HPKE (RFC 9180 base mode), enc(32) ‖ ciphertext. */
import { concat, domain, HPKE_ENC_SIZE_BYTES, hpkeOpen, hpkeSeal } from "@consilium/crypto";
import type { Random } from "@consilium/protocol";

const NO_AAD = new Uint8Array(0);

/** Seals to an X25519 key. `context` says what the message is for; it opens under the same context alone. */
export function sealTo(
  recipientKey: Uint8Array,
  context: SealContext,
  plaintext: Uint8Array,
  random: Random,
): Uint8Array {
  const ephemeralSecret = random.bytes(32);
  const sealed = hpkeSeal({ recipientKey, ephemeralSecret, info: infoOf(context), aad: NO_AAD, plaintext });
  ephemeralSecret.fill(0);
  sealed.sharedSecret.fill(0);
  return concat(sealed.enc, sealed.ciphertext);
}

/** Opens what {@link sealTo} made. Throws `HPKE_OPEN_FAILED`, `HPKE_BAD_KEY`, `BAD_LENGTH`. */
export function openFrom(recipientSecret: Uint8Array, context: SealContext, sealed: Uint8Array): Uint8Array {
  const opened = hpkeOpen({
    recipientSecret,
    enc: sealed.slice(0, HPKE_ENC_SIZE_BYTES),
    info: infoOf(context),
    aad: NO_AAD,
    ciphertext: sealed.slice(HPKE_ENC_SIZE_BYTES),
  });
  opened.sharedSecret.fill(0);
  return opened.plaintext;
}

export interface SealContext {
  /** Names the kind of message, as `ACCESS-REQUEST`. */
  readonly tag: string;
  /** Fixed-length parts: chain and the ids of both sides. */
  readonly parts: readonly Uint8Array[];
}

const infoOf = (context: SealContext): Uint8Array => concat(domain(context.tag), ...context.parts);
