/** What elections would give now, and how those stand that an election seated. */
import {
  type CreditClass,
  type CreditTally,
  classOf,
  type Election,
  electSet,
  emptyCreditTally,
  type RankedCandidate,
} from "@consilium/consensus";
import type { StateReader } from "@consilium/protocol";
import { candidatesOf } from "../elections/snapshot.js";
import { memberOf, presentEpoch } from "./chain.js";
import { candidate, creditTally, electionState, validatorSet } from "./elections.js";

/** The election that would be held if the present epoch ended with this state. */
export function election(state: StateReader): Election {
  const snapshotEpoch = presentEpoch(state);
  const current = validatorSet(state, snapshotEpoch + 1) ?? validatorSet(state, snapshotEpoch) ?? [];
  const { seats } = electionState(state);
  return electSet({ seats, snapshotEpoch, candidates: candidatesOf(state), current });
}

/** All members as candidates, best first, those last who may not be elected now (`reason` says why). */
export const candidates = (state: StateReader): readonly RankedCandidate[] => election(state).ranking;

export interface Credit {
  /** 0 to 1000. */
  readonly credit: number;
  readonly class: CreditClass | "banned";
  /** What the running epoch has counted so far. */
  readonly tally: CreditTally;
}

/** A candidate's credit; undefined for a node that never stood for election. */
export function credit(state: StateReader, node: Uint8Array): Credit | undefined {
  const entry = candidate(state, node);
  return (
    entry && {
      credit: entry.credit,
      class: entry.bannedHeight > 0 ? "banned" : classOf(entry.credit),
      tally: creditTally(state, node) ?? emptyCreditTally(),
    }
  );
}

/** One seat of an epoch. */
export interface Delegate {
  readonly nodeId: Uint8Array;
  /** The key it votes with in that epoch. */
  readonly voteKey: Uint8Array;
  /** Bonded stake now. */
  readonly stake: number;
  readonly epochsServed: number;
  readonly credit: Credit | undefined;
}

/** The validators of an epoch in order of their vote indices, with their credit of now; none for an unknown epoch. */
export const delegates = (state: StateReader, epoch: number): Delegate[] =>
  (validatorSet(state, epoch) ?? []).map(({ nodeId, voteKey }) => ({
    nodeId,
    voteKey,
    stake: memberOf(state, nodeId)?.stake ?? 0,
    epochsServed: candidate(state, nodeId)?.epochsServed ?? 0,
    credit: credit(state, nodeId),
  }));
