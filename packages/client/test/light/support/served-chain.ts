import { prove } from "@consilium/ledger";
import { type Handover, limits, type StateReader } from "@consilium/protocol";
import type { ClaimedHead, ClaimedState, LightSource } from "../../../src/index.js";

/** A final block as a node could prove things by it. */
export interface ServedBlock extends ClaimedHead {
  /** The state after the parent, which the header's root commits to. */
  readonly state: StateReader;
}

/** What an honest node serves of a chain, at its tip or as it was at an earlier height. */
export class HonestSource implements LightSource {
  /** Keys that were asked for. */
  keysAsked = 0;

  constructor(
    readonly name: string,
    readonly blocks: readonly ServedBlock[],
    readonly handoverList: readonly Handover[],
    /** Height that the node has reached; the tip when absent. */
    public height?: number,
  ) {}

  get tip(): ServedBlock {
    return this.blocks[(this.height ?? this.blocks.length) - 1]!;
  }

  async head(): Promise<ClaimedHead> {
    const { header, finalization } = this.tip;
    return { header, finalization };
  }

  async handovers(fromEpoch: number, count: number): Promise<readonly Handover[]> {
    const { height } = this.tip.header;
    const end = fromEpoch + Math.min(count, limits.handoversPerResponse);
    return this.handoverList.slice(fromEpoch, end).filter(({ header }) => header.height <= height);
  }

  async state(keys: readonly Uint8Array[]): Promise<ClaimedState> {
    const { header, finalization, state } = this.tip;
    this.keysAsked += keys.length;
    const values = keys.map((key) => ({ value: state.get(key), proof: prove(state, key) }));
    return { header, finalization, values };
  }
}

/** A node that answers as another does, but for what a test changes. */
export function lying(
  source: LightSource,
  name: string,
  lies: Partial<LightSource>,
): { -readonly [Part in keyof LightSource]: LightSource[Part] } {
  return {
    name,
    head: () => source.head(),
    handovers: (fromEpoch, count) => source.handovers(fromEpoch, count),
    state: (keys) => source.state(keys),
    ...lies,
  };
}
