import {
  addFacts,
  type ClosedView,
  closeViews,
  proposerOfView,
  proposerOrder,
  type ValidatorSet,
} from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import { toView } from "@consilium/protocol";
import type { BlockStart } from "../ledger.js";
import * as queries from "../queries.js";
import { OpenViews } from "../state/election-values.js";
import { keyOf, prefixes } from "../state/keys.js";
import { Tallies } from "./tallies.js";

/**
 * Takes a block's facts and its author into the running epoch's tallies. The facts were verified by the block's voters;
 * what tells nothing new, or speaks of views that no longer count or not yet, is without effect.
 */
export function countFacts({ state, header, facts, epoch }: BlockStart): void {
  const sets = new Map<number, ValidatorSet | undefined>();
  const setOf = (of: number): ValidatorSet | undefined => {
    if (!sets.has(of)) sets.set(of, queries.validatorSet(state, of));
    return sets.get(of);
  };
  const { height } = header;
  const before = queries.openViews(state);
  const views = addFacts(before, facts, { height, epoch, setOf });
  const { tally, closed } = closeViews(views, { height, setOf });
  if (tally !== before)
    state.putValue(keyOf(prefixes.openViews), OpenViews, { ...tally, open: [...tally.open] });

  const tallies = new Tallies(state);
  const author = toHex(header.author);
  if (setOf(epoch)?.some(({ nodeId }) => toHex(nodeId) === author))
    tallies.count(header.author, "proposalsFinalized");
  for (const view of closed) countView(tallies, view, setOf(view.epoch)!, seedOf(state, view.epoch));
  tallies.store(state);
}

const seedOf = (state: BlockStart["state"], epoch: number): Uint8Array | undefined =>
  queries.epochEntry(state, epoch)?.seed;

/** What a closed view says of its validators. */
function countView(
  tallies: Tallies,
  view: ClosedView,
  set: ValidatorSet,
  seed: Uint8Array | undefined,
): void {
  for (const index of view.voted) tallies.count(set[index]!.nodeId, "votesIncluded");
  for (const index of view.missed) tallies.count(set[index]!.nodeId, "votesMissed");
  if (!view.proposerFailed || seed === undefined) return;
  const proposer = proposerOfView(proposerOrder(seed, set.length), toView(view.view));
  tallies.count(set[proposer]!.nodeId, "viewsNullified");
}
