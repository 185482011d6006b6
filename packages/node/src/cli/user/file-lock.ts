import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { ConsiliumError } from "@consilium/crypto";
import { isAlive } from "../process-alive.js";

const FILE_MODE = 0o600;
/** Locks that this process holds: in a container a command may have the process id of the one that died. */
const heldHere = new Set<string>();

/**
 * A lock between processes of one machine: a file that names its owner. The lock of a process that died is taken over.
 */
export class FileLock {
  private constructor(readonly path: string) {}

  /**
   * Takes the lock.
   * @param refusal makes the error to throw while another process holds it; `owner` is its process id, when known.
   */
  static acquire(path: string, refusal: (owner: number | undefined) => ConsiliumError): FileLock {
    const lock = new FileLock(path);
    // A link to a finished file appears with its content at once, so nobody ever reads a lock without an owner.
    const claim = `${path}.${process.pid}`;
    writeFileSync(claim, `${process.pid}\n`, { mode: FILE_MODE });
    try {
      if (!isLinked(claim, path)) {
        lock.#removeIfDead(refusal);
        if (!isLinked(claim, path)) throw refusal(ownerOf(path));
      }
      heldHere.add(path);
      return lock;
    } finally {
      rmSync(claim, { force: true });
    }
  }

  get isHeld(): boolean {
    return heldHere.has(this.path);
  }

  release(): void {
    if (heldHere.delete(this.path)) rmSync(this.path, { force: true });
  }

  #removeIfDead(refusal: (owner: number | undefined) => ConsiliumError): void {
    const owner = ownerOf(this.path);
    if (owner === undefined || this.#isInUse(owner)) throw refusal(owner);
    // Two commands may find the same dead lock. What was moved aside is looked at again: a lock that is alive by now
    // goes back.
    const aside = `${this.path}.dead.${process.pid}`;
    try {
      renameSync(this.path, aside);
    } catch {
      return;
    }
    const moved = ownerOf(aside);
    if (moved !== undefined && moved !== owner && this.#isInUse(moved)) isLinked(aside, this.path);
    rmSync(aside, { force: true });
  }

  #isInUse(owner: number): boolean {
    return owner === process.pid ? this.isHeld : isAlive(owner);
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

function ownerOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
