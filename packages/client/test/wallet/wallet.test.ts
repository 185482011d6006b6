import {
  codeOf,
  ed25519PublicKey,
  ed25519Verify,
  fromHex,
  portableKeystorePlatform,
  utf8,
} from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { memoryWalletStorage, Wallet, type WalletContent, type WalletOptions } from "../../src/index.js";
import { keystorePlatform } from "../helpers/platform.js";
import { seededRandom } from "../helpers/random.js";

const signSecret = new Uint8Array(32).fill(9);
const content: WalletContent = {
  version: 1,
  role: "owner",
  chainId: "01".repeat(32),
  account: "02".repeat(32),
  signSecret: "09".repeat(32),
  signKey: Array.from(ed25519PublicKey(signSecret), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  exchangeSecret: "0a".repeat(32),
  exchangeKey: "0b".repeat(32),
  member: "0c".repeat(32),
  ownerFactors: [{ ownerKeyNo: 1, kgcKeyNo: 1, factor: "0d".repeat(32), ownerKey: "0e".repeat(96) }],
  typeKeys: [{ type: "laboratory", version: 1, salt: "0f".repeat(32), ownerKeyNo: 1, decryptionKey: null }],
  userKey: null,
  openedGrants: [],
  nextGrantNonce: 4,
  nextCatalogueNumber: 2,
};

function options(
  change: Partial<WalletOptions> = {},
): WalletOptions & { storage: ReturnType<typeof memoryWalletStorage> } {
  // The lowest cost that a keystore may have, to keep the tests short.
  const base = {
    storage: memoryWalletStorage(),
    password: "correct horse",
    random: seededRandom("wallet"),
    cost: 2 ** 15,
    platform: keystorePlatform,
  };
  return { ...base, ...change } as ReturnType<typeof options>;
}
const refusal = (promise: Promise<unknown>) => promise.then(() => "accepted", codeOf);

describe("a wallet", () => {
  it("gives back what was stored, after the program ended", async () => {
    const stored = options();
    const wallet = await Wallet.create(stored, content);
    await wallet.update((old) => ({ ...old, nextGrantNonce: 5 }));
    expect((await Wallet.open(stored)).content).toEqual({ ...content, nextGrantNonce: 5 });
  });

  it("stores no secret in clear text", async () => {
    const stored = options();
    await Wallet.create(stored, content);
    const text = stored.storage.text()!;
    for (const secret of [
      content.signSecret,
      content.exchangeSecret,
      "0d".repeat(32),
      "0f".repeat(32),
      "laboratory",
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(JSON.parse(text)).toMatchObject({ "consilium-keystore": 1, kind: "wallet", pub: content.account });
  });

  it("that native code wrote opens with the portable code of browsers", async () => {
    const stored = options();
    await Wallet.create(stored, content);
    expect((await Wallet.open({ ...stored, platform: portableKeystorePlatform })).content).toEqual(content);
  });

  it("takes a new salt and nonce for each write", async () => {
    const stored = options();
    const wallet = await Wallet.create(stored, content);
    const first = JSON.parse(stored.storage.text()!) as { kdf: { salt: string }; nonce: string };
    await wallet.update((same) => same);
    const second = JSON.parse(stored.storage.text()!) as { kdf: { salt: string }; nonce: string };
    expect(second.kdf.salt).not.toBe(first.kdf.salt);
    expect(second.nonce).not.toBe(first.nonce);
  });

  it("is refused with a wrong password, changed, missing, or when it is something else", async () => {
    const stored = options();
    await Wallet.create(stored, content);
    expect(await refusal(Wallet.open({ ...stored, password: "wrong horse" }))).toBe("KEYSTORE_AUTH");
    const renamed = stored.storage.text()!.replace(content.account, "03".repeat(32));
    expect(await refusal(Wallet.open({ ...stored, storage: memoryWalletStorage(renamed) }))).toBe(
      "KEYSTORE_AUTH",
    );
    expect(await refusal(Wallet.open(options()))).toBe("WALLET_MISSING");
    expect(await refusal(Wallet.open({ ...stored, storage: memoryWalletStorage("not json") }))).toBe(
      "WALLET_UNKNOWN",
    );
  });

  it("never overwrites another wallet", async () => {
    const stored = options();
    await Wallet.create(stored, content);
    expect(await refusal(Wallet.create(stored, content))).toBe("WALLET_EXISTS");
  });

  it("keeps the order of changes that are asked for at once", async () => {
    const stored = options();
    const wallet = await Wallet.create(stored, content);
    const bump = (old: WalletContent) => ({ ...old, nextGrantNonce: old.nextGrantNonce + 1 });
    await Promise.all([wallet.update(bump), wallet.update(bump), wallet.update(bump)]);
    expect((await Wallet.open(stored)).content.nextGrantNonce).toBe(7);
  });

  it("comes back from a backup, elsewhere", async () => {
    const backup = await (await Wallet.create(options(), content)).backup();
    const restored = await Wallet.restore(options(), backup);
    expect(restored.content).toEqual(content);
  });

  it("restores nothing from a backup that does not open", async () => {
    const backup = await (await Wallet.create(options(), content)).backup();
    const target = options({ password: "another" });
    expect(await refusal(Wallet.restore(target, backup))).toBe("KEYSTORE_AUTH");
    expect(target.storage.text()).toBeUndefined();
  });

  it("signs with the account's key", async () => {
    const wallet = await Wallet.create(options(), content);
    const signature = await wallet.signer.sign(utf8("message"));
    expect(ed25519Verify(fromHex(content.signKey), utf8("message"), signature)).toBe(true);
    expect(wallet.signer.keyId).toBe(content.account);
  });
});
