import { createHash } from "node:crypto";
import { queries } from "@consilium/ledger";
import type { StateReader } from "@consilium/protocol";
import type { Checker, CheckerContext, SeenFinal, SeenValidator } from "./checker.js";
import { hexOf } from "./wire.js";

const INVARIANT = "validator sets";
const SEATS_MIN = 4;
const SEATS_MAX = 31;
/** A candidate's votes count up to that many times its own bond. */
const BOND_FACTOR = 10;
const PROBATION_BELOW = 300;

/**
 * Invariant 8: the validator set is a pure function of finalized state. All nodes know the same sets; a boundary block
 * commits to the next one; and each set is what the simulator's own election finds in the state two epochs before.
 */
export class ValidatorSets implements Checker {
  /** What the elections here found, by epoch; node ids in hex, sorted. */
  private readonly expected = new Map<number, readonly string[]>();
  private readonly sets = new Map<number, string>();

  constructor(
    private readonly context: CheckerContext,
    private readonly lengthHeights: number,
    private readonly readSet: (state: StateReader, epoch: number) => readonly SeenValidator[] | undefined,
  ) {}

  finalized({ node, height, event, state }: SeenFinal): void {
    const epoch = Math.floor((height - 1) / this.lengthHeights);
    for (const each of [epoch, epoch + 1]) this.compare(node, each, this.readSet(state, each));
    const isBoundary = height % this.lengthHeights === 0;
    const committed = hexOf(event.block.header.nextSetRoot);
    if (!isBoundary) {
      if (/[^0]/.test(committed))
        this.context.report(INVARIANT, `the block at height ${height} ends no epoch, and names a set`);
      return;
    }
    const next = this.context.setOf(epoch + 1);
    if (next !== undefined && rootOfSet(next) !== committed)
      this.context.report(
        INVARIANT,
        `the boundary block of epoch ${epoch} commits to another set than the next`,
      );
    if (queries.tip(state).height === height) this.elect(epoch, state);
  }

  private compare(node: number, epoch: number, set: readonly SeenValidator[] | undefined): void {
    if (set === undefined) return;
    const root = rootOfSet(set);
    const agreed = this.sets.get(epoch);
    this.sets.set(epoch, agreed ?? root);
    if (agreed !== undefined && agreed !== root)
      this.context.report(INVARIANT, `node ${node} knows another set of epoch ${epoch}`);
    const expected = this.expected.get(epoch);
    const members = set.map(({ nodeId }) => nodeId).sort();
    if (expected !== undefined && expected.join() !== members.join())
      this.context.report(INVARIANT, `the set of epoch ${epoch} is not what its snapshot elects`);
  }

  /** The set of the epoch after the next, from the state after a boundary block. */
  private elect(snapshotEpoch: number, state: StateReader): void {
    const target = snapshotEpoch + 2;
    if (this.expected.has(target)) return;
    const current = this.readSet(state, snapshotEpoch + 1);
    if (current === undefined) return;
    const members = current.map(({ nodeId }) => nodeId).sort();
    this.expected.set(target, electFrom(state, snapshotEpoch, members) ?? members);
  }
}

/** The elected, sorted by node id; undefined where the old set stays. */
function electFrom(
  state: StateReader,
  snapshotEpoch: number,
  current: readonly string[],
): string[] | undefined {
  const { seats } = queries.electionState(state);
  if (seats < SEATS_MIN) return undefined;
  const totals = voteTotals(state);
  const standing = queries.members(state).flatMap(({ nodeKey, stake }) => {
    const entry = queries.candidate(state, nodeKey);
    const isUp = entry?.readyEpoch === snapshotEpoch;
    if (entry === undefined || entry.bannedHeight > 0 || entry.standing !== 1 || !isUp) return [];
    const counted = Math.min(totals.get(hexOf(nodeKey)) ?? 0, BOND_FACTOR * stake);
    const weight = Math.floor((counted * entry.credit) / 1_000);
    const last = entry.credit < PROBATION_BELOW ? 1 : 0;
    return [{ name: hexOf(nodeKey), weight, last, served: entry.epochsServed }];
  });
  standing.sort(
    (left, right) =>
      left.last - right.last ||
      right.weight - left.weight ||
      left.served - right.served ||
      (left.name < right.name ? -1 : 1),
  );
  const least = Math.ceil((2 * current.length) / 3);
  const elected = standing.slice(0, Math.min(SEATS_MAX, Math.max(seats, least))).map(({ name }) => name);
  return elected.length < Math.max(SEATS_MIN, least) ? undefined : elected.sort();
}

/** Stake votes for each candidate; nobody spreads more than its bond. */
function voteTotals(state: StateReader): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { nodeKey, stake } of queries.members(state)) {
    let left = stake;
    for (const vote of queries.stakeVotes(state, nodeKey)) {
      const counted = Math.min(left, vote.stake);
      left -= counted;
      const name = hexOf(vote.candidate);
      totals.set(name, (totals.get(name) ?? 0) + counted);
    }
  }
  return totals;
}

/** SHA-256 of length-prefixed domain and tag, the count, and each node id and vote key. */
function rootOfSet(set: readonly SeenValidator[]): string {
  const tag = Buffer.from("CONSILIUM-V01-CS01-VALIDATOR-SET");
  const hash = createHash("sha256").update(Uint8Array.of(tag.length)).update(tag);
  hash.update(Uint8Array.of(set.length >> 8, set.length & 0xff));
  for (const { nodeId, voteKey } of set) hash.update(Buffer.from(nodeId, "hex")).update(voteKey);
  return hash.digest("hex");
}
