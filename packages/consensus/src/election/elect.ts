import { equalBytes, toHex } from "@consilium/crypto";
import { type Bytes32, limits } from "@consilium/protocol";
import type { ValidatorSet } from "../validator-set.js";
import { type CreditClass, classOf } from "./credit.js";

/** A candidate's total counts up to so many times its own bond: who is voted for must have something at stake. */
export const OWN_BOND_FACTOR = 10;

/** A member of the alliance as the snapshot shows it. Stakes are whole units of the alliance, safe integers. */
export interface Candidate {
  readonly nodeId: Bytes32;
  /** BLS vote key whose possession was proven; undefined when the member never stood for election. */
  readonly voteKey: Uint8Array | undefined;
  /** Its own bonded stake. */
  readonly bond: number;
  /** All stake votes for it, its own included. */
  readonly votes: number;
  /** 0 to 1000. */
  readonly credit: number;
  /** Epochs in which it had a seat. */
  readonly epochsServed: number;
  readonly banned: boolean;
  readonly resigned: boolean;
  /** The newest epoch in which it signed candidate/ready. */
  readonly readyEpoch: number | undefined;
}

export type Ineligible = "UNREGISTERED" | "BANNED" | "RESIGNED" | "NOT_READY";

/** One line of the ranking, for operators: why a candidate has a seat or not. */
export interface RankedCandidate {
  readonly nodeId: Bytes32;
  /** Stake votes, at most ten times the own bond. */
  readonly cappedTotal: number;
  /** Effective weight: ⌊capped total · credit / 1000⌋. */
  readonly weight: number;
  readonly class: CreditClass | "banned";
  readonly eligible: boolean;
  /** Why it may not be elected. */
  readonly reason: Ineligible | undefined;
  /** Whether it sits in the set that this election gives; with a refused election that is the old one. */
  readonly seated: boolean;
}

export interface ElectionInput {
  /** N: seats to fill. */
  readonly seats: number;
  /** The epoch whose boundary block gave the snapshot; its votes elect the set of `snapshotEpoch + 2`. */
  readonly snapshotEpoch: number;
  readonly candidates: readonly Candidate[];
  /** The set of `snapshotEpoch + 1`, which stays when the election is refused. */
  readonly current: ValidatorSet;
}

export interface Election {
  readonly set: ValidatorSet;
  /** Whether members or keys of the set differ from the current one's. */
  readonly changed: boolean;
  /** Why the old set stays although an election was due: fewer than 4, or than two thirds of the old. Say so loudly. */
  readonly refused: "TOO_FEW" | "TOO_SMALL" | undefined;
  /** Everybody, best first; those who may not be elected stand last. */
  readonly ranking: readonly RankedCandidate[];
}

/**
 * Elects the validators of an epoch from a snapshot of finalized state: the eligible with the greatest effective
 * weight, those on probation only where the others leave seats empty. Ties go to the fewest epochs served, then to the
 * lower node id. Pure, and the same for any order of the candidates.
 *
 * The set stands in the order of the ranking, but a set whose members and keys all stay keeps its numbering. Seats
 * that the members cut by more than a third go over several epochs, since a smaller set than two thirds of the old is
 * refused. A chain whose genesis has fewer than 4 seats holds no elections: its set stays.
 */
export function electSet({ seats, snapshotEpoch, candidates, current }: ElectionInput): Election {
  const ranked = candidates.map((candidate) => rank(candidate, snapshotEpoch)).sort(byRank);
  const stays = (refused: Election["refused"]): Election => result(current, false, refused, ranked);
  if (seats < limits.validatorsMin) return stays(undefined);

  const sizeMin = Math.ceil((2 * current.length) / 3);
  const seatsNow = Math.min(Math.max(seats, sizeMin), limits.validators);
  const elected = ranked.filter(({ reason }) => reason === undefined).slice(0, seatsNow);
  if (elected.length < limits.validatorsMin) return stays("TOO_FEW");
  if (elected.length < sizeMin) return stays("TOO_SMALL");

  const set = elected.map(({ candidate }) => ({ nodeId: candidate.nodeId, voteKey: candidate.voteKey! }));
  if (sameValidators(set, current)) return stays(undefined);
  return result(set, true, undefined, ranked);
}

interface Rank {
  readonly candidate: Candidate;
  readonly cappedTotal: number;
  readonly weight: number;
  readonly class: CreditClass | "banned";
  readonly reason: Ineligible | undefined;
}

function rank(candidate: Candidate, snapshotEpoch: number): Rank {
  // Ten bonds and a total times a credit may both pass 2^53; what comes out never does.
  const votes = BigInt(candidate.votes);
  const cap = BigInt(OWN_BOND_FACTOR) * BigInt(candidate.bond);
  const capped = votes < cap ? votes : cap;
  return {
    candidate,
    cappedTotal: Number(capped),
    weight: Number((capped * BigInt(candidate.credit)) / 1000n),
    class: candidate.banned ? "banned" : classOf(candidate.credit),
    reason: ineligibleFor(candidate, snapshotEpoch),
  };
}

function ineligibleFor(candidate: Candidate, snapshotEpoch: number): Ineligible | undefined {
  if (candidate.banned) return "BANNED";
  if (candidate.voteKey === undefined) return "UNREGISTERED";
  if (candidate.resigned) return "RESIGNED";
  return candidate.readyEpoch === snapshotEpoch ? undefined : "NOT_READY";
}

/** 0 for who may be elected, 1 on probation, 2 for who may not. */
const tierOf = (each: Rank): number => (each.reason !== undefined ? 2 : each.class === "probation" ? 1 : 0);

function byRank(left: Rank, right: Rank): number {
  return (
    tierOf(left) - tierOf(right) ||
    right.weight - left.weight ||
    left.candidate.epochsServed - right.candidate.epochsServed ||
    (toHex(left.candidate.nodeId) < toHex(right.candidate.nodeId) ? -1 : 1)
  );
}

function sameValidators(left: ValidatorSet, right: ValidatorSet): boolean {
  if (left.length !== right.length) return false;
  const keys = new Map(right.map(({ nodeId, voteKey }) => [toHex(nodeId), voteKey]));
  return left.every(({ nodeId, voteKey }) => {
    const key = keys.get(toHex(nodeId));
    return key !== undefined && equalBytes(key, voteKey);
  });
}

function result(
  set: ValidatorSet,
  changed: boolean,
  refused: Election["refused"],
  ranked: readonly Rank[],
): Election {
  const seated = new Set(set.map(({ nodeId }) => toHex(nodeId)));
  const ranking = ranked.map(({ candidate: { nodeId }, cappedTotal, weight, class: each, reason }) => ({
    nodeId,
    cappedTotal,
    weight,
    class: each,
    eligible: reason === undefined,
    reason,
    seated: seated.has(toHex(nodeId)),
  }));
  return { set, changed, refused, ranking };
}
