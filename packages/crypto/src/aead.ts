/** AES-256-GCM behind a small port, so that a node plugs in its native library and a browser needs none. */
import { gcm } from "@noble/ciphers/aes.js";

export const AEAD_KEY_SIZE_BYTES = 32;
export const AEAD_NONCE_SIZE_BYTES = 12;
export const AEAD_TAG_SIZE_BYTES = 16;

export interface AeadPort {
  /** Ciphertext ‖ tag, for a key of 32 and a nonce of 12 bytes; no aad when left out. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Uint8Array;
  /** The plaintext, or undefined when the tag does not hold; nothing of a refused message is released. */
  open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, aad?: Uint8Array): Uint8Array | undefined;
}

/** Portable AES-256-GCM. */
export const nobleAead: AeadPort = {
  seal: (key, nonce, plaintext, aad) => gcm(key, nonce, aad).encrypt(plaintext),
  open(key, nonce, ciphertext, aad) {
    try {
      return gcm(key, nonce, aad).decrypt(ciphertext);
    } catch {
      return undefined;
    }
  },
};
