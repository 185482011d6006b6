import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet, type WalletContent } from "@consilium/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/index.js";
import { WalletFile } from "../../src/cli/user/wallet-file.js";
import { createAlliance } from "../../src/config/index.js";
import { nativeKeystorePlatform, secureRandom } from "../../src/keys/index.js";

const COMMANDS = [
  ["user", "enroll"],
  ["record", "import"],
  ["record", "list"],
  ["access", "request"],
  ["access", "open"],
  ["grant", "create"],
  ["grant", "list"],
  ["grant", "revoke"],
  ["audit"],
];
const VARIABLES = ["CONSILIUM_API", "CONSILIUM_WALLET", "CONSILIUM_WALLET_PASSPHRASE"] as const;
const ACCOUNT = "5d".repeat(32);
const PASSPHRASE = "correct horse battery staple";

interface Run {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Run> {
  let out = "";
  let err = "";
  const exitCode = await runCommand(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { exitCode, out, err };
}

const freshDir = (): string => mkdtempSync(join(tmpdir(), "consilium-user-"));

function passphraseFile(passphrase: string): string {
  const file = join(freshDir(), "passphrase");
  writeFileSync(file, `${passphrase}\n`);
  return file;
}

const content = (role: WalletContent["role"]): WalletContent => ({
  version: 1,
  role,
  chainId: "11".repeat(32),
  account: ACCOUNT,
  signSecret: "22".repeat(32),
  signKey: "33".repeat(32),
  exchangeSecret: "44".repeat(32),
  exchangeKey: "55".repeat(32),
  member: "66".repeat(32),
  ownerFactors: [],
  typeKeys: [],
  userKey: null,
  openedGrants: [],
  nextGrantNonce: 0,
  nextCatalogueNumber: 1,
});

/** A wallet on disk under {@link PASSPHRASE}. */
async function walletOnDisk(role: WalletContent["role"]): Promise<string> {
  const path = join(freshDir(), "wallet.json");
  const storage = WalletFile.acquire(path, true);
  const platform = nativeKeystorePlatform;
  await Wallet.create(
    { storage, password: PASSPHRASE, random: secureRandom, platform, cost: 2 ** 15 },
    content(role),
  );
  storage.release();
  return path;
}

/** A server that is no node; it tells nobody's secret, and neither must the command. */
async function strangeServer(): Promise<Server> {
  const server = createServer((_request, response) => response.writeHead(404).end("not here"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

let saved: Record<string, string | undefined>;
beforeEach(() => {
  saved = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
  for (const name of VARIABLES) delete process.env[name];
});
afterEach(() => {
  for (const name of VARIABLES) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
});

describe("the help of user commands", () => {
  it.each(COMMANDS.map((words) => [words.join(" "), words] as const))(
    "of %s ends with an example of it",
    async (name, words) => {
      const { exitCode, out } = await run(...words, "--help");
      expect(exitCode).toBe(0);
      expect(out).toContain("--json");
      expect(out.split("\n").filter((line) => line.startsWith(`  $ consilium ${name}`))).not.toEqual([]);
    },
  );

  it("is reached from the top, which names each group", async () => {
    const { out } = await run("--help");
    for (const group of ["user", "record", "access", "grant", "audit"])
      expect(out).toMatch(new RegExp(`^  ${group} `, "m"));
  });
});

describe("wrong usage of user commands", () => {
  const wallet = ["--api", "http://127.0.0.1:1", "--wallet", "no-such-wallet"];
  it.each([
    ["no API", ["audit", "--wallet", "w"], "--api"],
    ["an API that is no address", ["audit", "--api", "localhost:9001", "--wallet", "w"], "localhost:9001"],
    ["no wallet", ["audit", "--api", "http://127.0.0.1:1"], "--wallet"],
    ["no role", ["user", "enroll"], "--role"],
    ["no config of the member", ["user", "enroll", "--role", "owner"], "--admin-config"],
    ["no bundle", ["record", "import"], "--bundle"],
    [
      "a bundle that is not there",
      ["record", "import", "--bundle", "no.json", "--owner", ACCOUNT, "--config", "c"],
      "no.json",
    ],
    [
      "a short owner",
      ["record", "import", "--bundle", "b", "--owner", "5d5d", "--config", "c"],
      "64 hex digits",
    ],
    [
      "a request without purpose",
      ["access", "request", ...wallet, "--owner", ACCOUNT, "--type", "lab"],
      "--purpose",
    ],
    [
      "an unknown type",
      ["access", "request", ...wallet, "--owner", ACCOUNT, "--type", "xray", "--purpose", "TREAT"],
      "laboratory",
    ],
    [
      "an unknown purpose",
      ["access", "request", ...wallet, "--owner", ACCOUNT, "--type", "lab", "--purpose", "for me"],
      "TREAT",
    ],
    ["no folder to open into", ["access", "open", ...wallet, "--grant", "abcd"], "--out"],
    ["a grant to nobody", ["grant", "create", ...wallet, "--type", "lab"], "--request"],
    ["a grant for no time", ["grant", "create", ...wallet, "--request", "abcd", "--hours", "0"], "--hours"],
    [
      "a sensitive type that is not written out",
      ["grant", "create", ...wallet, "--recipient", ACCOUNT, "--type", "mental", "--purpose", "TREAT"],
      "mental-health",
    ],
  ])("%s is refused with exit code 2 and a sentence that names the remedy", async (_what, args, named) => {
    const { exitCode, out, err } = await run(...args);
    expect(err).toMatch(/^USAGE: /);
    expect(err).toContain(named);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
  });

  it("an unknown option, role or a missing argument is refused by the parser with exit code 2", async () => {
    for (const args of [
      ["audit", "--walet", "w"],
      ["user", "enroll", "--role", "nurse"],
      ["grant", "revoke"],
    ]) {
      expect((await run(...args)).exitCode).toBe(2);
    }
  });

  it("is one JSON object on standard output with --json", async () => {
    const { exitCode, out, err } = await run("audit", "--json");
    expect(JSON.parse(out).error.code).toBe("USAGE");
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: "" });
  });
});

describe("a wallet on the command line", () => {
  it("that is missing is refused before anybody is asked for a passphrase", async () => {
    const path = join(freshDir(), "sub", "wallet.json");
    const { exitCode, err } = await run("audit", "--api", "http://127.0.0.1:1", "--wallet", path);
    expect(err).toMatch(/^WALLET_MISSING: .*user enroll/);
    expect(exitCode).toBe(1);
    expect(existsSync(join(path, ".."))).toBe(false);
  });

  it("under another passphrase is refused with KEYSTORE_AUTH, left as it was, and given back", async () => {
    const path = await walletOnDisk("owner");
    const before = readFileSync(path, "utf8");
    process.env.CONSILIUM_API = "http://127.0.0.1:1";
    process.env.CONSILIUM_WALLET = path;
    const { exitCode, out, err } = await run("audit", "--passphrase-file", passphraseFile("wrong"));
    expect(err).toMatch(/^KEYSTORE_AUTH: /);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it("in use by another command is refused", async () => {
    const path = await walletOnDisk("owner");
    const other = WalletFile.acquire(path, false);
    const { exitCode, err } = await run("grant", "list", "--api", "http://127.0.0.1:1", "--wallet", path);
    other.release();
    expect(err).toMatch(/^WALLET_LOCKED: /);
    expect(exitCode).toBe(1);
  });

  it("of the other role is refused", async () => {
    process.env.CONSILIUM_WALLET_PASSPHRASE = PASSPHRASE;
    const path = await walletOnDisk("recipient");
    const { exitCode, err } = await run("audit", "--api", "http://127.0.0.1:1", "--wallet", path);
    expect(err).toMatch(/^WALLET_ROLE: /);
    expect(exitCode).toBe(1);
  });

  it("tells neither passphrase nor keys when something else than a node answers", async () => {
    process.env.CONSILIUM_WALLET_PASSPHRASE = PASSPHRASE;
    const path = await walletOnDisk("owner");
    const server = await strangeServer();
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exitCode, out, err } = await run("audit", "--api", api, "--wallet", path);
    await new Promise((resolve) => server.close(resolve));
    expect(err).toMatch(/^API_BAD_ANSWER: /);
    expect(exitCode).toBe(1);
    for (const secret of [PASSPHRASE, content("owner").signSecret]) expect(out + err).not.toContain(secret);
  });

  it("is not made when the passphrase is missing", async () => {
    const dir = freshDir();
    const members = ["North", "East", "South", "West"].map((name) => ({ name }));
    const alliance = await createAlliance({ dir, members, preset: "devnet", keystoreCost: 2 ** 15 });
    const path = join(dir, "owner.wallet");
    const admin = alliance.members[0]!.configFile;
    const { exitCode, err } = await run(
      "user",
      "enroll",
      "--role",
      "owner",
      "--wallet",
      path,
      "--admin-config",
      admin,
    );
    expect(err).toMatch(/^PASSPHRASE_MISSING: .*CONSILIUM_WALLET_PASSPHRASE/);
    expect(exitCode).toBe(2);
    expect(existsSync(path)).toBe(false);
    expect(statSync(dir).isDirectory()).toBe(true);
  });
});
