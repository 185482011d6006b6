/**
 * The signature base of HTTP Message Signatures (RFC 9421 §2.5) and the part of Structured Fields (RFC 9651) that
 * `Signature-Input` and `Signature` need. Strict: one canonical spelling is read and written, parameters of components
 * (`;req`, `;sf`, `;key`) are not supported.
 */
import { ConsiliumError } from "@consilium/crypto";
import { fromBase64, toBase64 } from "./base64.js";

/** What of a request can be signed. */
export interface HttpMessage {
  readonly method: string;
  /** Host and port as in the Host field, lower case, without the scheme's default port. */
  readonly authority: string;
  /** Absolute path, as it stands in the request line. */
  readonly path: string;
  /** Query with its question mark; `?` alone, or empty, when there is none. */
  readonly query: string;
  /** Field values by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Parameters of one signature, in the order in which they are written. */
export interface SignatureParameters {
  readonly components: readonly string[];
  /** Unix seconds. */
  readonly created?: number;
  readonly keyId?: string;
  readonly algorithm?: string;
  readonly nonce?: string;
  readonly tag?: string;
}

/** The value of `@signature-params`: an inner list with its parameters. */
export function encodeSignatureParameters(parameters: SignatureParameters): string {
  const list = parameters.components.map(quote).join(" ");
  const { created, keyId, algorithm, nonce, tag } = parameters;
  return [
    `(${list})`,
    ...(created === undefined ? [] : [`created=${created}`]),
    ...(keyId === undefined ? [] : [`keyid=${quote(keyId)}`]),
    ...(algorithm === undefined ? [] : [`alg=${quote(algorithm)}`]),
    ...(nonce === undefined ? [] : [`nonce=${quote(nonce)}`]),
    ...(tag === undefined ? [] : [`tag=${quote(tag)}`]),
  ].join(";");
}

const NAMES = { keyid: "keyId", alg: "algorithm", nonce: "nonce", tag: "tag" } as const;
const STRING = /^"([\x20\x21\x23-\x5b\x5d-\x7e]*)"$/;
const MEMBER =
  /^([a-z][a-z0-9_-]*)=\(((?:"[a-z@-]+"(?: "[a-z@-]+")*)?)\)((?:;[a-z]+=(?:"[^"\\]*"|[0-9]{1,15}))*)$/;

/** Reads `label=("a" "b");created=1;keyid="k"`. Undefined for anything else, several signatures included. */
export function parseSignatureInput(
  field: string,
): { readonly label: string; readonly parameters: SignatureParameters; readonly raw: string } | undefined {
  const match = MEMBER.exec(field);
  if (match === null) return undefined;
  const [, label, list, tail] = match as unknown as [string, string, string, string];
  const components = list === "" ? [] : list.split(" ").map((item) => item.slice(1, -1));
  const values: Record<string, string | number> = {};
  for (const parameter of splitParameters(tail)) {
    const [name, value] = readParameter(parameter);
    if (name === undefined || value === undefined || Object.hasOwn(values, name)) return undefined;
    values[name] = value;
  }
  if (new Set(components).size !== components.length) return undefined;
  return { label, parameters: { components, ...values }, raw: field.slice(label.length + 1) };
}

function splitParameters(tail: string): string[] {
  return tail.match(/[a-z]+=(?:"[^"]*"|[0-9]+)/g) ?? [];
}

function readParameter(text: string): [name: string | undefined, value: string | number | undefined] {
  const [name, value] = [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)];
  if (name === "created") return ["created", /^(0|[1-9][0-9]*)$/.test(value) ? Number(value) : undefined];
  if (Object.hasOwn(NAMES, name)) return [NAMES[name as keyof typeof NAMES], STRING.exec(value)?.[1]];
  return [undefined, undefined];
}

/** `label=:base64:` */
export function encodeSignature(label: string, signature: Uint8Array): string {
  return `${label}=:${toBase64(signature)}:`;
}

/** The signature under this label, or undefined when the field is anything but that one signature. */
export function parseSignature(field: string, label: string): Uint8Array | undefined {
  const match = /^([a-z][a-z0-9_-]*)=:([A-Za-z0-9+/=]*):$/.exec(field);
  return match?.[1] === label ? fromBase64(match[2]!) : undefined;
}

/**
 * The text that is signed: one line for each covered component, then `@signature-params` (RFC 9421 §2.5).
 * Throws `AUTH_BAD_SIGNATURE` when a covered field is missing or a derived component is not one of ours.
 */
export function signatureBase(
  message: HttpMessage,
  components: readonly string[],
  rawParameters: string,
): string {
  const lines = components.map((name) => `"${name}": ${componentValue(message, name)}`);
  return [...lines, `"@signature-params": ${rawParameters}`].join("\n");
}

function componentValue(message: HttpMessage, name: string): string {
  if (name === "@method") return message.method;
  if (name === "@authority") return message.authority.toLowerCase();
  if (name === "@path") return message.path === "" ? "/" : message.path;
  if (name === "@query") return message.query === "" ? "?" : message.query;
  const value = name.startsWith("@") ? undefined : message.headers[name];
  if (value === undefined) {
    throw new ConsiliumError("AUTH_BAD_SIGNATURE", "The signature covers a component that is not there.", {
      component: name,
    });
  }
  return value.trim();
}

function quote(text: string): string {
  const quoted = `"${text}"`;
  if (STRING.test(quoted)) return quoted;
  throw new ConsiliumError("BAD_ENCODING", "Use printable ASCII without quotes in signature parameters.");
}
