import { checkEvidenceWindow, electSet, type ValidatorSet } from "@consilium/consensus";
import { utf8 } from "@consilium/crypto";
import { ChainKind, type StateReader, ValidatorList } from "@consilium/protocol";
import type { BlockStart } from "../ledger.js";
import * as queries from "../queries.js";
import { ElectionState, EpochEntry } from "../state/election-values.js";
import { epochKey, keyOf, prefixes } from "../state/keys.js";
import type { StateWriter } from "../state/writer.js";
import { candidatesOf } from "./snapshot.js";

/** Epochs forgotten at once: more than begin, so that an old chain catches up without a long block. */
const PRUNED_EPOCHS_MAX = 8;

/**
 * What the first block of an epoch e does before everything else: it notes the seed of the order of proposers, writes
 * the set of e + 1, and forgets epochs past the evidence window.
 *
 * The set is elected from the state after the boundary block before, `parent`, and from nothing of this block: it is a
 * function of finalized state. That state holds all the boundary block did at its end (`epoch-end.ts`): the finished
 * epoch's credit, and what the members had decided.
 */
export function startEpoch(start: BlockStart): void {
  const { state, parent, header, epoch, emit } = start;
  const current = queries.validatorSet(parent, epoch);
  if (current === undefined) return;
  const { set, refusal, changed } = nextSet(start, current);
  state.putValue(epochKey(prefixes.validatorSet, epoch + 1), ValidatorList, [...set]);
  state.putValue(epochKey(prefixes.epoch, epoch), EpochEntry, {
    epoch,
    seed: header.parentDigest,
    startHeight: header.height,
    startedAtMs: queries.tip(parent).timestampMs,
    refusal: utf8(refusal),
  });
  forgetEpochs(state, epoch, header.timestampMs);
  const nodes = (of: ValidatorSet) => of.map(({ nodeId }) => nodeId);
  emit({ type: "epoch-started", epoch, height: header.height, validators: nodes(current) });
  if (refusal !== "") emit({ type: "election-refused", epoch: epoch + 1, reason: refusal });
  else emit({ type: "set-elected", epoch: epoch + 1, changed, validators: nodes(set) });
}

/** The set of the next epoch. Private chains hold no elections: their set stays. */
function nextSet(
  { chain, parent, epoch }: BlockStart,
  current: ValidatorSet,
): { readonly set: ValidatorSet; readonly refusal: string; readonly changed: boolean } {
  if (chain.kind !== ChainKind.alliance) return { set: current, refusal: "", changed: false };
  const { seats } = queries.electionState(parent);
  const candidates = candidatesOf(parent);
  const { set, refused, changed } = electSet({ seats, snapshotEpoch: epoch - 1, candidates, current });
  return { set, refusal: refused ?? "", changed };
}

function forgetEpochs(state: StateWriter, epoch: number, timestampMs: number): void {
  const before = queries.electionState(state);
  let { oldestEpoch } = before;
  const end = oldestEpoch + PRUNED_EPOCHS_MAX;
  while (oldestEpoch < end && !isPunishable(state, oldestEpoch, { epoch, timestampMs })) {
    state.delete(epochKey(prefixes.validatorSet, oldestEpoch));
    state.delete(epochKey(prefixes.epoch, oldestEpoch));
    oldestEpoch += 1;
  }
  if (oldestEpoch === before.oldestEpoch) return;
  state.putValue(keyOf(prefixes.election), ElectionState, { ...before, oldestEpoch });
}

/** Whether evidence of an epoch's votes counts in a block of this epoch and time, as far as its age goes. */
export function isPunishable(
  state: StateReader,
  voteEpoch: number,
  { epoch, timestampMs }: { readonly epoch: number; readonly timestampMs: number },
): boolean {
  const voteEpochEndMs = queries.epochEntry(state, voteEpoch + 1)?.startedAtMs;
  return checkEvidenceWindow({ voteEpoch, voteEpochEndMs, epoch, timestampMs }).kind === "valid";
}
