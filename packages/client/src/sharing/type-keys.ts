/** The owner's types: salts, labels and the keys that open their records. */
import { ConsiliumError, fromHex, toHex, typeIdentity, typeLabel, utf8 } from "@consilium/crypto";
import { type Committee, readKeyCentre } from "../chain/network.js";
import type { OwnerFactor, TypeKey } from "../wallet/content.js";
import { extractKey, type KeyCentreFault } from "./extraction.js";
import type { Session } from "./session.js";

/** I of an owner's type. */
export const typeIdentityOf = (owner: Uint8Array, key: Pick<TypeKey, "type" | "version">): Uint8Array =>
  typeIdentity({ pid: owner, type: utf8(key.type), version: key.version });

/** The label of a type on the chain, hex. */
export const labelOf = (owner: Uint8Array, key: Pick<TypeKey, "type" | "version" | "salt">): string =>
  toHex(typeLabel(typeIdentityOf(owner, key), fromHex(key.salt)));

/** The owner's type behind a label, or undefined for a label of somebody else. */
export function typeOfLabel(session: Session, label: string): TypeKey | undefined {
  return session.wallet.content.typeKeys.find((key) => labelOf(session.account, key) === label);
}

/** The newest version of a type. Throws `TYPE_UNKNOWN`. */
export function newestTypeKey(session: Session, type: string): TypeKey {
  const versions = session.wallet.content.typeKeys.filter((key) => key.type === type);
  const newest = versions.sort((left, right) => right.version - left.version)[0];
  if (newest !== undefined) return newest;
  throw new ConsiliumError("TYPE_UNKNOWN", "The wallet has no such type; extract the type catalogue first.", {
    type,
  });
}

/** The owner factor of a number. Throws `OWNER_FACTOR_MISSING`. */
export function ownerFactor(session: Session, ownerKeyNo: number): OwnerFactor {
  const factor = session.wallet.content.ownerFactors.find((each) => each.ownerKeyNo === ownerKeyNo);
  if (factor !== undefined) return factor;
  throw new ConsiliumError(
    "OWNER_FACTOR_MISSING",
    "The wallet lacks this owner factor; restore a fuller backup.",
    {
      ownerKeyNo,
    },
  );
}

export interface CollectedTypes {
  /** Types whose key was collected now; those the wallet held already are not named. */
  readonly collected: readonly string[];
  /** Key-centre nodes whose part was bad or missing, each with the type it was asked for. */
  readonly faults: readonly (KeyCentreFault & { readonly type: string })[];
}

/**
 * Draws a salt for each type that has none, then collects D = x·d_I for each from the key centre. Salts are stored
 * before any key is asked for, and what was
 * collected is stored even when a later type fails, so that a second run goes on where one stopped.
 * Throws `TOO_FEW_SHARES`, `KEY_CENTRE_NOT_READY`, `EXTRACT_BAD_KEY`.
 */
export async function collectTypeKeys(session: Session, types: readonly string[]): Promise<CollectedTypes> {
  const { wallet } = session;
  await drawSalts(session, types);
  const keyCentre = await readKeyCentre(session.facts);
  const missing = wallet.content.typeKeys.filter(
    (key) => key.decryptionKey === null && types.includes(key.type),
  );
  const faults: (KeyCentreFault & { readonly type: string })[] = [];
  const collected = new Map<string, string>();
  try {
    for (const key of missing) {
      const { decryptionKey, faults: found } = await collectOne(session, keyCentre, key);
      collected.set(`${key.type}/${key.version}`, decryptionKey);
      faults.push(...found.map((fault) => ({ ...fault, type: key.type })));
    }
  } finally {
    if (collected.size > 0) await keep(session, collected);
  }
  return { collected: missing.map(({ type }) => type), faults };
}

async function drawSalts(session: Session, types: readonly string[]): Promise<void> {
  const { wallet, ports } = session;
  const known = new Set(wallet.content.typeKeys.map(({ type }) => type));
  const ownerKeyNo = Math.max(0, ...wallet.content.ownerFactors.map((factor) => factor.ownerKeyNo));
  const added = [...new Set(types)]
    .filter((type) => !known.has(type))
    .map((type): TypeKey => {
      return { type, version: 1, salt: toHex(ports.random.bytes(32)), ownerKeyNo, decryptionKey: null };
    });
  if (added.length === 0) return;
  await wallet.update((content) => ({ ...content, typeKeys: [...content.typeKeys, ...added] }));
}

async function collectOne(session: Session, keyCentre: Committee, key: TypeKey) {
  const { pool } = session.ports;
  const identity = typeIdentityOf(session.account, key);
  const { factor, ownerKey } = ownerFactor(session, key.ownerKeyNo);
  const extracted = await extractKey(session, keyCentre, identity);
  const secret = fromHex(factor);
  const decryptionKey = await pool.run("ownerDecryptionKey", { typeKey: extracted.key, factor: secret });
  secret.fill(0);
  extracted.key.fill(0);
  await pool.run("checkIdentityKey", { key: decryptionKey, identity, groupKey: fromHex(ownerKey) });
  const hex = toHex(decryptionKey);
  decryptionKey.fill(0);
  return { decryptionKey: hex, faults: extracted.faults };
}

async function keep(session: Session, collected: ReadonlyMap<string, string>): Promise<void> {
  await session.wallet.update((content) => ({
    ...content,
    typeKeys: content.typeKeys.map((key) => ({
      ...key,
      decryptionKey: collected.get(`${key.type}/${key.version}`) ?? key.decryptionKey,
    })),
  }));
}
