import { nullifySubject } from "@consilium/consensus";
import { toEpoch, toView, VoteKind } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { decodeMessage, encodeMessage, meddle, ownVote } from "./tools.js";

/**
 * Sends pairs of votes with each other's signature: both are bad, and a batch check that only sums signatures would
 * accept the pair.
 */
export const cancellingVotes: Actor = {
  name: "cancelling-votes",
  ports(ports) {
    const transport = meddle(ports.options.transport, {
      send(_to, message) {
        const decoded = decodeMessage(message);
        if (decoded.kind !== "vote" || decoded.vote.kind !== VoteKind.notarize) return [message];
        const { epoch, view, validator } = decoded.vote;
        const nullify = ownVote(ports, validator, nullifySubject(toEpoch(epoch), toView(view)));
        const pair = [
          { ...decoded.vote, signature: nullify.signature },
          { ...nullify, signature: decoded.vote.signature },
        ];
        return pair.map((vote) => encodeMessage({ kind: "vote", vote }));
      },
    });
    return { transport };
  },
};
