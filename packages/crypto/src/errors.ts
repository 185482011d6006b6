/** Typed metadata of an error: small, printable, never secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/**
 * The one error class of Consilium: a stable code that machines compare, a sentence that says what to do, and
 * details that are safe to log. Sentences and details never contain secrets or health data.
 */
export class ConsiliumError extends Error {
  override readonly name = "ConsiliumError";

  constructor(
    readonly code: string,
    sentence: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(sentence, options);
  }
}

/** The code of any thrown value: that of a {@link ConsiliumError}, otherwise `INTERNAL`. */
export function codeOf(error: unknown): string {
  return error instanceof ConsiliumError ? error.code : "INTERNAL";
}
