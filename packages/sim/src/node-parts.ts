import type { Effect, EngineConfig, EngineMessage, EpochContext, FinalizedTip } from "@consilium/consensus";
import { canSign, recordVote } from "@consilium/consensus";
import type { BlockHeader, Certificate } from "@consilium/protocol";
import type { SimulatedClock } from "./clock.js";
import type { SimulatedDisk } from "./disk.js";
import type { SimulatedNetwork, Wire } from "./network.js";
import type { SeededRandom } from "./random.js";
import type { SimulatedKeys } from "./signatures.js";
import type { MessageCheck } from "./verification.js";

/** What the checkers and the trace see, taken where it leaves a node and not from the engine's own state. */
export interface Observer {
  /** An effect is about to run, or the node crashed. */
  ran(node: number, what: Effect["kind"] | "crash"): void;
  sent(node: number, to: number, wire: Wire): void;
  assembled(node: number, certificate: Certificate): void;
  finalized(
    node: number,
    blocks: readonly { header: BlockHeader; digest: Uint8Array }[],
    finalization: Certificate,
  ): void;
  synced(
    node: number,
    blocks: readonly { header: BlockHeader; digest: Uint8Array }[],
    finalization: Certificate,
  ): void;
  fault(node: number, effect: Extract<Effect, { kind: "reportFault" }>): void;
}

/** The durable half of the signer, as a port: tests plant bugs here. */
export interface SafetyRules {
  canSign: typeof canSign;
  recordVote: typeof recordVote;
}

export const safetyRules: SafetyRules = { canSign, recordVote };

/** A Byzantine node runs the honest code and changes what leaves it. */
export interface Behaviour {
  readonly name: string;
  /** What is sent instead of a message to one peer. */
  outgoing(message: EngineMessage, to: number, node: BehaviourView): readonly Wire[];
}

export interface BehaviourView {
  readonly index: number;
  readonly validators: number;
  readonly keys: SimulatedKeys;
}

export interface NodeParts {
  readonly index: number;
  readonly config: EngineConfig;
  readonly epoch: EpochContext;
  readonly genesis: FinalizedTip;
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly keys: SimulatedKeys;
  readonly random: SeededRandom;
  readonly observer: Observer;
  readonly rules: SafetyRules;
  readonly behaviour: Behaviour | undefined;
  readonly clockSkewMs: number;
  readonly check: MessageCheck;
}
