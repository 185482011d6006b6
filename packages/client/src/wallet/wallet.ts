/**
 * A user's encrypted wallet: a keystore (CS01 §11.2) of kind `wallet` whose secret is the JSON of `content.ts`.
 * Whoever loses the wallet or its passphrase loses access for good: nobody holds a second copy.
 */
import {
  ConsiliumError,
  ed25519Sign,
  fromHex,
  type KeystorePlatform,
  keystoreDecrypt,
  keystoreEncrypt,
  portableKeystorePlatform,
  toHex,
  utf8,
} from "@consilium/crypto";
import type { Random } from "@consilium/protocol";
import type { RequestSigner } from "../http/signature.js";
import { parseWalletContent, type WalletContent } from "./content.js";

/** What a client shows before it makes a wallet, and again when a backup is due. */
export const WALLET_LOSS_WARNING =
  "This wallet holds the only keys to your records. If you lose the file or forget its passphrase, access is lost for good: nobody can restore it. Make a backup now and keep it apart from this computer.";

/** Where a wallet is kept. `write` replaces the whole and is atomic: after a crash the old or the new one is there. */
export interface WalletStorage {
  /** The stored text, or undefined when there is none. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

export interface WalletOptions {
  readonly storage: WalletStorage;
  readonly password: string;
  readonly random: Random;
  /** Native scrypt and AES are much faster than the portable ones. */
  readonly platform?: KeystorePlatform;
  /** scrypt cost, see CS01 §11.2; default 2^17. */
  readonly cost?: number;
}

export class Wallet {
  #content: WalletContent;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: WalletOptions,
    content: WalletContent,
  ) {
    this.#content = content;
  }

  /** Stores a new wallet. Throws `WALLET_EXISTS` rather than overwrite one; `KEYSTORE_PASSWORD` for an empty password. */
  static async create(options: WalletOptions, content: WalletContent): Promise<Wallet> {
    if ((await options.storage.read()) !== undefined) {
      throw new ConsiliumError("WALLET_EXISTS", "A wallet stands there already; choose another place.");
    }
    const wallet = new Wallet(options, content);
    await wallet.update((same) => same);
    return wallet;
  }

  /** Opens a stored wallet. Throws `WALLET_MISSING`, `KEYSTORE_AUTH` (wrong password), `KEYSTORE_BAD_PARAMS`, `WALLET_UNKNOWN`. */
  static async open(options: WalletOptions): Promise<Wallet> {
    const text = await options.storage.read();
    if (text === undefined) {
      throw new ConsiliumError("WALLET_MISSING", "There is no wallet; enrol first, or restore a backup.");
    }
    return new Wallet(options, await decrypt(text, options));
  }

  /**
   * Puts a backup back. It is decrypted before anything is written, so a wrong file or password changes nothing.
   * Throws `WALLET_EXISTS`, and the codes of {@link Wallet.open}.
   */
  static async restore(options: WalletOptions, backup: Uint8Array): Promise<Wallet> {
    return Wallet.create(options, await decrypt(new TextDecoder().decode(backup), options));
  }

  get content(): WalletContent {
    return this.#content;
  }

  /** Signs requests and transactions of the wallet's account. */
  get signer(): RequestSigner {
    const { account } = this.#content;
    return {
      keyId: account,
      sign: (message) => {
        const secret = fromHex(this.#content.signSecret);
        const signature = ed25519Sign(secret, message);
        secret.fill(0);
        return signature;
      },
    };
  }

  /** The wallet as it is stored, encrypted: keep it elsewhere. */
  async backup(): Promise<Uint8Array> {
    await this.#writing;
    const text = await this.options.storage.read();
    if (text === undefined)
      throw new ConsiliumError("WALLET_MISSING", "The stored wallet is gone; save it again.");
    return utf8(text);
  }

  /** Changes the content and stores it; resolves once it is stored. Changes run in the order they were asked for. */
  update(change: (content: WalletContent) => WalletContent): Promise<void> {
    this.#content = change(this.#content);
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { storage, random, password, cost, platform } = this.options;
    const secret = utf8(JSON.stringify(this.#content));
    const keystore = await keystoreEncrypt(
      {
        password,
        secret,
        kind: "wallet",
        publicPart: fromHex(this.#content.account),
        salt: random.bytes(32),
        nonce: random.bytes(12),
        ...(cost === undefined ? {} : { n: cost }),
      },
      platform ?? portableKeystorePlatform,
    );
    secret.fill(0);
    await storage.write(`${JSON.stringify(keystore, undefined, 2)}\n`);
  }
}

async function decrypt(text: string, options: WalletOptions): Promise<WalletContent> {
  let keystore: { kind?: unknown; pub?: unknown } | null;
  try {
    keystore = JSON.parse(text) as { kind?: unknown; pub?: unknown } | null;
  } catch {
    throw new ConsiliumError("WALLET_UNKNOWN", "This file is not a wallet; restore it from a backup.");
  }
  const secret = await keystoreDecrypt(
    keystore,
    options.password,
    options.platform ?? portableKeystorePlatform,
  );
  const content = parseWalletContent(new TextDecoder().decode(secret));
  secret.fill(0);
  if (keystore?.kind !== "wallet" || keystore.pub !== content.account) {
    throw new ConsiliumError("WALLET_UNKNOWN", "This keystore is not a wallet.", {
      kind: String(keystore?.kind),
    });
  }
  return content;
}

/** A store in memory: for tests, and for browsers that keep the text themselves. */
export function memoryWalletStorage(
  initial?: string,
): WalletStorage & { readonly text: () => string | undefined } {
  let text = initial;
  return {
    read: async () => text,
    write: async (next) => {
      text = next;
    },
    text: () => text,
  };
}

/** Hex of fresh random bytes. */
export const randomHex = (random: Random, sizeBytes: number): string => toHex(random.bytes(sizeBytes));
