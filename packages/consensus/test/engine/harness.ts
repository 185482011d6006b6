import { fromHex } from "@consilium/crypto";
import {
  BLOCK_VERSION,
  type BlockHeader,
  type Certificate,
  digestOf,
  type Proposal,
  toEpoch,
  toHeight,
  toView,
  type Vote,
  VoteKind,
  type VoteSubject,
  valid,
  ZERO_32,
} from "@consilium/protocol";
import {
  createState,
  type Effect,
  type EngineConfig,
  type EpochContext,
  type FinalizedTip,
  type Input,
  type State,
  step,
  type TimerKind,
} from "../../src/engine/index.js";

export const chainId = new Uint8Array(32).fill(7);
export const nodeId = (index: number): string => (index + 16).toString(16).repeat(32);
export const genesis: FinalizedTip = {
  digest: new Uint8Array(32).fill(1),
  height: toHeight(0),
  timestampMs: 1_000,
  view: toView(0),
  finalization: undefined,
};
export const DELTA_MS = 100;

/** An epoch of `count` validators that propose in the order of their indices; long unless told otherwise. */
export const epochOf = (count: number, lastHeight = 1_000, epoch = 0): EpochContext => {
  const indices = Array.from({ length: count }, (_, index) => index);
  return {
    epoch: toEpoch(epoch),
    validators: indices.map(nodeId),
    proposerOrder: indices,
    lastHeight: toHeight(lastHeight),
  };
};

type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;
type Restored = Extract<Input, { kind: "restored" }>;

/** One engine of a set of `count`; validator i proposes the views i + 1, i + 1 + count, … */
export class Bench {
  readonly state: State;
  /** Effects of the last step. */
  effects: readonly Effect[] = [];

  constructor(
    readonly self: number,
    readonly count = 4,
    restored: Partial<Restored> = {},
    config: Partial<EngineConfig> = {},
  ) {
    this.state = createState({
      chainId,
      self: nodeId(self),
      deltaMs: DELTA_MS,
      blockIntervalMs: 10,
      heartbeatMs: 1_000,
      inactivityViews: 3,
      blockPayloadBytes: 2 ** 21,
      ...config,
    });
    const nothing = { certificates: [], headers: [], ownVotes: [], mayVote: true };
    this.feed({ kind: "restored", epoch: epochOf(count), tip: genesis, ...nothing, ...restored });
  }

  feed(input: Input): readonly Effect[] {
    this.effects = step(this.state, input).effects;
    return this.effects;
  }

  of<Kind extends Effect["kind"]>(kind: Kind): EffectOf<Kind>[] {
    return this.effects.filter((effect): effect is EffectOf<Kind> => effect.kind === kind);
  }

  /** Kinds of the votes that the last step asks the signer for. */
  get signed(): string[] {
    const names = { 1: "notarize", 2: "nullify", 3: "finalize" };
    return this.of("sign").map(({ subject }) => `${names[subject.kind as VoteKind]} ${subject.view}`);
  }

  /** Milliseconds of the timers that the last step set. */
  get timers(): Record<string, number> {
    return Object.fromEntries(this.of("setTimer").map(({ timer, delayMs }) => [timer, delayMs]));
  }

  timer(timer: TimerKind, view: number = this.state.view): readonly Effect[] {
    return this.feed({ kind: "timeout", epoch: this.state.epoch.epoch, view: toView(view), timer });
  }

  certificate(certificate: Certificate, from = 3): readonly Effect[] {
    return this.feed({ kind: "certificate", certificate, from: nodeId(from) });
  }

  vote(vote: Vote): readonly Effect[] {
    return this.feed({ kind: "vote", vote, from: nodeId(vote.validator) });
  }

  propose(proposal: Proposal): readonly Effect[] {
    return this.feed({ kind: "proposal", proposal, from: nodeId(proposal.vote.validator) });
  }

  /** The signer agrees to everything the last step asked for. */
  sign(): readonly Effect[] {
    const all: Effect[] = [];
    for (const { subject } of this.of("sign"))
      all.push(...this.feed({ kind: "signed", subject, vote: voteBy(this.self, subject) }));
    this.effects = all;
    return all;
  }

  checked(block: BlockHeader, view: number): readonly Effect[] {
    const digest = digestOf(block);
    return this.feed({
      kind: "payloadChecked",
      epoch: this.state.epoch.epoch,
      view: toView(view),
      digest,
      verdict: valid(undefined),
    });
  }

  built(header: BlockHeader): readonly Effect[] {
    return this.feed({ kind: "payloadBuilt", epoch: this.state.epoch.epoch, view: this.state.view, header });
  }
}

export const voteBy = (validator: number, subject: VoteSubject): Vote => ({
  ...subject,
  validator,
  signature: new Uint8Array(96),
});

export const notarize = (view: number, block: BlockHeader, parentView: number): VoteSubject => ({
  kind: VoteKind.notarize,
  epoch: 0,
  view,
  parentView,
  digest: digestOf(block),
});
export const finalize = (view: number, block: BlockHeader, parentView: number): VoteSubject => ({
  ...notarize(view, block, parentView),
  kind: VoteKind.finalize,
});
export const nullify = (view: number): VoteSubject => ({
  kind: VoteKind.nullify,
  epoch: 0,
  view,
  parentView: 0,
  digest: ZERO_32,
});

/** The engine is given certificates that were verified, so who signed one matters only where a test says so. */
export const certify = (subject: VoteSubject, bitmap = 0): Certificate => ({
  ...subject,
  bitmap: Uint8Array.of(bitmap),
  signature: new Uint8Array(96),
});

/** A block of the proposer of `view` on a parent (genesis when absent). */
export function blockOf(
  view: number,
  parent?: BlockHeader,
  change: Partial<BlockHeader> = {},
  count = 4,
): BlockHeader {
  return {
    version: BLOCK_VERSION,
    chainId,
    epoch: 0,
    height: (parent?.height ?? 0) + 1,
    parentDigest: parent === undefined ? genesis.digest : digestOf(parent),
    author: fromHex(nodeId((view - 1) % count)),
    timestampMs: (parent?.timestampMs ?? genesis.timestampMs) + 10,
    payloadRoot: ZERO_32,
    stateRoot: ZERO_32,
    nextSetRoot: ZERO_32,
    ...change,
  };
}

export function proposalOf(
  view: number,
  header: BlockHeader,
  parentView = 0,
  change: Partial<Proposal> = {},
): Proposal {
  const vote = voteBy((view - 1) % 4, notarize(view, header, parentView));
  return { header, vote, parentCertificate: null, nullifications: [], ...change };
}
