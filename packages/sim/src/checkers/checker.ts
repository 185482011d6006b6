import type { FinalizedBlockEvent } from "@consilium/driver";
import type { StateReader } from "@consilium/protocol";
import type { SeenCertificate, SeenHeader, SeenVote } from "./wire.js";

/** One validator of an epoch as the checkers know it, hex. */
export interface SeenValidator {
  readonly nodeId: string;
  readonly voteKey: Uint8Array;
}

/** A block that became final on an honest node. */
export interface SeenFinal {
  readonly node: number;
  readonly height: number;
  /** The simulator's own hash of the header. */
  readonly digest: string;
  readonly event: FinalizedBlockEvent;
  /** The node's state after it; it moves on with the node. */
  readonly state: StateReader;
  readonly nowMs: number;
}

/** What one invariant's checker listens to. Everything comes from honest nodes only, whatever misbehaves around them. */
export interface Checker {
  /** A vote leaves a node, also inside a proposal. */
  vote?(node: number, vote: SeenVote): void;
  /** A certificate leaves a node, or proves a finalization. Each distinct one once. */
  certificate?(certificate: SeenCertificate): void;
  proposal?(node: number, header: SeenHeader, vote: SeenVote): void;
  finalized?(final: SeenFinal): void;
  /** At the end of a run. */
  finish?(): void | Promise<void>;
}

/** What checkers share. */
export interface CheckerContext {
  report(invariant: string, sentence: string): void;
  /** The validators of an epoch in the order of their vote indices, once some honest node's state has them. */
  setOf(epoch: number): readonly SeenValidator[] | undefined;
  honest(machine: number): boolean;
  /** Node id of a machine, hex. */
  nameOf(machine: number): string;
  /** Whether a member's every machine is honest. */
  honestMember(nodeId: string): boolean;
}

/** Votes that make a quorum among n: more than two thirds. */
export const isQuorum = (votes: number, n: number): boolean => 3 * votes > 2 * n;
