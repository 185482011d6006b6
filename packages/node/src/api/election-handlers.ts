import type * as views from "@consilium/client";
import { memberName } from "@consilium/client";
import { electSet } from "@consilium/consensus";
import { ConsiliumError, equalBytes, toHex } from "@consilium/crypto";
import { candidatesOf, queries } from "@consilium/ledger";
import {
  decodeStrict,
  digestOf,
  SignedTransaction,
  type StateReader,
  transactionIdOf,
} from "@consilium/protocol";
import type { ApiPorts } from "./ports.js";
import { type Handlers, numberOf } from "./router.js";

type ElectionRoute = "block" | "epoch" | "delegates" | "candidates";

/** Who agrees on the chain, who would, and what was agreed: the same for everybody. */
export function electionHandlers({ alliance }: Pick<ApiPorts, "alliance">): Pick<Handlers, ElectionRoute> {
  const epochOf = (text: string | undefined): number =>
    text === undefined
      ? queries.presentEpoch(alliance.state())
      : numberOf(text, "epoch", 0, Number.MAX_SAFE_INTEGER);
  return {
    block: async ({ parameters }) => {
      const height = numberOf(parameters.height, "height", 0, Number.MAX_SAFE_INTEGER);
      const block = alliance.blockAt(height);
      if (block === undefined)
        throw new ConsiliumError("BLOCK_UNKNOWN", "No final block of this height is kept here.", { height });
      return blockView(block);
    },
    epoch: async ({ parameters }) => {
      const state = alliance.state();
      const info = queries.epochInfo(state, epochOf(parameters.epoch));
      if (info.validators.length === 0) throw unknownEpoch(info.epoch);
      return epochView(state, info, alliance.finalized().height);
    },
    delegates: async ({ parameters }) => {
      const epoch = epochOf(parameters.epoch);
      const delegates = delegateViews(alliance.state(), epoch);
      if (delegates.length === 0) throw unknownEpoch(epoch);
      return { epoch, delegates };
    },
    candidates: async () => {
      const state = alliance.state();
      return { epoch: queries.presentEpoch(state), candidates: candidateViews(state) };
    },
  };
}

function blockView({
  header,
  payload,
}: NonNullable<ReturnType<ApiPorts["alliance"]["blockAt"]>>): views.BlockView {
  const ids = payload.transactions.map((encoded) =>
    transactionIdOf(decodeStrict(SignedTransaction, encoded, "transaction").transaction),
  );
  return {
    height: header.height,
    digest: toHex(digestOf(header)),
    parentDigest: toHex(header.parentDigest),
    epoch: header.epoch,
    author: toHex(header.author),
    timeMs: header.timestampMs,
    parentStateRoot: toHex(header.stateRoot),
    transactions: ids.map(toHex),
  };
}

function epochView(state: StateReader, info: queries.EpochInfo, finalizedHeight: number): views.EpochView {
  const { epoch, lengthHeights, firstHeight, boundaryHeight, seats, entry } = info;
  const named = (nodes: readonly Uint8Array[]) =>
    nodes.map((node) => ({ node: toHex(node), name: memberName(state, node) }));
  const refusal = new TextDecoder().decode(entry?.refusal);
  return {
    ...{ epoch, presentEpoch: queries.presentEpoch(state), lengthHeights, firstHeight, boundaryHeight },
    ...{ finalizedHeight, seats, validators: named(info.validators) },
    nextValidators: info.nextValidators === undefined ? null : named(info.nextValidators),
    startedAtMs: entry?.startedAtMs ?? null,
    refusal: refusal === "" ? null : refusal,
  };
}

function delegateViews(state: StateReader, epoch: number): views.DelegateView[] {
  const isPresent = epoch === queries.presentEpoch(state);
  const set = queries.validatorSet(state, epoch) ?? [];
  return set.map(({ nodeId, voteKey }, index) => {
    const entry = queries.candidate(state, nodeId);
    return {
      index,
      node: toHex(nodeId),
      name: memberName(state, nodeId),
      voteKey: toHex(voteKey),
      stake: queries.memberOf(state, nodeId)?.stake ?? 0,
      credit: entry?.credit ?? null,
      epochsServed: entry?.epochsServed ?? 0,
      tally: isPresent ? tallyView(queries.creditTally(state, nodeId)) : null,
    };
  });
}

const tallyView = (tally: ReturnType<typeof queries.creditTally>): views.DelegateView["tally"] => ({
  proposalsFinalized: tally?.proposalsFinalized ?? 0,
  viewsNullified: tally?.viewsNullified ?? 0,
  votesIncluded: tally?.votesIncluded ?? 0,
  votesMissed: tally?.votesMissed ?? 0,
});

/** The election that the state of now would give; the real one waits for the boundary block. */
function candidateViews(state: StateReader): views.CandidateView[] {
  const candidates = candidatesOf(state);
  const { seats } = queries.electionState(state);
  const snapshotEpoch = queries.presentEpoch(state);
  const current =
    queries.validatorSet(state, snapshotEpoch + 1) ?? queries.validatorSet(state, snapshotEpoch);
  const { ranking } = electSet({ seats, snapshotEpoch, candidates, current: current ?? [] });
  return ranking.map((ranked) => {
    const candidate = candidates.find(({ nodeId }) => equalBytes(nodeId, ranked.nodeId))!;
    return {
      node: toHex(ranked.nodeId),
      name: memberName(state, ranked.nodeId),
      stake: candidate.bond,
      votes: candidate.votes,
      cappedVotes: ranked.cappedTotal,
      credit: candidate.credit,
      class: ranked.class,
      weight: ranked.weight,
      epochsServed: candidate.epochsServed,
      readyEpoch: candidate.readyEpoch ?? null,
      ineligible: ranked.reason ?? null,
      seated: ranked.seated,
    };
  });
}

const unknownEpoch = (epoch: number): ConsiliumError =>
  new ConsiliumError("EPOCH_UNKNOWN", "The validators of this epoch are not elected yet, or long past.", {
    epoch,
  });
