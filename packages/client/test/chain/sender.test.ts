import { codeOf } from "@consilium/crypto";
import { GrantRevoke, TransactionKind } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { TransactionSender } from "../../src/index.js";
import { enrolOwner, startStory } from "../helpers/story.js";

const unknownGrant = GrantRevoke.serialize({ grantId: new Uint8Array(32) });

async function prepared(seed: string) {
  const story = await startStory(seed);
  const { session } = await enrolOwner(story);
  const send = () => session.sender.send(TransactionKind.grantRevoke, unknownGrant).catch(codeOf);
  const nextNonce = () => story.alliance.accounts.get(session.wallet.content.account)!.nextNonce;
  return { story, session, send, nextNonce };
}

describe("the sender of transactions", () => {
  it("gives transactions that are sent at once strictly sequential nonces", async () => {
    const { send, nextNonce } = await prepared("at once");
    const before = nextNonce();
    expect(await Promise.all([send(), send(), send()])).toEqual(Array(3).fill("GRANT_UNKNOWN"));
    expect(nextNonce()).toBe(before + 3);
  });

  it("counts a transaction once whose answer was lost on the way", async () => {
    const { story, send, nextNonce } = await prepared("lost");
    const before = nextNonce();
    story.alliance.faults.lostSubmissions = 1;
    expect(await send()).toBe("GRANT_UNKNOWN");
    expect(nextNonce()).toBe(before + 1);
  });

  it("signs anew when another client of the same account was faster", async () => {
    const { story, session, nextNonce } = await prepared("race");
    const before = nextNonce();
    const other = new TransactionSender({
      api: session.api,
      ports: session.ports,
      chainId: session.alliance.chainId,
      signer: session.wallet.signer,
    });
    const kind = TransactionKind.grantRevoke;
    const both = [
      session.sender.send(kind, unknownGrant),
      other.send(kind, GrantRevoke.serialize({ grantId: new Uint8Array(32).fill(1) })),
    ];
    expect(await Promise.all(both.map((each) => each.catch(codeOf)))).toEqual([
      "GRANT_UNKNOWN",
      "GRANT_UNKNOWN",
    ]);
    expect(nextNonce()).toBe(before + 2);
    expect(story.alliance.log.filter((path) => path === "/v1/transactions").length).toBeGreaterThan(2);
  });

  it("submits again what the node has forgotten, until the deadline", async () => {
    const { story, session } = await prepared("forgotten");
    const sender = new TransactionSender({
      api: session.api,
      ports: session.ports,
      chainId: session.alliance.chainId,
      signer: session.wallet.signer,
      deadlineMs: 1_000,
    });
    story.alliance.faults.forgetsTransactions = true;
    const attempt = await sender.send(TransactionKind.grantRevoke, unknownGrant).catch(codeOf);
    expect(attempt).toBe("TX_NOT_FINAL");
    expect(story.alliance.log.filter((path) => path === "/v1/transactions").length).toBeGreaterThan(3);
  });

  it("goes on after a refused transaction", async () => {
    const { session, send } = await prepared("after");
    const bad = session.sender.send(TransactionKind.labelClose, new Uint8Array(0)).catch(codeOf);
    expect(await bad).toBe("TX_UNKNOWN_KIND");
    expect(await send()).toBe("GRANT_UNKNOWN");
  });
});
