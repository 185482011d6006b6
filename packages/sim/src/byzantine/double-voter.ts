import { nullifySubject } from "@consilium/consensus";
import { toEpoch, toView, VoteKind } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { decodeMessage, encodeMessage, meddle, ownVote, shameless } from "./tools.js";

/** Signs every kind of vote in every view: each notarize comes with a finalize and a nullify of the same view. */
export const doubleVoter: Actor = {
  name: "double-voter",
  ports(ports) {
    const transport = meddle(ports.options.transport, {
      send(_to, message) {
        const decoded = decodeMessage(message);
        if (decoded.kind !== "vote" || decoded.vote.kind !== VoteKind.notarize) return [message];
        const { epoch, view, parentView, digest, validator } = decoded.vote;
        const subjects = [
          { kind: VoteKind.finalize, epoch, view, parentView, digest },
          nullifySubject(toEpoch(epoch), toView(view)),
        ];
        const votes = subjects.map((subject) => ownVote(ports, validator, subject));
        return [message, ...votes.map((vote) => encodeMessage({ kind: "vote", vote }))];
      },
    });
    return { transport, store: shameless(ports.options.store) };
  },
};
