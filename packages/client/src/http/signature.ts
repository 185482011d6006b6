/**
 * Signed requests: HTTP Message Signatures (RFC 9421) with Ed25519, and Content-Digest (RFC 9530). Both sides use this
 * module: the client signs, the server verifies.
 *
 * Covered: method, authority, path and query always; content-digest whenever there is a body. The signature names its
 * key (`keyid`: account id or node id, lower-case hex), when it was made (`created`, 60 s window) and a nonce that the
 * server accepts once inside the window. Covering the authority keeps one node from replaying a request at another.
 */
import { ConsiliumError, ed25519Verify, equalBytes, sha256, toHex, utf8 } from "@consilium/crypto";
import { fromBase64, toBase64 } from "./base64.js";
import {
  encodeSignature,
  encodeSignatureParameters,
  type HttpMessage,
  parseSignature,
  parseSignatureInput,
  type SignatureParameters,
  signatureBase,
} from "./signature-base.js";

/** A request may be at most this much older or newer than the server's clock. */
export const SIGNATURE_WINDOW_MS = 60_000;

const LABEL = "consilium";
const TAG = "consilium-v1";
const ALGORITHM = "ed25519";
const REQUIRED = ["@method", "@authority", "@path", "@query"] as const;
const DIGEST_FIELD = "content-digest";
const NONCE_SIZE_BYTES = 16;

/** Who signs: a key and the id under which the server finds it. The secret may live elsewhere (WebCrypto, a token). */
export interface RequestSigner {
  /** Account id of a user, or node id of a member; lower-case hex. */
  readonly keyId: string;
  /** Ed25519 signature (64 bytes) over the message. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Host, path and query of a URL as RFC 9421 §2.2 wants them. */
export function requestTarget(url: URL): Pick<HttpMessage, "authority" | "path" | "query"> {
  return {
    authority: url.host.toLowerCase(),
    path: url.pathname,
    query: url.search === "" ? "?" : url.search,
  };
}

/** `sha-256=:…:` of a body (RFC 9530 §2). */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${toBase64(sha256(body))}:`;
}

/** The SHA-256 in a Content-Digest field that holds exactly one, otherwise undefined. */
export function parseContentDigest(field: string): Uint8Array | undefined {
  const match = /^sha-256=:([A-Za-z0-9+/=]{44}):$/.exec(field.trim());
  const digest = match === null ? undefined : fromBase64(match[1]!);
  return digest?.length === 32 ? digest : undefined;
}

/**
 * The fields that make a request signed: `signature-input`, `signature`, and with a body `content-digest`.
 *
 * @param random 16 fresh random bytes: the nonce.
 * @param nowMs Unix milliseconds.
 */
export async function signRequest(input: {
  readonly method: string;
  readonly url: URL;
  readonly body?: Uint8Array;
  readonly signer: RequestSigner;
  readonly random: Uint8Array;
  readonly nowMs: number;
}): Promise<Record<string, string>> {
  const headers: Record<string, string> =
    input.body === undefined ? {} : { [DIGEST_FIELD]: contentDigest(input.body) };
  const message: HttpMessage = { method: input.method, headers, ...requestTarget(input.url) };
  const parameters: SignatureParameters = {
    components: [...REQUIRED, ...Object.keys(headers)],
    created: Math.floor(input.nowMs / 1_000),
    keyId: input.signer.keyId,
    algorithm: ALGORITHM,
    nonce: toHex(input.random),
    tag: TAG,
  };
  const raw = encodeSignatureParameters(parameters);
  const signature = await input.signer.sign(utf8(signatureBase(message, parameters.components, raw)));
  return { ...headers, "signature-input": `${LABEL}=${raw}`, signature: encodeSignature(LABEL, signature) };
}

export interface VerifyRequestInput {
  readonly message: HttpMessage;
  /** Whether the request carries content; then the signature must cover its digest. */
  readonly hasBody: boolean;
  readonly nowMs: number;
  /** The Ed25519 key behind a key id, or undefined when there is none. */
  readonly keyOf: (keyId: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Whether this authority names this server. A server that leaves it out accepts what was signed for others. */
  readonly isOwnAuthority?: (authority: string) => boolean;
}

/** A request whose signature holds. Its nonce must still be claimed, and its body compared with `bodyDigest`. */
export interface VerifiedRequest {
  readonly keyId: string;
  readonly nonce: string;
  /** Unix milliseconds after which the same request is refused as expired. */
  readonly expiresAtMs: number;
  /** SHA-256 that the body must have; undefined when there is no body. */
  readonly bodyDigest: Uint8Array | undefined;
}

/**
 * Verifies a signed request from its head alone, so that a body may stream in afterwards.
 * Throws `AUTH_MISSING`, `AUTH_BAD_SIGNATURE`, `AUTH_EXPIRED`, `AUTH_WRONG_AUTHORITY`, `AUTH_UNKNOWN_KEY`.
 */
export async function verifyRequest(input: VerifyRequestInput): Promise<VerifiedRequest> {
  const { message, nowMs } = input;
  const { parameters, raw, signature } = readSignature(message);
  const { keyId, nonce, created } = requirePolicy(parameters, input.hasBody);
  if (Math.abs(nowMs - created * 1_000) > SIGNATURE_WINDOW_MS) {
    throw new ConsiliumError(
      "AUTH_EXPIRED",
      "The signed request is outside the window of 60 seconds; check this computer's clock and send it anew.",
      { createdMs: created * 1_000, nowMs },
    );
  }
  if (input.isOwnAuthority !== undefined && !input.isOwnAuthority(message.authority)) {
    throw new ConsiliumError("AUTH_WRONG_AUTHORITY", "The request was signed for another server.");
  }
  const key = await input.keyOf(keyId);
  if (key === undefined) {
    throw new ConsiliumError("AUTH_UNKNOWN_KEY", "No key is registered under this key id; enrol first.", {
      keyId,
    });
  }
  if (!ed25519Verify(key, utf8(signatureBase(message, parameters.components, raw)), signature)) {
    throw badSignature("The signature does not hold for this request.");
  }
  const digestField = input.hasBody ? message.headers[DIGEST_FIELD] : undefined;
  const bodyDigest = digestField === undefined ? undefined : parseContentDigest(digestField);
  if (input.hasBody && bodyDigest === undefined) {
    throw badSignature("Content-Digest must hold exactly one SHA-256 digest.");
  }
  return { keyId, nonce, expiresAtMs: created * 1_000 + SIGNATURE_WINDOW_MS, bodyDigest };
}

/** Compares a body with the digest that was signed. Throws `AUTH_BAD_DIGEST`. */
export function checkBody(verified: VerifiedRequest, body: Uint8Array): void {
  if (verified.bodyDigest === undefined && body.length === 0) return;
  if (verified.bodyDigest !== undefined && equalBytes(sha256(body), verified.bodyDigest)) return;
  throw new ConsiliumError(
    "AUTH_BAD_DIGEST",
    "The body is not the one that was signed; send the request again.",
  );
}

function readSignature(message: HttpMessage) {
  const inputField = message.headers["signature-input"];
  const signatureField = message.headers.signature;
  if (inputField === undefined || signatureField === undefined) {
    throw new ConsiliumError("AUTH_MISSING", "This route needs a signed request (RFC 9421).");
  }
  const parsed = parseSignatureInput(inputField.trim());
  const signature = parsed && parseSignature(signatureField.trim(), parsed.label);
  if (parsed === undefined || signature === undefined) {
    throw badSignature("Signature-Input and Signature must hold exactly one signature under one label.");
  }
  return { ...parsed, signature };
}

function requirePolicy(parameters: SignatureParameters, hasBody: boolean) {
  const needed = hasBody ? [...REQUIRED, DIGEST_FIELD] : REQUIRED;
  const missing = needed.find((name) => !parameters.components.includes(name));
  if (missing !== undefined) throw badSignature(`The signature must cover ${missing}.`);
  const { keyId, nonce, created, algorithm, tag } = parameters;
  if (algorithm !== ALGORITHM || tag !== TAG)
    throw badSignature(`Sign with alg="${ALGORITHM}" and tag="${TAG}".`);
  if (keyId === undefined || created === undefined)
    throw badSignature("The signature needs keyid and created.");
  if (nonce === undefined || !/^[0-9a-f]{32}$/.test(nonce)) {
    throw badSignature(`The signature needs a nonce of ${NONCE_SIZE_BYTES} bytes in hex.`);
  }
  return { keyId, nonce, created };
}

function badSignature(sentence: string): ConsiliumError {
  return new ConsiliumError("AUTH_BAD_SIGNATURE", sentence);
}
