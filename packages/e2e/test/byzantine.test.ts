import type { ChainDriverOptions } from "@consilium/driver";
import { ConsensusMessageTag, decodeStrict, Vote, VoteKind } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { doubleVoter } from "../src/byzantine/double-voter.js";
import { silentProposer } from "../src/byzantine/silent-proposer.js";

/** Options of a driver with a signer that signs by copying, and what reaches its transport. */
function recorded(): { readonly options: ChainDriverOptions; readonly sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  const transport = {
    self: "a",
    connected: () => [],
    send: (_to: string, message: Uint8Array) => void sent.push(message),
    broadcast: (_to: readonly string[], message: Uint8Array) => void sent.push(message),
  };
  const identity = {
    voteSigner: { sign: async (message: Uint8Array) => new Uint8Array(96).fill(message.at(-1)!) },
  };
  const options = { transport, identity, application: { chainId: new Uint8Array(32) } };
  return { options: options as unknown as ChainDriverOptions, sent };
}

function voteMessage(kind: VoteKind): Uint8Array {
  const digest = new Uint8Array(32).fill(kind === VoteKind.nullify ? 0 : 7);
  const subject = { kind, epoch: 1, view: 9, parentView: kind === VoteKind.nullify ? 0 : 8, digest };
  const vote = Vote.serialize({ ...subject, validator: 2, signature: new Uint8Array(96) });
  return Uint8Array.of(ConsensusMessageTag.vote, ...vote);
}

describe("a double voter", () => {
  it("sends a second notarize vote of the same view for another block, and signs it", async () => {
    const { options, sent } = recorded();
    doubleVoter(options).transport.broadcast(["b", "c"], voteMessage(VoteKind.notarize));
    await Promise.resolve();
    const [first, second] = sent.map((message) => decodeStrict(Vote, message.subarray(1), "vote"));
    expect(second).toMatchObject({ kind: VoteKind.notarize, epoch: 1, view: 9, parentView: 8, validator: 2 });
    expect(second?.digest).not.toEqual(first?.digest);
    expect(second?.signature).not.toEqual(first?.signature);
  });

  it("leaves other votes and messages alone", async () => {
    const { options, sent } = recorded();
    const { transport } = doubleVoter(options);
    transport.send("b", voteMessage(VoteKind.nullify));
    transport.send("b", Uint8Array.of(ConsensusMessageTag.certificate, 1));
    await Promise.resolve();
    expect(sent).toEqual([voteMessage(VoteKind.nullify), Uint8Array.of(ConsensusMessageTag.certificate, 1)]);
  });
});

it("a silent proposer sends everything but proposals", () => {
  const { options, sent } = recorded();
  const { transport } = silentProposer(options);
  transport.broadcast(["b"], Uint8Array.of(ConsensusMessageTag.proposal, 1));
  transport.send("b", Uint8Array.of(ConsensusMessageTag.proposal, 1));
  transport.send("b", voteMessage(VoteKind.notarize));
  expect(sent).toEqual([voteMessage(VoteKind.notarize)]);
});
