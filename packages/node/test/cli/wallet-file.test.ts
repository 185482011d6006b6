import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf } from "@consilium/crypto";
import { afterEach, describe, expect, it } from "vitest";
import { WalletFile } from "../../src/cli/user/wallet-file.js";

const freshPath = (): string => join(mkdtempSync(join(tmpdir(), "consilium-wallet-")), "wallet.json");
const taken: WalletFile[] = [];

function acquire(path: string): WalletFile {
  const file = WalletFile.acquire(path);
  taken.push(file);
  return file;
}

function codeOfThrown(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return codeOf(error);
  }
  return "nothing was thrown";
}

afterEach(() => {
  for (const file of taken.splice(0)) file.release();
});

describe("the wallet file", () => {
  it("gives back what was written, and only its user may read it", () => {
    const file = acquire(freshPath());
    file.write("first");
    file.write("second, longer");
    expect(file.read()).toBe("second, longer");
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });

  it("makes the folder of a new wallet, closed to others", () => {
    const folder = join(mkdtempSync(join(tmpdir(), "consilium-wallet-")), "private", "mine");
    acquire(join(folder, "wallet.json")).write("content");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("leaves nothing beside the wallet once it is released", () => {
    const file = acquire(freshPath());
    file.write("content");
    file.release();
    expect(readdirSync(join(file.path, ".."))).toEqual(["wallet.json"]);
  });

  it("keeps the old content when a write fails midway", () => {
    const file = acquire(freshPath());
    file.write("old");
    // The place where the new content is written aside is taken by a folder: the write fails before the rename.
    mkdirSync(`${file.path}.new`);
    expect(() => file.write("new")).toThrow();
    expect(readFileSync(file.path, "utf8")).toBe("old");
  });

  it("ignores half a write that a crash left behind", () => {
    const file = acquire(freshPath());
    file.write("whole");
    writeFileSync(`${file.path}.new`, "ha");
    expect(file.read()).toBe("whole");
    file.write("next");
    expect(file.read()).toBe("next");
    expect(existsSync(`${file.path}.new`)).toBe(false);
  });

  it("says how to make a wallet when there is none", () => {
    const file = acquire(freshPath());
    expect(file.exists).toBe(false);
    expect(codeOfThrown(() => file.read())).toBe("WALLET_MISSING");
  });

  it("refuses a path that is not a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "consilium-wallet-"));
    expect(codeOfThrown(() => acquire(folder).read())).toBe("WALLET_UNREADABLE");
  });
});

describe("the lock of a wallet", () => {
  it("refuses a second command until the first has released the wallet", () => {
    const path = freshPath();
    const first = acquire(path);
    expect(codeOfThrown(() => acquire(path))).toBe("WALLET_LOCKED");
    first.release();
    expect(codeOfThrown(() => acquire(path))).toBe("nothing was thrown");
  });

  it("refuses a wallet that another live process holds, and names the process", () => {
    const path = freshPath();
    writeFileSync(`${path}.lock`, `${process.ppid}\n`);
    expect(() => acquire(path)).toThrow(`process ${process.ppid}`);
    expect(readFileSync(`${path}.lock`, "utf8")).toBe(`${process.ppid}\n`);
  });

  it("takes over the lock of a process that died", () => {
    const path = freshPath();
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    writeFileSync(`${path}.lock`, `${dead}\n`);
    acquire(path).write("content");
    expect(readFileSync(`${path}.lock`, "utf8")).toBe(`${process.pid}\n`);
  });

  it("takes over the lock of a dead process that had this process's id, as in a container", () => {
    const path = freshPath();
    writeFileSync(`${path}.lock`, `${process.pid}\n`);
    expect(codeOfThrown(() => acquire(path))).toBe("nothing was thrown");
  });

  it("does not guess when the lock does not say whose it is", () => {
    const path = freshPath();
    writeFileSync(`${path}.lock`, "");
    expect(codeOfThrown(() => acquire(path))).toBe("WALLET_LOCKED");
  });

  it("does not write after the wallet was released", () => {
    const file = acquire(freshPath());
    file.release();
    expect(() => file.write("late")).toThrow("released");
    expect(file.exists).toBe(false);
  });
});
