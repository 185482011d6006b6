import { type BlockHeader, digestOf, type Proposal } from "@consilium/protocol";
import type { Behaviour } from "../node-parts.js";
import type { SimulatedKeys } from "../signatures.js";

/** Proposes one block to even peers and another to odd ones, both well formed and signed. */
export const equivocatingProposer: Behaviour = {
  name: "equivocating-proposer",
  outgoing(message, to, { index, keys }) {
    if (message.kind !== "proposal" || to % 2 === 0) return [{ kind: "engine", message }];
    const proposal = twinOf(message.proposal, index, keys);
    return [
      { kind: "engine", message: { kind: "proposal", proposal } },
      { kind: "body", header: proposal.header },
    ];
  },
};

function twinOf(proposal: Proposal, index: number, keys: SimulatedKeys): Proposal {
  const header: BlockHeader = { ...proposal.header, timestampMs: proposal.header.timestampMs + 1 };
  const { kind, epoch, view, parentView } = proposal.vote;
  const vote = keys.sign(index, { kind, epoch, view, parentView, digest: digestOf(header) });
  return { ...proposal, header, vote };
}
