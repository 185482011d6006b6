import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import type { WalletStorage } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { writeDurably } from "../../keys/index.js";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Wallets that this process has taken: in a container a command may have the process id of the one that died. */
const heldHere = new Set<string>();
/** Far above any wallet; a wrong file named by mistake must not fill the memory. */
const SIZE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * One encrypted wallet on disk, used by one command at a time. The content is opaque here: the client encrypts it.
 * A write is durable and whole when it returns (written aside, synced, renamed), readable by its user alone.
 */
export class WalletFile implements WalletStorage {
  readonly path: string;
  readonly #lockPath: string;

  private constructor(path: string) {
    this.path = resolve(path);
    this.#lockPath = `${this.path}.lock`;
  }

  /**
   * Takes the wallet for this process; {@link release} gives it back. The lock of a process that died is taken over.
   * @throws ConsiliumError `WALLET_LOCKED` while another command uses the wallet.
   */
  static acquire(path: string): WalletFile {
    const file = new WalletFile(path);
    mkdirSync(dirname(file.path), { recursive: true, mode: FOLDER_MODE });
    file.#lock();
    return file;
  }

  get exists(): boolean {
    return existsSync(this.path);
  }

  /** @throws ConsiliumError `WALLET_MISSING`, which names the file. */
  requireExists(): void {
    if (this.exists) return;
    throw new ConsiliumError(
      "WALLET_MISSING",
      `There is no wallet at ${this.path}; correct --wallet, or make one with: consilium user enroll.`,
      { file: this.path },
    );
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
    if (!heldHere.has(this.path)) throw new Error("The wallet file was released already.");
    writeDurably(this.path, content, FILE_MODE);
  }

  /** Lets other commands use the wallet. */
  release(): void {
    if (heldHere.delete(this.path)) rmSync(this.#lockPath, { force: true });
  }

  #lock(): void {
    // A link to a finished file appears with its content at once, so nobody ever reads a lock without an owner.
    const claim = `${this.#lockPath}.${process.pid}`;
    writeFileSync(claim, `${process.pid}\n`, { mode: FILE_MODE });
    try {
      if (!isLinked(claim, this.#lockPath)) {
        this.#removeDeadLock();
        if (!isLinked(claim, this.#lockPath)) throw locked(this.path, ownerOf(this.#lockPath));
      }
      heldHere.add(this.path);
    } finally {
      rmSync(claim, { force: true });
    }
  }

  #removeDeadLock(): void {
    const owner = ownerOf(this.#lockPath);
    if (owner === undefined || this.#isInUse(owner)) throw locked(this.path, owner);
    // Two commands may find the same dead lock. What was moved aside is looked at again: a lock that is alive by now
    // goes back.
    const aside = `${this.#lockPath}.dead.${process.pid}`;
    try {
      renameSync(this.#lockPath, aside);
    } catch {
      return;
    }
    const moved = ownerOf(aside);
    if (moved !== undefined && moved !== owner && this.#isInUse(moved)) isLinked(aside, this.#lockPath);
    rmSync(aside, { force: true });
  }

  #isInUse(owner: number): boolean {
    return owner === process.pid ? heldHere.has(this.path) : isAlive(owner);
  }
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function ownerOf(lockPath: string): number | undefined {
  try {
    const pid = Number(readFileSync(lockPath, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs under another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
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

function unreadable(path: string, cause?: unknown): ConsiliumError {
  return new ConsiliumError(
    "WALLET_UNREADABLE",
    `The wallet ${path} cannot be read; check that it is your wallet file and that you may read it.`,
    { file: path },
    { cause },
  );
}
