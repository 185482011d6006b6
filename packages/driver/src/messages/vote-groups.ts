import { type State, sameSubject } from "@consilium/consensus";
import { quorumOf, type Vote, VoteKind } from "@consilium/protocol";

export interface ReceivedVote {
  readonly from: string;
  readonly vote: Vote;
}

/**
 * Votes that wait, unverified, until enough equal ones are here to complete a quorum with this node's own: they are then
 * verified in one batch, which costs little more than one of them. A vote is held only when it comes from its own
 * validator, one per view and kind, so that nobody can crowd out another's.
 */
export class VoteGroups {
  private readonly held = new Map<string, ReceivedVote>();

  /** Takes one wanted vote in and returns those to verify now. */
  take(state: State, received: ReceivedVote): ReceivedVote[] {
    const { vote, from } = received;
    this.prune(state);
    // A nullify vote may ask for help, a passed-on one may be forged: neither waits.
    if (vote.kind === VoteKind.nullify || state.epoch.validators[vote.validator] !== from) return [received];
    const name = `${vote.view} ${vote.kind} ${vote.validator}`;
    const other = this.held.get(name);
    if (other !== undefined && !sameSubject(other.vote, vote)) {
      this.held.delete(name);
      return [other, received];
    }
    this.held.set(name, received);
    const group = [...this.held.values()].filter((each) => sameSubject(each.vote, vote));
    const needed = quorumOf(state.epoch.validators.length) - 1;
    if (group.length + countVerified(state, vote) < needed) return [];
    for (const each of group) this.held.delete(`${vote.view} ${vote.kind} ${each.vote.validator}`);
    return group;
  }

  /** Votes at or below the tip, or long left behind, complete nothing any more. */
  private prune(state: State): void {
    const oldest = Math.max(state.tip.view + 1, state.view - state.config.inactivityViews);
    for (const [name, { vote }] of this.held) if (vote.view < oldest) this.held.delete(name);
  }
}

/** Equal votes of others that the engine has verified already. */
function countVerified(state: State, vote: Vote): number {
  const slot = state.slots.get(vote.view);
  const votes = vote.kind === VoteKind.notarize ? slot?.notarizeVotes : slot?.finalizeVotes;
  let count = 0;
  for (const [validator, each] of votes ?? []) {
    if (validator !== state.selfIndex && sameSubject(each, vote)) count += 1;
  }
  return count;
}
