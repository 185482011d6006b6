import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { Wallet } from "../../src/index.js";
import { testWallet } from "../helpers/platform.js";
import { enrolOwner, startStory } from "../helpers/story.js";

describe("enrolment", () => {
  it("survives a submission whose answer is lost", async () => {
    const story = await startStory("lost answer");
    story.alliance.faults.lostSubmissions = 1;
    const owner = await enrolOwner(story);
    expect(story.alliance.accounts.get(owner.account)?.pi).toBe(
      owner.session.wallet.content.ownerFactors[0]!.ownerKey,
    );
    expect(story.alliance.accounts.size).toBe(1);
  });

  it("goes on with the same keys and the same owner factor after it was cut off", async () => {
    const story = await startStory("cut off");
    const wallet = testWallet("cut off");
    story.alliance.faults.failures.set(
      "/v1/transactions",
      Array.from({ length: 100 }, () => 400),
    );
    await expect(enrolOwner(story, wallet)).rejects.toThrow();
    const before = (await Wallet.open(wallet)).content;
    story.alliance.faults.failures.clear();
    const owner = await enrolOwner(story, wallet);
    expect(before.ownerFactors).toHaveLength(1);
    expect(owner.session.wallet.content).toEqual(before);
  });

  it("is not repeated for an account that is registered", async () => {
    const story = await startStory("twice");
    const wallet = testWallet("twice");
    const first = await enrolOwner(story, wallet);
    const height = story.alliance.height;
    const second = await enrolOwner(story, wallet);
    expect(second.account).toBe(first.account);
    expect(story.alliance.height).toBe(height);
  });

  it("names a key-centre node that sends a bad part, and gets the key from the others", async () => {
    const story = await startStory("bad part");
    const owner = await enrolOwner(story);
    story.alliance.faults.badKeyCentre.add(1);
    const { collected, faults } = await owner.collectTypes(["laboratory"]);
    expect(collected).toEqual(["laboratory"]);
    expect(faults.map(({ index, name, code, type }) => ({ index, name, code, type }))).toEqual([
      { index: 1, name: "Hospital 1", code: "EXTRACT_BAD_PARTIAL", type: "laboratory" },
    ]);
  });

  it("gets no key from a key centre of which two nodes are bad, and stores the salts for the next attempt", async () => {
    const story = await startStory("two bad");
    const owner = await enrolOwner(story);
    story.alliance.faults.badKeyCentre.add(1).add(2);
    const attempt = await owner.collectTypes(["laboratory"]).then(() => "accepted", codeOf);
    expect(attempt).toMatch(/^(TOO_FEW_SHARES|EXTRACT_BAD_PARTIAL)$/);
    const [key] = owner.session.wallet.content.typeKeys;
    expect(key).toMatchObject({ type: "laboratory", decryptionKey: null });
    story.alliance.faults.badKeyCentre.clear();
    await owner.collectTypes(["laboratory"]);
    expect(owner.session.wallet.content.typeKeys[0]).toMatchObject({ salt: key!.salt });
    expect(owner.session.wallet.content.typeKeys[0]!.decryptionKey).not.toBeNull();
  });

  it("does not make a recipient of an owner's wallet", async () => {
    const story = await startStory("role");
    const wallet = testWallet("role");
    await enrolOwner(story, wallet);
    const attempt = story.client.enrolRecipient({
      wallet,
      attest: (person) => story.hospital.attest(person),
    });
    expect(await attempt.then(() => "accepted", codeOf)).toBe("WALLET_ROLE");
  });

  it("never speaks to another alliance than the wallet's", async () => {
    const story = await startStory("other chain");
    const owner = await enrolOwner(story);
    await owner.session.wallet.update((content) => ({ ...content, chainId: "77".repeat(32) }));
    expect(await story.client.owner(owner.session.wallet).then(() => "accepted", codeOf)).toBe("WRONG_CHAIN");
  });
});
