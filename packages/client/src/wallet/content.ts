/** What a wallet holds. All byte strings are lower-case hex; the whole is only ever stored encrypted. */
import { ConsiliumError } from "@consilium/crypto";

export const WALLET_VERSION = 1;

export interface OwnerFactor {
  readonly ownerKeyNo: number;
  readonly kgcKeyNo: number;
  /** x, 32 bytes. Old factors are kept while old records need them. */
  readonly factor: string;
  /** Pi = x·P, 96 bytes. */
  readonly ownerKey: string;
}

/** The label salt of one version of a type, and the key that opens its records. */
export interface TypeKey {
  readonly type: string;
  readonly version: number;
  readonly salt: string;
  readonly ownerKeyNo: number;
  /** D = x·d_I, 48 bytes; null until it was collected. */
  readonly decryptionKey: string | null;
}

/** A grant as its recipient opened it. */
export interface OpenedGrantEntry {
  readonly grantId: string;
  readonly owner: string;
  readonly type: string;
  readonly version: number;
  /** I, the type identity. */
  readonly identity: string;
  readonly label: string;
  /** M', 48 bytes. */
  readonly unmaskedKey: string;
  /** Y2, 96 bytes. */
  readonly y2: string;
  /** Pi of the owner, 96 bytes. */
  readonly ownerKey: string;
  readonly proxyKeyNo: number;
  readonly scope: string;
}

export interface WalletContent {
  readonly version: typeof WALLET_VERSION;
  readonly role: "owner" | "recipient";
  /** The alliance, 32 bytes: a wallet never speaks to another one. */
  readonly chainId: string;
  readonly account: string;
  /** Ed25519 seed and public key. */
  readonly signSecret: string;
  readonly signKey: string;
  /** X25519 secret and public key. */
  readonly exchangeSecret: string;
  readonly exchangeKey: string;
  /** Node id of the member that enrolled the person. */
  readonly member: string;
  readonly ownerFactors: readonly OwnerFactor[];
  readonly typeKeys: readonly TypeKey[];
  /** d_J, 48 bytes, once it was collected. */
  readonly userKey: string | null;
  readonly openedGrants: readonly OpenedGrantEntry[];
  /** Next unused counters. */
  readonly nextGrantNonce: number;
  readonly nextCatalogueNumber: number;
}

const HEX_FIELDS = [
  "chainId",
  "account",
  "signSecret",
  "signKey",
  "exchangeSecret",
  "exchangeKey",
  "member",
] as const;
const LIST_FIELDS = ["ownerFactors", "typeKeys", "openedGrants"] as const;
const COUNTER_FIELDS = ["nextGrantNonce", "nextCatalogueNumber"] as const;

/** Reads the JSON inside a wallet. Throws `WALLET_UNKNOWN` when it is of another version or not a wallet. */
export function parseWalletContent(json: string): WalletContent {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(json) as Record<string, unknown> | null;
  } catch {
    throw unknownWallet();
  }
  const isWallet =
    typeof value === "object" &&
    value !== null &&
    value.version === WALLET_VERSION &&
    (value.role === "owner" || value.role === "recipient") &&
    HEX_FIELDS.every((field) => /^[0-9a-f]{64}$/.test(String(value?.[field]))) &&
    LIST_FIELDS.every((field) => Array.isArray(value?.[field])) &&
    COUNTER_FIELDS.every((field) => Number.isSafeInteger(value?.[field])) &&
    (value.userKey === null || typeof value.userKey === "string");
  if (!isWallet) throw unknownWallet();
  return value as unknown as WalletContent;
}

function unknownWallet(): ConsiliumError {
  return new ConsiliumError("WALLET_UNKNOWN", "This is not a wallet of version 1; restore it from a backup.");
}
