/** A JSON string, or a number: enough of the grammar to find numbers, since brackets and names stand between them. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;
/** Stands before the digits of a large integer; a control character cannot occur unescaped in a JSON text. */
const MARK = "\u0001integer:";

/**
 * Parses JSON with integers beyond 2^53 − 1 as bigints, where `JSON.parse` would round them: counters and times of
 * known answers go up to 2^64 − 1. Throws `SyntaxError`.
 */
export function parseExactJson(text: string): unknown {
  // What is no JSON at all is refused before anything in it is rewritten.
  JSON.parse(text);
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? JSON.stringify(MARK + token) : token,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}
