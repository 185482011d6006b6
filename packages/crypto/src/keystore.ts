/**
 * Encrypted keystores (Consilium CS01 §11.2): one secret, one JSON object, scrypt (RFC 7914) and AES-256-GCM.
 *
 * Kind, public key and cost are authenticated, so a keystore cannot be passed off as another one. Costs below or
 * above the limits are refused on reading too: a weak file would be cheap to guess, a heavy one would stop the node.
 */
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { AEAD_KEY_SIZE_BYTES, AEAD_NONCE_SIZE_BYTES, type AeadPort, nobleAead } from "./aead.js";
import { concat, fromHex, lp16, toHex, u32, utf8 } from "./bytes.js";
import { ConsiliumError } from "./errors.js";
import { domain } from "./hash.js";

export const KEYSTORE_KINDS = [
  "ed25519",
  "bls-vote",
  "x25519",
  "owner-factor",
  "kgc-share",
  "proxy-share",
  "dkg-enc",
  "wallet",
] as const;

export type KeystoreKind = (typeof KEYSTORE_KINDS)[number];

export const KEYSTORE_SALT_SIZE_BYTES = 32;
export const KEYSTORE_COST_DEFAULT = 2 ** 17;
export const KEYSTORE_COST_MIN = 2 ** 15;
export const KEYSTORE_COST_MAX = 2 ** 20;

const BLOCK_SIZE = 8;
const PARALLELISM = 1;
const VERSION = 1;
const CIPHER = "aes-256-gcm";
const DOMAIN = domain("KEYSTORE");
const PUBLIC_PART_SIZE_BYTES_MAX = 0xffff;

/** The JSON object as it is stored; byte strings are lower-case hex. */
export interface Keystore {
  readonly "consilium-keystore": 1;
  readonly kind: KeystoreKind;
  readonly pub: string;
  readonly kdf: {
    readonly name: "scrypt";
    readonly n: number;
    readonly r: number;
    readonly p: number;
    readonly salt: string;
  };
  readonly cipher: "aes-256-gcm";
  readonly nonce: string;
  readonly ct: string;
}

/** scrypt of a platform: password, salt, cost n with r = 8 and p = 1, result of 32 bytes. */
export type ScryptPort = (
  password: Uint8Array,
  salt: Uint8Array,
  cost: { readonly n: number; readonly r: number; readonly p: number; readonly sizeBytes: number },
) => Promise<Uint8Array>;

export interface KeystorePlatform {
  readonly scrypt: ScryptPort;
  readonly aead: AeadPort;
}

export const portableKeystorePlatform: KeystorePlatform = {
  scrypt: (password, salt, { n, r, p, sizeBytes }) =>
    scryptAsync(password, salt, { N: n, r, p, dkLen: sizeBytes, maxmem: 2 ** 31 }),
  aead: nobleAead,
};

export interface KeystoreInput {
  readonly password: string;
  readonly secret: Uint8Array;
  readonly kind: KeystoreKind;
  /** The public part, in whatever encoding its kind has. */
  readonly publicPart: Uint8Array;
  /** 32 random bytes, fresh for each write. */
  readonly salt: Uint8Array;
  /** 12 random bytes, fresh for each write. */
  readonly nonce: Uint8Array;
  /** scrypt cost, a power of two from 2^15 to 2^20; 2^17 when left out. */
  readonly n?: number;
}

/** Encrypts a secret under a password. Throws `KEYSTORE_BAD_PARAMS`, `KEYSTORE_PASSWORD`. */
export async function keystoreEncrypt(
  input: KeystoreInput,
  platform: KeystorePlatform = portableKeystorePlatform,
): Promise<Keystore> {
  const header: KeystoreHeader = { ...input, n: input.n ?? KEYSTORE_COST_DEFAULT };
  requireHeader(header);
  const key = await deriveKey(input.password, header, platform.scrypt);
  const sealed = platform.aead.seal(key, header.nonce, input.secret, authenticatedData(header));
  key.fill(0);
  return {
    "consilium-keystore": VERSION,
    kind: header.kind,
    pub: toHex(header.publicPart),
    kdf: { name: "scrypt", n: header.n, r: BLOCK_SIZE, p: PARALLELISM, salt: toHex(header.salt) },
    cipher: CIPHER,
    nonce: toHex(header.nonce),
    ct: toHex(sealed),
  };
}

/**
 * Decrypts a keystore, which may come from anywhere and is checked whole first. The caller zeroises the secret.
 * Throws `KEYSTORE_BAD_PARAMS`, `KEYSTORE_PASSWORD` (empty), `KEYSTORE_AUTH` (wrong password, or changed).
 */
export async function keystoreDecrypt(
  keystore: unknown,
  password: string,
  platform: KeystorePlatform = portableKeystorePlatform,
): Promise<Uint8Array> {
  const { header, ciphertext } = parseKeystore(keystore);
  const key = await deriveKey(password, header, platform.scrypt);
  const secret = platform.aead.open(key, header.nonce, ciphertext, authenticatedData(header));
  key.fill(0);
  if (secret !== undefined) return secret;
  throw new ConsiliumError("KEYSTORE_AUTH", "The password is wrong, or the keystore was changed; try again.");
}

interface KeystoreHeader {
  readonly kind: KeystoreKind;
  readonly publicPart: Uint8Array;
  readonly n: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
}

function requireHeader(header: KeystoreHeader): void {
  if (!KEYSTORE_KINDS.includes(header.kind)) throw badParameters("kind");
  if (header.publicPart.length > PUBLIC_PART_SIZE_BYTES_MAX) throw badParameters("pub");
  const { n } = header;
  const isPowerOfTwo = Number.isInteger(n) && n > 0 && Number.isInteger(Math.log2(n));
  if (!isPowerOfTwo || n < KEYSTORE_COST_MIN || n > KEYSTORE_COST_MAX) throw badParameters("n");
  if (header.salt.length !== KEYSTORE_SALT_SIZE_BYTES) throw badParameters("salt");
  if (header.nonce.length !== AEAD_NONCE_SIZE_BYTES) throw badParameters("nonce");
}

function parseKeystore(value: unknown): { header: KeystoreHeader; ciphertext: Uint8Array } {
  const outer = fieldsOf(value, "keystore");
  const kdf = fieldsOf(outer.kdf, "kdf");
  if (outer["consilium-keystore"] !== VERSION) throw badParameters("consilium-keystore");
  if (outer.cipher !== CIPHER) throw badParameters("cipher");
  if (kdf.name !== "scrypt") throw badParameters("name");
  if (kdf.r !== BLOCK_SIZE) throw badParameters("r");
  if (kdf.p !== PARALLELISM) throw badParameters("p");
  const header: KeystoreHeader = {
    kind: outer.kind as KeystoreKind,
    publicPart: hexField(outer.pub, "pub"),
    n: kdf.n as number,
    salt: hexField(kdf.salt, "salt"),
    nonce: hexField(outer.nonce, "nonce"),
  };
  requireHeader(header);
  return { header, ciphertext: hexField(outer.ct, "ct") };
}

function fieldsOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw badParameters(field);
  return value as Readonly<Record<string, unknown>>;
}

function hexField(value: unknown, field: string): Uint8Array {
  // One character at a time: a pattern that repeats a group overflows the stack on a string of many megabytes.
  if (typeof value !== "string" || value.length % 2 !== 0 || !/^[0-9a-f]*$/.test(value))
    throw badParameters(field);
  return fromHex(value);
}

async function deriveKey(password: string, header: KeystoreHeader, scrypt: ScryptPort): Promise<Uint8Array> {
  const bytes = utf8(password.normalize("NFKC"));
  if (bytes.length === 0) {
    throw new ConsiliumError("KEYSTORE_PASSWORD", "A keystore needs a password that is not empty.");
  }
  const cost = { n: header.n, r: BLOCK_SIZE, p: PARALLELISM, sizeBytes: AEAD_KEY_SIZE_BYTES };
  try {
    return await scrypt(bytes, header.salt, cost);
  } finally {
    bytes.fill(0);
  }
}

function authenticatedData(header: KeystoreHeader): Uint8Array {
  return concat(
    DOMAIN,
    u32(VERSION),
    lp16(utf8(header.kind)),
    lp16(header.publicPart),
    u32(header.n),
    u32(BLOCK_SIZE),
    u32(PARALLELISM),
    lp16(header.salt),
    lp16(header.nonce),
  );
}

function badParameters(field: string): ConsiliumError {
  return new ConsiliumError(
    "KEYSTORE_BAD_PARAMS",
    "This keystore has parameters outside the allowed range; do not use it, make a new one from a backup.",
    { field },
  );
}
