import { toHex } from "@consilium/crypto";
import {
  type BlockHeader,
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
import type { BlockReference, Effect, EngineConfig, KnownBlock, Slot, State } from "./types.js";

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
  const full = state.config.blockPayloadBytes;
  return Math.max(Math.min(PAYLOAD_BYTES_MIN, full), Math.floor(full / 2 ** state.backoffSteps));
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

/** A finalization undoes one step of back-off. */
export function undoBackoff(state: State): void {
  state.failedViews = 0;
  state.backoffSteps = Math.max(0, state.backoffSteps - 1);
}

/** A block that is notarized but not final. */
export function hasUnfinalized(state: State): boolean {
  for (const slot of state.slots.values()) if (slot.notarization !== undefined) return true;
  return false;
}

/** Whether a block of this height ends the epoch. */
export const isBoundary = (state: State, height: number): boolean => height === state.epoch.lastHeight;

/** Once the boundary block is final nothing is left to agree on in this epoch: the engine idles until `newEpoch`. */
export const isEpochOver = (state: State): boolean => state.tip.height >= state.epoch.lastHeight;
