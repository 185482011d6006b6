import type { AnswerOf, BodyOf, ParametersOf, routes } from "@consilium/client";
import { ConsiliumError, fromHex } from "@consilium/crypto";
import type { Signer } from "./authentication.js";

export type RouteName = keyof typeof routes;

/** A parameter that is a list comes as one text when it was sent once. */
type Texts<Parameters> = {
  readonly [Key in keyof Parameters]:
    | (Parameters[Key] extends readonly unknown[] ? string | readonly string[] : string)
    | undefined;
};

/** What a handler gets. Path and query values are text as they came; a handler reads them with the helpers below. */
export interface Call<Name extends RouteName> {
  readonly parameters: Texts<ParametersOf<(typeof routes)[Name]>>;
  /** JSON as it was sent, not checked; octets as they stream in. */
  readonly body: unknown;
  readonly octets: AsyncIterable<Uint8Array> | undefined;
  /** Present on every route that is not public. */
  readonly signer: Signer | undefined;
  /** Name of this request in the log. */
  readonly requestId: string;
}

/** One handler for each route of the contract: leaving one out, or answering another shape, does not compile. */
export type Handlers = {
  readonly [Name in RouteName]: (call: Call<Name>) => Promise<AnswerOf<(typeof routes)[Name]>>;
};

export type BodyOfRoute<Name extends RouteName> = BodyOf<(typeof routes)[Name]>;

/** Account id of the user who signed. */
export function accountOf(call: Call<RouteName>): Uint8Array {
  if (call.signer?.role !== "user")
    throw new ConsiliumError("ROLE_REQUIRED", "This route is for users' accounts.");
  return fromHex(call.signer.keyId);
}

/** Bytes of a parameter that must be 32 bytes in hex. @throws ConsiliumError `REQUEST_MALFORMED`. */
export function idOf(text: string | undefined, name: string): Uint8Array {
  if (text !== undefined && /^[0-9a-f]{64}$/.test(text)) return fromHex(text);
  throw malformed(`"${name}" must be 32 bytes as 64 lower-case hexadecimal digits.`);
}

/** A field of a JSON body that must be hex of at most `maxBytes` bytes. @throws ConsiliumError `REQUEST_MALFORMED`. */
export function hexField(body: unknown, name: string, maxBytes: number): Uint8Array {
  const value = fieldOf(body, name);
  if (typeof value === "string" && /^([0-9a-f]{2})*$/.test(value) && value.length <= 2 * maxBytes) {
    return fromHex(value);
  }
  throw malformed(`"${name}" must be at most ${maxBytes} bytes in lower-case hexadecimal.`);
}

/** A whole number inside bounds. @throws ConsiliumError `REQUEST_MALFORMED`. */
export function numberOf(value: unknown, name: string, min: number, max: number): number {
  const number = typeof value === "string" && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max) return number;
  throw malformed(`"${name}" must be a whole number from ${min} to ${max}.`);
}

/** A field of a JSON object. @throws ConsiliumError `REQUEST_MALFORMED`. */
export function fieldOf(body: unknown, name: string): unknown {
  if (typeof body === "object" && body !== null && Object.hasOwn(body, name)) {
    return (body as Record<string, unknown>)[name];
  }
  throw malformed(`The body must be a JSON object with "${name}".`);
}

export const malformed = (sentence: string): ConsiliumError =>
  new ConsiliumError("REQUEST_MALFORMED", sentence);
