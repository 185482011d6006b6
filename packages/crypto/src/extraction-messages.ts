import { concat, lp32, Reader, requireLength, type Uint64, u16, u64 } from "./bytes.js";
import { ed25519Verify } from "./ed25519.js";
import { ConsiliumError } from "./errors.js";
import { SEALED_PARTIAL_SIZE_BYTES } from "./extraction.js";
import { domain, sha256 } from "./hash.js";
import {
  chainId,
  generationBytes,
  type Identity,
  type KeyGeneration,
  parseIdentity,
  readGeneration,
} from "./identity.js";
import { requireIndex } from "./lagrange.js";

/** How far the time of an extraction request may lie from the key centre's clock. */
export const EXTRACTION_CLOCK_DIFFERENCE_MS_MAX = 60_000;

/** gen(8) ‖ u16 k ‖ triple(192). */
export const EXTRACTION_ANSWER_SIZE_BYTES = 202;

/** To which key centre, of which generation, on which chain a request is signed. */
export interface ExtractionAddress {
  readonly chain: Uint8Array;
  readonly generation: KeyGeneration;
  /** Index k of the key centre, from 1. */
  readonly index: number;
}

/** What a request to a key centre says. */
export interface ExtractionRequest {
  readonly identity: Uint8Array;
  /** T, 48 bytes; decoded by whoever seals to it. */
  readonly transportKey: Uint8Array;
  /** Unix milliseconds. */
  readonly timeMs: Uint64;
}

/** lp32(I) ‖ T ‖ u64 time. */
export function extractionRequestBytes(request: ExtractionRequest): Uint8Array {
  const transportKey = requireLength(request.transportKey, 48, "transport key");
  return concat(lp32(request.identity), transportKey, u64(request.timeMs));
}

/** Parses a request. Throws `BAD_LENGTH`, `BAD_IDENTITY`. */
export function parseExtractionRequest(bytes: Uint8Array): ExtractionRequest & { readonly parsed: Identity } {
  const reader = new Reader(bytes);
  const identity = reader.lp32("identity");
  const transportKey = reader.take(48, "transport key");
  const timeMs = reader.u64("time");
  reader.end("extraction request");
  return { identity, transportKey, timeMs, parsed: parseIdentity(identity) };
}

/** What the requester's account signs: DOM ‖ "EXTRACT" ‖ chain ‖ gen ‖ u16 k ‖ request. */
export function extractionRequestSigningBytes(address: ExtractionAddress, request: Uint8Array): Uint8Array {
  return concat(
    domain("EXTRACT"),
    chainId(address.chain),
    generationBytes(address.generation),
    u16(requireIndex(address.index)),
    request,
  );
}

/**
 * What key centre k checks of a request before its share is used: parse, signature of the account and time. Whether
 * the account has a right to the identity is for the caller, who knows the chain. Without the signature a relaying
 * hospital could put in its own transport key.
 * Throws `BAD_LENGTH`, `BAD_IDENTITY`, `EXTRACT_BAD_REQUEST`.
 */
export function verifyExtractionRequest(input: {
  readonly address: ExtractionAddress;
  readonly request: Uint8Array;
  readonly signature: Uint8Array;
  readonly accountKey: Uint8Array;
  readonly nowMs: Uint64;
}): ExtractionRequest & { readonly parsed: Identity } {
  const request = parseExtractionRequest(input.request);
  const signed = extractionRequestSigningBytes(input.address, input.request);
  if (!ed25519Verify(input.accountKey, signed, input.signature)) {
    throw new ConsiliumError(
      "EXTRACT_BAD_REQUEST",
      "Sign the request with the account's key for this key centre.",
    );
  }
  const difference = BigInt(request.timeMs) - BigInt(input.nowMs);
  const limit = BigInt(EXTRACTION_CLOCK_DIFFERENCE_MS_MAX);
  if (difference > limit || difference < -limit) {
    throw new ConsiliumError("EXTRACT_BAD_REQUEST", "Set the clock and send a fresh request.", {
      differenceMs: Number(difference),
    });
  }
  return request;
}

/** A key centre's answer: gen ‖ u16 k ‖ sealed partial key. */
export function extractionAnswerBytes(
  answer: Omit<ExtractionAddress, "chain"> & { readonly sealed: Uint8Array },
): Uint8Array {
  const sealed = requireLength(answer.sealed, SEALED_PARTIAL_SIZE_BYTES, "sealed partial key");
  return concat(generationBytes(answer.generation), u16(requireIndex(answer.index)), sealed);
}

/** What the key centre signs: DOM ‖ "EXTRACT-ANSWER" ‖ chain ‖ SHA-256(request) ‖ answer. */
export function extractionAnswerSigningBytes(
  chain: Uint8Array,
  request: Uint8Array,
  answer: Uint8Array,
): Uint8Array {
  return concat(domain("EXTRACT-ANSWER"), chainId(chain), sha256(request), answer);
}

/**
 * Checks a key centre's answer to one's own request: length, generation (`WRONG_KEY_GENERATION`), index
 * (`BAD_INDEX`), signature (`SIG_INVALID`). Returns the sealed partial key, still to be checked itself.
 */
export function openExtractionAnswer(input: {
  readonly address: ExtractionAddress;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
  readonly signature: Uint8Array;
  readonly nodeKey: Uint8Array;
}): Uint8Array {
  const reader = new Reader(requireLength(input.answer, EXTRACTION_ANSWER_SIZE_BYTES, "extraction answer"));
  const generation = readGeneration(reader);
  const index = reader.u16("index");
  const { address } = input;
  if (
    generation.keyNo !== address.generation.keyNo ||
    generation.shareEpoch !== address.generation.shareEpoch
  ) {
    throw new ConsiliumError("WRONG_KEY_GENERATION", "Ask again for the key generation in force.");
  }
  if (index !== address.index)
    throw new ConsiliumError("BAD_INDEX", "This answer is another key centre's.", { index });
  const signed = extractionAnswerSigningBytes(address.chain, input.request, input.answer);
  if (!ed25519Verify(input.nodeKey, signed, input.signature)) {
    throw new ConsiliumError("SIG_INVALID", "Drop the answer: its signature is not the key centre's.");
  }
  return reader.take(SEALED_PARTIAL_SIZE_BYTES, "sealed partial key");
}
