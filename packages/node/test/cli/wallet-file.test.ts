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
  const file = WalletFile.acquire(path, true);
  taken.push(file);
  return file;
}

async function codeOfThrown(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return codeOf(error);
  }
  return "nothing was thrown";
}

afterEach(() => {
  for (const file of taken.splice(0)) file.release();
});

describe("the wallet file", () => {
  it("gives back what was written, and only its user may read it", async () => {
    const file = acquire(freshPath());
    await file.write("first");
    await file.write("second, longer");
    expect(await file.read()).toBe("second, longer");
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });

  it("makes the folder of a new wallet, closed to others", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "consilium-wallet-")), "private", "mine");
    await acquire(join(folder, "wallet.json")).write("content");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("leaves nothing beside the wallet once it is released", async () => {
    const file = acquire(freshPath());
    await file.write("content");
    file.release();
    expect(readdirSync(join(file.path, ".."))).toEqual(["wallet.json"]);
  });

  it("keeps the old content when a write fails midway", async () => {
    const file = acquire(freshPath());
    await file.write("old");
    // The place where the new content is written aside is taken by a folder: the write fails before the rename.
    mkdirSync(`${file.path}.new`);
    await expect(file.write("new")).rejects.toThrow();
    expect(readFileSync(file.path, "utf8")).toBe("old");
  });

  it("ignores half a write that a crash left behind", async () => {
    const file = acquire(freshPath());
    await file.write("whole");
    writeFileSync(`${file.path}.new`, "ha");
    expect(await file.read()).toBe("whole");
    await file.write("next");
    expect(await file.read()).toBe("next");
    expect(existsSync(`${file.path}.new`)).toBe(false);
  });

  it("is nothing yet where a new wallet is about to be made", async () => {
    expect(await acquire(freshPath()).read()).toBeUndefined();
  });

  it("says how to make a wallet when there is none, and makes no folder for a mistyped path", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "consilium-wallet-")), "mistyped");
    const act = () => WalletFile.acquire(join(folder, "wallet.json"), false);
    expect(await codeOfThrown(act)).toBe("WALLET_MISSING");
    expect(existsSync(folder)).toBe(false);
  });

  it("refuses a path that is not a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "consilium-wallet-"));
    expect(await codeOfThrown(() => acquire(folder).read())).toBe("WALLET_UNREADABLE");
  });
});

describe("the lock of a wallet", () => {
  it("refuses a second command until the first has released the wallet", async () => {
    const path = freshPath();
    const first = acquire(path);
    expect(await codeOfThrown(() => acquire(path))).toBe("WALLET_LOCKED");
    first.release();
    expect(await codeOfThrown(() => acquire(path))).toBe("nothing was thrown");
  });

  it("refuses a wallet that another live process holds, and names the process", async () => {
    const path = freshPath();
    writeFileSync(`${path}.lock`, `${process.ppid}\n`);
    expect(() => acquire(path)).toThrow(`process ${process.ppid}`);
    expect(readFileSync(`${path}.lock`, "utf8")).toBe(`${process.ppid}\n`);
  });

  it("takes over the lock of a process that died", async () => {
    const path = freshPath();
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    writeFileSync(`${path}.lock`, `${dead}\n`);
    await acquire(path).write("content");
    expect(readFileSync(`${path}.lock`, "utf8")).toBe(`${process.pid}\n`);
  });

  it("takes over the lock of a dead process that had this process's id, as in a container", async () => {
    const path = freshPath();
    writeFileSync(`${path}.lock`, `${process.pid}\n`);
    expect(await codeOfThrown(() => acquire(path))).toBe("nothing was thrown");
  });

  it("does not guess when the lock does not say whose it is", async () => {
    const path = freshPath();
    writeFileSync(`${path}.lock`, "");
    expect(await codeOfThrown(() => acquire(path))).toBe("WALLET_LOCKED");
  });

  it("does not write after the wallet was released", async () => {
    const file = acquire(freshPath());
    file.release();
    await expect(file.write("late")).rejects.toThrow("released");
    expect(file.exists).toBe(false);
  });
});
