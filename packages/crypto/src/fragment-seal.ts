import { concat, Reader, u16 } from "./bytes.js";
import { ed25519Sign, ed25519Verify } from "./ed25519.js";
import { ConsiliumError } from "./errors.js";
import { type FragmentContext, fragmentHead } from "./fragment.js";
import { domain } from "./hash.js";
import { type HpkeOpened, hpkeOpen, hpkeSeal } from "./hpke.js";
import { generationBytes, type KeyGeneration, readGeneration, sameGeneration } from "./identity.js";

/** Sealed fragments (Consilium CS01 §10.2, §10.3): HPKE to the request key, signed by the proxy's node. */

const HEAD_SIZE_BYTES = 42;
const SIGNATURE_SIZE_BYTES = 64;
const TAG_SIZE_BYTES = 16;

type SealContext = Omit<FragmentContext, "verificationKey">;

/** gen(8) ‖ u16 k ‖ enc(32) ‖ ct(48m + 80) ‖ signature(64). */
export function sealedFragmentSizeBytes(records: number): number {
  return 186 + 48 * records;
}

/** info of the HPKE seal: DOM ‖ "FRAG" ‖ chain ‖ reqId ‖ gen ‖ u16 k. */
export function fragmentHpkeInfo(context: SealContext): Uint8Array {
  return concat(domain("FRAG"), fragmentHead(context));
}

function signingBytes(context: SealContext, enc: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return concat(domain("FRAG-SIG"), fragmentHead(context), enc, ciphertext);
}

/**
 * Seals a plain fragment to the request key and signs it with the node's Ed25519 key.
 * The ephemeral secret (32 bytes) must be fresh for every fragment. Throws `HPKE_BAD_KEY`, `BAD_LENGTH`.
 */
export function sealFragment(input: {
  readonly context: SealContext;
  readonly requestKey: Uint8Array;
  readonly ephemeralSecret: Uint8Array;
  readonly plain: Uint8Array;
  readonly signingSecret: Uint8Array;
}): Uint8Array {
  const { context } = input;
  const { enc, ciphertext, sharedSecret } = hpkeSeal({
    recipientKey: input.requestKey,
    ephemeralSecret: input.ephemeralSecret,
    info: fragmentHpkeInfo(context),
    aad: new Uint8Array(),
    plaintext: input.plain,
  });
  sharedSecret.fill(0);
  const signature = ed25519Sign(input.signingSecret, signingBytes(context, enc, ciphertext));
  return concat(generationBytes(context.generation), u16(context.index), enc, ciphertext, signature);
}

/** The parts of a sealed fragment. */
export interface SealedFragment {
  readonly generation: KeyGeneration;
  readonly index: number;
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly signature: Uint8Array;
}

/** Splits a sealed fragment of any number of records. Throws `BAD_LENGTH` when even the frame does not fit. */
export function parseSealedFragment(sealed: Uint8Array): SealedFragment {
  const bodySizeBytes = Math.max(sealed.length - HEAD_SIZE_BYTES - SIGNATURE_SIZE_BYTES, TAG_SIZE_BYTES);
  const reader = new Reader(sealed);
  const generation = readGeneration(reader);
  const index = reader.u16("index");
  const enc = reader.take(32, "enc");
  const ciphertext = reader.take(bodySizeBytes, "ciphertext");
  const signature = reader.take(SIGNATURE_SIZE_BYTES, "signature");
  reader.end("sealed fragment");
  return { generation, index, enc, ciphertext, signature };
}

/**
 * Checks what stands outside the seal, in this order: length for m records (`BAD_LENGTH`), generation
 * (`WRONG_KEY_GENERATION`), index (`BAD_INDEX`), signature (`SIG_INVALID`).
 *
 * `signedLengthIsEnough` is for judges: a node that signs a fragment of the wrong length must answer for it, so there a
 * wrong length is refused only when the signature does not hold either.
 */
export function checkSealedFragment(input: {
  readonly context: SealContext;
  readonly sealed: Uint8Array;
  readonly records: number;
  readonly nodeKey: Uint8Array;
  readonly signedLengthIsEnough?: boolean;
}): SealedFragment {
  const rightLength = input.sealed.length === sealedFragmentSizeBytes(input.records);
  if (!rightLength && input.signedLengthIsEnough !== true)
    throw wrongLength(input.sealed.length, input.records);
  const parts = parseSealedFragment(input.sealed);
  if (!sameGeneration(parts.generation, input.context.generation)) {
    throw new ConsiliumError(
      "WRONG_KEY_GENERATION",
      "This fragment is of another generation of the proxy key.",
    );
  }
  if (parts.index !== input.context.index) {
    throw new ConsiliumError("BAD_INDEX", "This fragment is another proxy's.", { index: parts.index });
  }
  const signed = signingBytes(input.context, parts.enc, parts.ciphertext);
  if (!ed25519Verify(input.nodeKey, signed, parts.signature)) {
    if (!rightLength) throw wrongLength(input.sealed.length, input.records);
    throw new ConsiliumError("SIG_INVALID", "Drop the fragment: its signature is not the proxy's.");
  }
  return parts;
}

function wrongLength(actualBytes: number, records: number): ConsiliumError {
  return new ConsiliumError("BAD_LENGTH", `A sealed fragment for ${records} records has another length.`, {
    expectedBytes: sealedFragmentSizeBytes(records),
    actualBytes,
  });
}

/**
 * Opens a sealed fragment with the request secret (§10.3): the checks of {@link checkSealedFragment}, then HPKE.
 * The plain fragment is not verified yet. Throws their codes, `HPKE_OPEN_FAILED`, `HPKE_BAD_KEY`.
 */
export function openFragment(input: {
  readonly context: SealContext;
  readonly sealed: Uint8Array;
  readonly records: number;
  readonly nodeKey: Uint8Array;
  readonly requestSecret: Uint8Array;
}): HpkeOpened {
  const { enc, ciphertext } = checkSealedFragment(input);
  return hpkeOpen({
    recipientSecret: input.requestSecret,
    enc,
    info: fragmentHpkeInfo(input.context),
    aad: new Uint8Array(),
    ciphertext,
  });
}
