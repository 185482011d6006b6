import { nullifySubject } from "@consilium/consensus";
import { toEpoch, toView, type Vote, VoteKind } from "@consilium/protocol";
import type { Wire } from "../network.js";
import type { Behaviour } from "../node-parts.js";

/** Signs every kind of vote in every view: each notarize comes with a finalize and a nullify of the same view. */
export const doubleVoter: Behaviour = {
  name: "double-voter",
  outgoing(message, _to, { index, keys }) {
    const honest: Wire = { kind: "engine", message };
    if (message.kind !== "vote" || message.vote.kind !== VoteKind.notarize) return [honest];
    const { epoch, view, parentView, digest } = message.vote;
    const more: Vote[] = [
      keys.sign(index, { kind: VoteKind.finalize, epoch, view, parentView, digest }),
      keys.sign(index, nullifySubject(toEpoch(epoch), toView(view))),
    ];
    return [honest, ...more.map((vote): Wire => ({ kind: "engine", message: { kind: "vote", vote } }))];
  },
};
