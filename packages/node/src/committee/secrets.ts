import { concat, toHex, u16, u32 } from "@consilium/crypto";
import { purposeNames } from "@consilium/driver";
import { type HexId, Purpose } from "@consilium/protocol";
import type { KeystoreFolder } from "../keys/index.js";

/** A share of a committee key that this node holds. */
export interface HeldShare {
  readonly sessionId: HexId;
  readonly keyNo: number;
  readonly shareEpoch: number;
  /** This node's index in the committee, from 1. */
  readonly index: number;
  /** s_k or z_k, 32 bytes. Owned by {@link CommitteeSecrets}; never copied into a log or an answer. */
  readonly share: Uint8Array;
}

export interface NewShare extends HeldShare {
  /** VK_k: 96 bytes for the key centre, 48 for proxies. */
  readonly verificationKey: Uint8Array;
}

const shareKinds = { [Purpose.keyCentre]: "kgc-share", [Purpose.proxy]: "proxy-share" } as const;

/**
 * The secrets that ceremonies give a node: dealing keys and shares, each in an encrypted keystore of its own, durable
 * before it is used. Opened once at start and kept in memory, because a node answers with them all the time.
 */
export class CommitteeSecrets {
  readonly #dealingKeys = new Map<string, Uint8Array>();
  readonly #shares = new Map<string, HeldShare>();

  private constructor(private readonly folder: KeystoreFolder) {}

  /** @throws ConsiliumError `KEYSTORE_AUTH`, `KEYSTORE_BAD_PARAMS`. */
  static async open(folder: KeystoreFolder): Promise<CommitteeSecrets> {
    const secrets = new CommitteeSecrets(folder);
    for (const purpose of [Purpose.keyCentre, Purpose.proxy]) {
      for (const name of folder.list(dealingKeyPrefix(purpose))) {
        const { publicPart, secret } = await folder.read(name, "dkg-enc");
        secrets.#dealingKeys.set(dealingKeyName(purpose, toHex(publicPart)), secret);
      }
      for (const name of folder.list(sharePrefix(purpose))) {
        const { publicPart, secret } = await folder.read(name, shareKinds[purpose]);
        secrets.#shares.set(name, { ...readShareName(publicPart), share: secret });
      }
    }
    return secrets;
  }

  /** EKs (hex) whose secrets are held. */
  dealingKeys(purpose: Purpose): ReadonlySet<HexId> {
    const prefix = dealingKeyPrefix(purpose);
    const names = [...this.#dealingKeys.keys()].filter((name) => name.startsWith(prefix));
    return new Set(names.map((name) => name.slice(prefix.length)));
  }

  /** e_j of a dealing key, 32 bytes. */
  dealingSecret(purpose: Purpose, dealingKey: HexId): Uint8Array | undefined {
    return this.#dealingKeys.get(dealingKeyName(purpose, dealingKey));
  }

  async addDealingKey(purpose: Purpose, dealingKey: Uint8Array, secret: Uint8Array): Promise<void> {
    const name = dealingKeyName(purpose, toHex(dealingKey));
    await this.folder.write(name, "dkg-enc", dealingKey, secret);
    this.#dealingKeys.set(name, secret);
  }

  eraseDealingKey(purpose: Purpose, dealingKey: HexId): void {
    const name = dealingKeyName(purpose, dealingKey);
    this.#dealingKeys.get(name)?.fill(0);
    this.#dealingKeys.delete(name);
    this.folder.erase(name);
  }

  /** Sessions of which a share is held. */
  sessions(purpose: Purpose): ReadonlySet<HexId> {
    return new Set(this.#sharesOf(purpose).map(({ sessionId }) => sessionId));
  }

  shareOfSession(purpose: Purpose, sessionId: HexId): HeldShare | undefined {
    return this.#shares.get(shareName(purpose, sessionId));
  }

  async addShare(purpose: Purpose, held: NewShare): Promise<void> {
    const name = shareName(purpose, held.sessionId);
    const publicPart = concat(
      Uint8Array.from(Buffer.from(held.sessionId, "hex")),
      u32(held.keyNo),
      u32(held.shareEpoch),
      u16(held.index),
      held.verificationKey,
    );
    await this.folder.write(name, shareKinds[purpose], publicPart, held.share);
    const { verificationKey: _, ...kept } = held;
    this.#shares.set(name, kept);
  }

  eraseShare(purpose: Purpose, sessionId: HexId): void {
    const name = shareName(purpose, sessionId);
    this.#shares.get(name)?.share.fill(0);
    this.#shares.delete(name);
    this.folder.erase(name);
  }

  /** Overwrites what is in memory; the keystores stay. */
  forget(): void {
    for (const secret of this.#dealingKeys.values()) secret.fill(0);
    for (const { share } of this.#shares.values()) share.fill(0);
    this.#dealingKeys.clear();
    this.#shares.clear();
  }

  #sharesOf(purpose: Purpose): HeldShare[] {
    const prefix = sharePrefix(purpose);
    return [...this.#shares].filter(([name]) => name.startsWith(prefix)).map(([, held]) => held);
  }
}

const dealingKeyPrefix = (purpose: Purpose): string => `dealing-${purposeNames[purpose]}-`;
const dealingKeyName = (purpose: Purpose, dealingKey: HexId): string =>
  dealingKeyPrefix(purpose) + dealingKey;
const sharePrefix = (purpose: Purpose): string => `share-${purposeNames[purpose]}-`;
const shareName = (purpose: Purpose, sessionId: HexId): string => sharePrefix(purpose) + sessionId;

function readShareName(publicPart: Uint8Array): Omit<HeldShare, "share"> {
  const view = new DataView(publicPart.buffer, publicPart.byteOffset, publicPart.length);
  return {
    sessionId: toHex(publicPart.subarray(0, 32)),
    keyNo: view.getUint32(32),
    shareEpoch: view.getUint32(36),
    index: view.getUint16(40),
  };
}
