import { PURPOSES, RECORD_TYPES, type RecordType } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";

const ID_PATTERN = /^[0-9a-f]{64}$/;
const PREFIX_PATTERN = /^[0-9a-f]+$/;
/** Shorter ones are hardly ever unique, and more likely a slip than a choice. */
const PREFIX_LENGTH_MIN = 4;

/**
 * A full id from a full id or a unique prefix of one of `candidates`.
 * @param what what the id names, as the user knows it: "grant", "record".
 * @throws ConsiliumError `USAGE` for text that is no prefix, `ID_UNKNOWN` or `ID_AMBIGUOUS`.
 */
export function idFromPrefix(text: string, candidates: Iterable<string>, what: string): string {
  const prefix = text.toLowerCase();
  if (ID_PATTERN.test(prefix)) return prefix;
  if (!PREFIX_PATTERN.test(prefix) || prefix.length < PREFIX_LENGTH_MIN || prefix.length > 64) {
    throw new ConsiliumError(
      "USAGE",
      `"${text}" is not a ${what}: give its 64 hex digits, or at least the first ${PREFIX_LENGTH_MIN}.`,
    );
  }
  const matches = [...new Set(candidates)].filter((each) => each.startsWith(prefix));
  if (matches.length === 1) return matches[0]!;
  throw matches.length === 0
    ? new ConsiliumError(
        "ID_UNKNOWN",
        `No ${what} that you may see starts with ${prefix}; give all 64 hex digits.`,
      )
    : new ConsiliumError(
        "ID_AMBIGUOUS",
        `${matches.length} ${what}s start with ${prefix}; give more of its digits.`,
      );
}

/** A full id that no list can complete. @throws ConsiliumError `USAGE` for anything else. */
export function fullId(text: string, option: string): string {
  const id = text.toLowerCase();
  if (ID_PATTERN.test(id)) return id;
  throw new ConsiliumError("USAGE", `${option} takes all 64 hex digits of an account, not "${text}".`);
}

/** A type of the catalogue from its name or a unique beginning of it. @throws ConsiliumError `USAGE`. */
export function typeFromPrefix(text: string): RecordType {
  const name = text.toLowerCase();
  const exact = RECORD_TYPES.find((each) => each === name);
  if (exact !== undefined) return exact;
  const matches = name === "" ? [] : RECORD_TYPES.filter((each) => each.startsWith(name));
  if (matches.length === 1) return matches[0]!;
  throw new ConsiliumError(
    "USAGE",
    matches.length === 0
      ? `"${text}" is no type of record. The types are ${RECORD_TYPES.join(", ")}.`
      : `"${text}" may mean ${matches.join(" or ")}; write more of it.`,
  );
}

/** A PurposeOfUse code, in capitals. @throws ConsiliumError `USAGE`. */
export function purposeFrom(text: string): string {
  const purpose = text.toUpperCase();
  if (/^[A-Z]{1,64}$/.test(purpose)) return purpose;
  const known = Object.entries(PURPOSES).map(([code, meaning]) => `${code} (${meaning})`);
  throw new ConsiliumError("USAGE", `"${text}" is no purpose. Common ones are ${known.join(", ")}.`);
}
