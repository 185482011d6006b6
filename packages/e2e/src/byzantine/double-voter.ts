import { voteBytes } from "@consilium/consensus";
import { concat } from "@consilium/crypto";
import { ConsensusMessageTag, decodeStrict, Vote, VoteKind } from "@consilium/protocol";
import type { Behaviour } from "./behaviour.js";
import { boundMethods } from "./silent-proposer.js";

/**
 * Sends beside each of its `notarize` votes another one of the same view, for a block that does not exist: what evidence
 * convicts. Its safety record knows nothing of it, as the second vote is signed past it.
 */
export const doubleVoter: Behaviour = (options) => {
  const { transport, identity, application } = options;
  const signer = identity.voteSigner;
  if (signer === undefined) return options;
  const sendBoth = (message: Uint8Array, send: (message: Uint8Array) => void) => {
    send(message);
    const vote = notarizationIn(message);
    if (vote === undefined) return;
    const other: Vote = { ...vote, digest: vote.digest.map((byte) => byte ^ 0xff) };
    void signer.sign(voteBytes(application.chainId, other)).then((signature) => {
      send(concat(Uint8Array.of(ConsensusMessageTag.vote), Vote.serialize({ ...other, signature })));
    });
  };
  return {
    ...options,
    transport: {
      ...boundMethods(transport),
      send: (to, message) => sendBoth(message, (each) => transport.send(to, each)),
      broadcast: (to, message) => sendBoth(message, (each) => transport.broadcast(to, each)),
    },
  };
};

function notarizationIn(message: Uint8Array): Vote | undefined {
  if (message[0] !== ConsensusMessageTag.vote) return undefined;
  const vote = decodeStrict(Vote, message.subarray(1), "vote");
  return vote.kind === VoteKind.notarize ? vote : undefined;
}
