import { nextCredit } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import type { BlockEnd } from "../ledger.js";
import * as queries from "../queries.js";
import { CandidateEntry } from "../state/election-values.js";
import { keyOf, prefixes } from "../state/keys.js";
import { applyProposals } from "./governance.js";
import { Tallies } from "./tallies.js";

/**
 * What a boundary block does after its transactions: the epoch's tallies become credit, its validators have served one
 * epoch more, and what the members decided takes effect. The state after it is the snapshot from which the set after
 * the next is elected.
 */
export function endEpoch(end: BlockEnd): void {
  const { state, epoch } = end;
  const seated = new Set(queries.validators(state, epoch).map(toHex));
  const tallies = new Tallies(state);
  for (const { nodeKey } of queries.everyMember(state)) {
    const before = queries.candidate(state, nodeKey);
    if (before === undefined) continue;
    const credit = nextCredit(before.credit, tallies.of(nodeKey), { epoch });
    const epochsServed = before.epochsServed + (seated.has(toHex(nodeKey)) ? 1 : 0);
    if (credit === before.credit && epochsServed === before.epochsServed) continue;
    const after = { ...before, credit, epochsServed };
    state.putValue(keyOf(prefixes.candidate, nodeKey), CandidateEntry, after);
  }
  Tallies.clear(state);
  applyProposals(end);
}
