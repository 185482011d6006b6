import { checkEvidenceWindow, verifyEvidence } from "@consilium/consensus";
import { ConsiliumError } from "@consilium/crypto";
import { EvidenceConsensus, TransactionKind } from "@consilium/protocol";
import { changeCandidate, changeMember } from "../elections/governance.js";
import * as queries from "../queries.js";
import { ensure, ensureValid, type Rule, type RuleContext, refuse } from "../rules.js";
import { ConvictionEntry } from "../state/election-values.js";
import { convictionKey, prefixes } from "../state/keys.js";

const NONE = new Uint8Array(0);

/** A conviction takes this part of the bond, at least one unit while there is one. */
export const convictionShare = { numerator: 1n, denominator: 10n } as const;

/**
 * Two votes of one validator that no honest node signs both. Its node loses stake and is banned from the next snapshot
 * on; a set that sits or is elected stays as it is. Whoever has left is convicted as well, while its bond is locked.
 */
export const evidenceConsensus: Rule<EvidenceConsensus, Uint8Array> = {
  kind: TransactionKind.evidenceConsensus,
  payload: EvidenceConsensus,
  sender: "member",
  costly: true,

  async check(context) {
    const { payload, state } = context;
    const { first, second } = payload;
    ensure(first.epoch === second.epoch, "EVIDENCE_NO_CONTRADICTION");
    checkAge(context);
    const set = queries.validatorSet(state, first.epoch);
    if (set === undefined) refuse("EVIDENCE_TOO_OLD");
    const accused = set[first.validator]?.nodeId;
    // What is cheap to see comes before two pairings.
    const isRepeated = accused !== undefined && queries.conviction(state, accused, first.epoch) !== undefined;
    ensure(!isRepeated, "EVIDENCE_REPEATED");
    const { chainId } = context.chain;
    const verdict = await verifyEvidence(verifierOf(context), chainId, set, first, second);
    return set[ensureValid(verdict)]!.nodeId;
  },

  async apply({ payload, state, sender, id, block, emit }, node) {
    const { epoch, view, kind } = payload.first;
    const { stake } = queries.memberOf(state, node)!;
    const stakeLost = stakeLostOf(stake);
    changeMember(state, node, { stake: stake - stakeLost });
    changeCandidate(state, node, { bannedHeight: block.height });
    const key = convictionKey(node, epoch);
    state.putValue(key, ConvictionEntry, {
      ...{ node, epoch, view, firstKind: kind, secondKind: payload.second.kind },
      ...{ transactionId: id, reporter: sender!.member, stakeLost },
      ...{ height: block.height, timestampMs: block.timestampMs },
    });
    state.append(prefixes.convictions, NONE, key);
    state.append(prefixes.convictionsOfMember, node, key);
    emit({ type: "validator-convicted", node, epoch, view, stakeLost });
    return "OK";
  },
};

/** What a conviction takes from a bond. */
export function stakeLostOf(stake: number): number {
  const part = (BigInt(stake) * convictionShare.numerator) / convictionShare.denominator;
  return Math.min(stake, Math.max(1, Number(part)));
}

function checkAge({ payload, state, epoch, block }: RuleContext<EvidenceConsensus>): void {
  const voteEpoch = payload.first.epoch;
  const voteEpochEndMs = queries.epochEntry(state, voteEpoch + 1)?.startedAtMs;
  const { timestampMs } = block;
  ensureValid(checkEvidenceWindow({ voteEpoch, voteEpochEndMs, epoch, timestampMs }));
}

function verifierOf({ verifier }: RuleContext<unknown>) {
  if (verifier !== undefined) return verifier;
  const sentence = "Give the alliance ledger a vote verifier: it cannot judge evidence without one.";
  throw new ConsiliumError("LEDGER_NO_VERIFIER", sentence);
}
