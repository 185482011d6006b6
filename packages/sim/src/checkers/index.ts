import type { FinalizedBlockEvent } from "@consilium/driver";
import type { Application } from "@consilium/ledger";
import type { Genesis } from "@consilium/protocol";
import { Findings } from "./findings.js";

export interface CheckersOptions {
  readonly genesis: Genesis;
  readonly application: Application;
  readonly machines: number;
  readonly honest: (machine: number) => boolean;
  readonly names: readonly string[];
}
export class Checkers {
  readonly findings = new Findings();
  private readonly heights: number[];
  constructor(options: CheckersOptions) {
    this.heights = Array.from({ length: options.machines }, () => 0);
  }
  sent(_from: number, _message: Uint8Array): void {}
  crashed(_node: number): void {}
  finalized(node: number, event: FinalizedBlockEvent, _nowMs: number): void {
    this.heights[node] = event.tip.height;
  }
  heightOf(node: number): number {
    return this.heights[node]!;
  }
}
