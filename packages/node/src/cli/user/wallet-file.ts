import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { WalletStorage } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { writeDurably } from "../../keys/index.js";
import { FileLock } from "./file-lock.js";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Far above any wallet; a wrong file named by mistake must not fill the memory. */
const SIZE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * One encrypted wallet on disk, used by one command at a time. The content is opaque here: the client encrypts it.
 * A write is durable and whole when it returns (written aside, synced, renamed), readable by its user alone.
 */
export class WalletFile implements WalletStorage {
  private constructor(
    readonly path: string,
    private readonly lock: FileLock,
  ) {}

  /**
   * Takes the wallet for this process; {@link release} gives it back. The lock of a process that died is taken over.
   * @throws ConsiliumError `WALLET_MISSING` unless a new one is allowed; `WALLET_LOCKED` while another command uses it.
   */
  static acquire(file: string, isNewAllowed: boolean): WalletFile {
    const path = resolve(file);
    if (!isNewAllowed && !existsSync(path)) throw missing(path);
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    return new WalletFile(
      path,
      FileLock.acquire(`${path}.lock`, (owner) => locked(path, owner)),
    );
  }

  get exists(): boolean {
    return existsSync(this.path);
  }

  /** @throws ConsiliumError `WALLET_UNREADABLE`. */
  async read(): Promise<string | undefined> {
    if (!this.exists) return undefined;
    try {
      if (statSync(this.path).size <= SIZE_BYTES_MAX) return readFileSync(this.path, "utf8");
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
    throw unreadable(this.path);
  }

  /** Replaces the whole wallet. After a crash the old or the new content stands there, never a part. */
  async write(content: string): Promise<void> {
    if (!this.lock.isHeld) throw new Error("The wallet file was released already.");
    writeDurably(this.path, content, FILE_MODE);
  }

  /** Lets other commands use the wallet. */
  release(): void {
    this.lock.release();
  }
}

function locked(path: string, owner: number | undefined): ConsiliumError {
  const who = owner === undefined ? "Another command" : `Another command (process ${owner})`;
  return new ConsiliumError(
    "WALLET_LOCKED",
    `${who} uses the wallet ${path}; wait until it has ended. If none runs, remove ${path}.lock.`,
    { file: path, ...(owner === undefined ? {} : { owner }) },
  );
}

function missing(path: string): ConsiliumError {
  return new ConsiliumError(
    "WALLET_MISSING",
    `There is no wallet at ${path}; correct --wallet, or make one with: consilium user enroll.`,
    { file: path },
  );
}

function unreadable(path: string, cause?: unknown): ConsiliumError {
  return new ConsiliumError(
    "WALLET_UNREADABLE",
    `The wallet ${path} cannot be read; check that it is your wallet file and that you may read it.`,
    { file: path },
    { cause },
  );
}
