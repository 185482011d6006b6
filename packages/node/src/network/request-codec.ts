import { ConsiliumError, concat, lp16, Reader, u8, utf8 } from "@consilium/crypto";

const OK = 0;
const REFUSED = 1;
const SENTENCE_MAX_CHARACTERS = 500;
/** Codes are what the project's errors look like; anything else from a peer is not repeated to callers. */
const CODE_PATTERN = /^[A-Z][A-Z0-9_]{1,63}$/;

export interface RequestHead {
  /** Leading bytes of the chain id, hex. */
  readonly chainTag: string;
  /** Such as `blocks/1`. */
  readonly protocol: string;
  readonly body: Uint8Array;
}

/** chain tag ‖ lp16(protocol) ‖ body. */
export function encodeRequest(chainTag: Uint8Array, protocol: string, body: Uint8Array): Uint8Array {
  return concat(chainTag, lp16(utf8(protocol)), body);
}

/** Throws `BAD_LENGTH` for what {@link encodeRequest} does not make. */
export function decodeRequest(bytes: Uint8Array, tagSizeBytes: number): RequestHead {
  const reader = new Reader(bytes);
  const chainTag = Buffer.from(reader.take(tagSizeBytes)).toString("hex");
  const protocol = Buffer.from(reader.lp16()).toString("utf8");
  return { chainTag, protocol, body: reader.take(reader.remainingBytes) };
}

/** 0 ‖ body. */
export const encodeAnswer = (body: Uint8Array): Uint8Array => concat(u8(OK), body);

/** 1 ‖ lp16(code) ‖ sentence. */
export function encodeRefusal(code: string, sentence: string): Uint8Array {
  return concat(u8(REFUSED), lp16(utf8(code)), utf8(sentence.slice(0, SENTENCE_MAX_CHARACTERS)));
}

/** The body, or throws: the peer's refusal code with its sentence, `BAD_RESPONSE` for what cannot be read. */
export function decodeResponse(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === OK) return bytes.subarray(1);
  throw bytes[0] === REFUSED ? decodeRefusal(bytes) : badResponse();
}

function decodeRefusal(bytes: Uint8Array): ConsiliumError {
  try {
    const reader = new Reader(bytes.subarray(1));
    const code = Buffer.from(reader.lp16()).toString("utf8");
    const sentence = Buffer.from(reader.take(reader.remainingBytes)).toString("utf8");
    if (!CODE_PATTERN.test(code)) return badResponse();
    return new ConsiliumError(code, sentence.slice(0, SENTENCE_MAX_CHARACTERS), { refusedByPeer: true });
  } catch {
    return badResponse();
  }
}

function badResponse(): ConsiliumError {
  return new ConsiliumError("BAD_RESPONSE", "The peer's answer cannot be read; ask another one.");
}
