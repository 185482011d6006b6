import { equalBytes, toHex } from "@consilium/crypto";
import {
  type BlockHeader,
  type Certificate,
  digestOf,
  type HexId,
  limits,
  quorumOf,
  toEpoch,
  toHeight,
  toView,
  type View,
  ZERO_32,
} from "@consilium/protocol";
import type { BlockReference, Effect, EngineConfig, EpochContext, KnownBlock, Slot, State } from "./types.js";

/** Votes and proposals further ahead of the own view than this are dropped; certificates close the gap instead. */
export const FUTURE_VIEWS_MAX = 32;
/** A finalization further above the tip than this is synced by range rather than fetched block by block. */
export const FETCHED_BLOCKS_MAX = 16;
export const DELTA_MS_MAX = 60_000;
export const PAYLOAD_BYTES_MIN = 64 * 1024;
export const BACKOFF_STEPS_MAX = 16;
/** Rebroadcast and retry pauses grow to this many times Δ and no further, so that healing is noticed within a bound. */
export const PAUSE_DELTAS_MAX = 8;

/** The state being changed and the effects gathered so far by one step. */
export interface Run {
  readonly state: State;
  readonly effects: Effect[];
}

/** The state before `restored`, which must be the first input. */
export function createState(config: EngineConfig): State {
  return {
    config,
    epoch: { epoch: toEpoch(0), validators: [], proposerOrder: [], lastHeight: toHeight(0) },
    selfIndex: undefined,
    mayVote: false,
    started: false,
    view: toView(0),
    tip: { digest: ZERO_32, height: toHeight(0), timestampMs: 0, view: toView(0), finalization: undefined },
    slots: new Map(),
    blocks: new Map(),
    pendingFinalization: undefined,
    syncing: false,
    syncStalled: false,
    work: false,
    intervalPassed: false,
    heartbeatPassed: false,
    timersStarted: false,
    proposing: "no",
    buildParentView: toView(0),
    stuck: false,
    rebroadcasts: 0,
    retryArmed: false,
    retries: 0,
    wantedBodies: new Set(),
    wantedViews: undefined,
    failedViews: 0,
    backoffSteps: 0,
    lastSignedView: [],
    historyFromView: toView(0),
  };
}

/** Takes on a set: who this node is in it, whether it may vote, and no history of anybody yet. */
export function takeSeat(state: State, epoch: EpochContext, mayVote: boolean): void {
  state.epoch = epoch;
  const index = epoch.validators.indexOf(state.config.self);
  state.selfIndex = index < 0 ? undefined : index;
  state.mayVote = mayVote;
  state.lastSignedView.splice(0, Number.POSITIVE_INFINITY, ...epoch.validators.map(() => 0));
}

/** The slot of a view above the tip, made on first use. */
export function slotAt(state: State, view: number): Slot {
  const known = state.slots.get(view);
  if (known !== undefined) return known;
  const slot: Slot = {
    view: toView(view),
    notarizeVotes: new Map(),
    nullifyVotes: new Map(),
    finalizeVotes: new Map(),
    notarization: undefined,
    nullification: undefined,
    finalization: undefined,
    proposal: undefined,
    proposalFrom: "",
    check: "none",
    own: {},
    assembling: new Set(),
    equivocators: new Set(),
  };
  state.slots.set(view, slot);
  return slot;
}

export const quorum = (state: State): number => quorumOf(state.epoch.validators.length);

/** Index of the proposer of a view. */
export function proposerOf(state: State, view: number): number {
  const order = state.epoch.proposerOrder;
  return order[(view - 1) % order.length] ?? 0;
}

export const isProposer = (state: State, view: View): boolean =>
  state.selfIndex !== undefined && proposerOf(state, view) === state.selfIndex;

export const nodeIdOf = (state: State, validator: number): HexId => state.epoch.validators[validator] ?? "";

/** Δ after adapting. */
export const deltaMs = (state: State): number =>
  Math.min(Math.max(DELTA_MS_MAX, state.config.deltaMs), state.config.deltaMs * 2 ** state.backoffSteps);

/** A pause that doubles with each attempt, from Δ up to a bounded number of Δ. */
export const pauseMs = (state: State, attempts: number): number =>
  deltaMs(state) * Math.min(2 ** attempts, PAUSE_DELTAS_MAX);

/** What a builder may fill: halves while views fail, and is nothing while too many blocks wait for finality. */
export function payloadBytesMax(state: State, parent: BlockReference): number {
  if (parent.height - state.tip.height >= limits.unfinalizedBlocks) return 0;
  return builtBytesMax(state);
}

function builtBytesMax({ config, backoffSteps }: State): number {
  const full = config.blockPayloadBytes;
  return Math.max(Math.min(PAYLOAD_BYTES_MIN, full), Math.floor(full / 2 ** backoffSteps));
}

/** Remembers a header; a body that is here stays here. */
export function learnBlock(
  state: State,
  header: BlockHeader,
  bodyHere: boolean,
  digest: Uint8Array = digestOf(header),
): KnownBlock {
  const key = toHex(digest);
  const block = state.blocks.get(key) ?? { header, digest, bodyHere };
  block.bodyHere ||= bodyHere;
  state.blocks.set(key, block);
  return block;
}

export const blockOf = (state: State, digest: Uint8Array): KnownBlock | undefined =>
  state.blocks.get(toHex(digest));

export const referenceTo = (block: KnownBlock): BlockReference => ({
  digest: block.digest,
  height: toHeight(block.header.height),
  timestampMs: block.header.timestampMs,
});

/** Remembers that a validator signed something in a view, late votes included. */
export function noteSigner(state: State, validator: number, view: number): void {
  const last = state.lastSignedView[validator] ?? 0;
  if (view > last) state.lastSignedView[validator] = view;
}

/** True when the proposer signed nothing in the last r views, all of which are known history. */
export function isInactive(state: State, validator: number): boolean {
  const oldest = state.view - state.config.inactivityViews;
  return oldest >= state.historyFromView && (state.lastSignedView[validator] ?? 0) < oldest;
}

/** A failed view: n of them are a step of back-off, until Δ and the payload have both reached their limits. */
export function countFailedView(state: State): void {
  state.failedViews += 1;
  const isStep = state.failedViews % Math.max(1, state.epoch.validators.length) === 0;
  if (isStep && !isBackedOff(state)) state.backoffSteps += 1;
}

/** Further steps would change nothing and would each take a finalization to undo. */
const isBackedOff = (state: State): boolean =>
  state.backoffSteps >= BACKOFF_STEPS_MAX ||
  (deltaMs(state) >= DELTA_MS_MAX && builtBytesMax(state) <= PAYLOAD_BYTES_MIN);

/** A finalization undoes one step of back-off. */
export function undoBackoff(state: State): void {
  state.failedViews = 0;
  state.backoffSteps = Math.max(0, state.backoffSteps - 1);
}

/** A block that is notarized but not final. A block that repeats may be final by an earlier view's certificate. */
export function hasUnfinalized(state: State): boolean {
  for (const { notarization } of state.slots.values()) {
    if (notarization !== undefined && !equalBytes(notarization.digest, state.tip.digest)) return true;
  }
  return false;
}

/** Whether a block of this height ends the epoch. */
export const isBoundary = (state: State, height: number): boolean => height === state.epoch.lastHeight;

/** Once the boundary block is final nothing is left to agree on in this epoch: the engine idles until `newEpoch`. */
export const isEpochOver = (state: State): boolean => state.tip.height >= state.epoch.lastHeight;

/** The boundary block's finalization is here, though perhaps not yet all blocks below it: no vote changes that. */
export function isEpochDecided(state: State): boolean {
  const decided = state.pendingFinalization && blockOf(state, state.pendingFinalization.digest);
  return isEpochOver(state) || (decided !== undefined && isBoundary(state, decided.header.height));
}

/** Whether a certificate's list of signers has this validator: bit i of the little-endian bitmap is validator i. */
export const namesValidator = ({ bitmap }: Certificate, validator: number): boolean =>
  (((bitmap[validator >> 3] ?? 0) >> (validator & 7)) & 1) === 1;
