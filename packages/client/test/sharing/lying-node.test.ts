import { codeOf, toHex } from "@consilium/crypto";
import { encodePoint, loadCurve } from "@consilium/crypto/curve";
import { describe, expect, it } from "vitest";
import { enrolOwner, enrolRecipient, startStory } from "../helpers/story.js";

const day = 86_400_000;
const refusal = (promise: Promise<unknown>) => promise.then(() => "accepted", codeOf);

/** P of a key centre whose secret the liar knows. */
async function foreignKey(): Promise<string> {
  const curve = await loadCurve();
  return toHex(encodePoint(curve.g2, curve.g2.multiplyGenerator(4_711n)));
}

describe("a node that names a key-centre key of its own", () => {
  it("gets no grant: not its body, nor a transaction", async () => {
    const story = await startStory("lying node");
    const owner = await enrolOwner(story);
    const recipient = await enrolRecipient(story);
    await owner.collectTypes(["laboratory"]);
    const { view } = story.alliance.keyCentre;
    const honest = view.publicKey;
    Object.assign(view, { publicKey: await foreignKey() });
    const calls = story.alliance.log.length;
    const request = { recipient: recipient.account, type: "laboratory", purpose: "TREAT", durationMs: day };
    expect(await refusal(owner.grant(request))).toBe("KEY_CENTRE_UNKNOWN");
    expect(story.alliance.log.slice(calls)).not.toContain("/v1/transactions");
    expect(story.alliance.grants).toEqual([]);
    Object.assign(view, { publicKey: honest });
    expect(await refusal(owner.grant(request))).toBe("accepted");
  });

  it("gives an enrolled owner no type key", async () => {
    const story = await startStory("lying node at extraction");
    const owner = await enrolOwner(story);
    Object.assign(story.alliance.keyCentre.view, { publicKey: await foreignKey() });
    expect(await refusal(owner.collectTypes(["laboratory"]))).not.toBe("accepted");
    expect(owner.session.wallet.content.typeKeys.map(({ decryptionKey }) => decryptionKey)).toEqual([null]);
  });
});
