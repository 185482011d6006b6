import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  ConsiliumError,
  fromHex,
  KEYSTORE_COST_DEFAULT,
  KEYSTORE_SALT_SIZE_BYTES,
  type Keystore,
  type KeystoreKind,
  type KeystorePlatform,
  keystoreDecrypt,
  keystoreEncrypt,
} from "@consilium/crypto";
import { nativeKeystorePlatform, secureRandom } from "./platform.js";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const NONCE_SIZE_BYTES = 12;

/** A decrypted keystore. The holder zeroises `secret`. */
export interface OpenedKeystore {
  readonly publicPart: Uint8Array;
  readonly secret: Uint8Array;
}

/**
 * Encrypted keystores (Consilium CS01 §11.2) of one node in one folder, all under one passphrase, each a file that
 * only its user may read. A write is durable when it returns: written aside, synced, renamed.
 */
export class KeystoreFolder {
  readonly #passphrase: string;
  readonly #cost: number | undefined;

  /** @param cost scrypt cost of new keystores; that of the keystores already there, or 2^17, when left out. */
  constructor(
    readonly dir: string,
    passphrase: string,
    cost?: number,
    private readonly platform: KeystorePlatform = nativeKeystorePlatform,
  ) {
    this.#passphrase = passphrase;
    this.#cost = cost;
  }

  /** Path of a keystore; names are made by the node itself and hold letters, digits and dashes. */
  pathOf(name: string): string {
    return join(this.dir, `${name}.json`);
  }

  has(name: string): boolean {
    return existsSync(this.pathOf(name));
  }

  /** Names of the keystores that start with a prefix, in order. */
  list(prefix: string): string[] {
    if (!existsSync(this.dir)) return [];
    const names = readdirSync(this.dir).filter((name) => name.startsWith(prefix) && name.endsWith(".json"));
    return names.map((name) => name.slice(0, -".json".length)).sort();
  }

  /** @throws ConsiliumError of `keystoreEncrypt`, or the file system's own error. */
  async write(name: string, kind: KeystoreKind, publicPart: Uint8Array, secret: Uint8Array): Promise<void> {
    const keystore = await keystoreEncrypt(
      {
        password: this.#passphrase,
        secret,
        kind,
        publicPart,
        salt: secureRandom.bytes(KEYSTORE_SALT_SIZE_BYTES),
        nonce: secureRandom.bytes(NONCE_SIZE_BYTES),
        n: this.#cost ?? this.#costInUse(),
      },
      this.platform,
    );
    mkdirSync(this.dir, { recursive: true, mode: FOLDER_MODE });
    writeDurably(this.pathOf(name), `${JSON.stringify(keystore, undefined, 2)}\n`);
  }

  /**
   * @throws ConsiliumError `KEYSTORE_MISSING`, `KEYSTORE_BAD_PARAMS` (also when it is of another kind), `KEYSTORE_AUTH`.
   */
  async read(name: string, kind: KeystoreKind): Promise<OpenedKeystore> {
    const keystore = this.#parse(name);
    if (keystore.kind !== kind) {
      throw new ConsiliumError(
        "KEYSTORE_BAD_PARAMS",
        `${this.pathOf(name)} is not a keystore of kind ${kind}; restore the right file from a backup.`,
        { name, kind },
      );
    }
    const secret = await keystoreDecrypt(keystore, this.#passphrase, this.platform);
    return { publicPart: fromHex(keystore.pub), secret };
  }

  /** The public part alone, without the passphrase. It is authenticated only when the keystore is opened. */
  publicPart(name: string): Uint8Array {
    return fromHex(this.#parse(name).pub);
  }

  /** Kind and public part, without the passphrase. */
  describe(name: string): { readonly kind: KeystoreKind; readonly publicPart: Uint8Array } {
    const { kind, pub } = this.#parse(name);
    return { kind, publicPart: fromHex(pub) };
  }

  /** Overwrites and removes a keystore, if it is there. Solid-state disks may keep old blocks; the passphrase protects those. */
  erase(name: string): void {
    const path = this.pathOf(name);
    if (!existsSync(path)) return;
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(statSync(path).size));
    fsyncSync(file);
    closeSync(file);
    rmSync(path);
    syncFolder(this.dir);
  }

  #costInUse(): number {
    const [name] = this.list("");
    return name === undefined ? KEYSTORE_COST_DEFAULT : this.#parse(name).kdf.n;
  }

  #parse(name: string): Keystore {
    const path = this.pathOf(name);
    try {
      return JSON.parse(readFileSync(path, "utf8"));
    } catch (cause) {
      throw new ConsiliumError(
        existsSync(path) ? "KEYSTORE_BAD_PARAMS" : "KEYSTORE_MISSING",
        `The keystore ${path} cannot be read; correct keystoreDir or restore it from a backup.`,
        { name },
        { cause },
      );
    }
  }
}

/** Writes a file so that after a crash either the old or the new content stands there whole. Mode 0600. */
export function writeDurably(path: string, content: string | Uint8Array, mode: number = FILE_MODE): void {
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  const file = openSync(aside, "wx", mode);
  writeSync(file, typeof content === "string" ? Buffer.from(content, "utf8") : content);
  fsyncSync(file);
  closeSync(file);
  renameSync(aside, path);
  syncFolder(dirname(path));
}

function syncFolder(dir: string): void {
  const folder = openSync(dir, "r");
  fsyncSync(folder);
  closeSync(folder);
}
