import { followHandovers, type VoteVerifier } from "@consilium/consensus";
import {
  decodeStrict,
  type Handover,
  HandoversRequest,
  HandoversResponse,
  type Log,
  limits,
  RequestProtocol,
} from "@consilium/protocol";
import { type ChainStore, handoverChange } from "../store/chain-store.js";
import type { PeerClient } from "./peer-client.js";
import type { EpochSets } from "./range-source.js";

const HANDOVERS_TIMEOUT_MS = 5_000;
/** Peers that must have nothing newer before that is believed: one may keep a hand-over back. */
const PEERS_ASKED_MAX = 4;

export interface HandoverSyncOptions {
  readonly chainId: Uint8Array;
  readonly epochs: EpochSets;
  readonly store: Pick<ChainStore, "handover" | "write">;
  readonly verifier: VoteVerifier;
  readonly client: PeerClient;
  readonly log: Log;
  readonly stopped: () => boolean;
}

/** Learns by proofs alone which validators sit now: each set finalized the boundary block that names the next. */
export class HandoverSync {
  constructor(private readonly options: HandoverSyncOptions) {}

  /**
   * Follows hand-overs from an epoch whose set is known; the newest epoch whose set is proven. What holds is kept in the
   * store, so that a restart goes on from there.
   */
  async run(fromEpoch: number): Promise<number> {
    const { store, client, log, stopped } = this.options;
    let epoch = fromEpoch;
    while (store.handover(epoch) !== undefined) epoch += 1;
    const first = epoch;
    const asked = new Set<string>();
    while (asked.size < PEERS_ASKED_MAX && !stopped()) {
      const peer = client.peers().find((each) => !asked.has(each));
      if (peer === undefined) break;
      const reached = await this.follow(peer, epoch);
      if (reached > epoch) asked.clear();
      else asked.add(peer);
      epoch = reached;
    }
    if (epoch > first) log.info({ fromEpoch: first, epoch }, "hand-overs followed");
    return epoch;
  }

  /** Takes one batch from one peer; the epoch it leads to. */
  private async follow(peer: string, epoch: number): Promise<number> {
    const { chainId, epochs, verifier, client } = this.options;
    const set = epochs.setOf(epoch);
    if (set === undefined) return epoch;
    const request = HandoversRequest.serialize({ fromEpoch: epoch, count: limits.handoversPerResponse });
    const decode = (answer: Uint8Array) => decodeStrict(HandoversResponse, answer, "hand-overs").handovers;
    const handovers = await client.ask(
      peer,
      RequestProtocol.handovers,
      request,
      HANDOVERS_TIMEOUT_MS,
      decode,
    );
    if (handovers === undefined || handovers.length === 0) return epoch;
    const { lengthHeights } = epochs;
    const followed = await followHandovers(verifier, chainId, { epoch, set }, lengthHeights, handovers);
    const { reached, verdict } = followed;
    await this.keep(handovers.slice(0, reached.epoch - epoch));
    if (verdict.kind === "valid") client.accept(peer);
    else client.refuse(peer, verdict);
    return reached.epoch;
  }

  private async keep(handovers: readonly Handover[]): Promise<void> {
    const { epochs, store } = this.options;
    if (handovers.length === 0) return;
    await store.write(handovers.map(handoverChange), true);
    for (const { header, nextSet } of handovers) epochs.learn(header.epoch + 1, nextSet);
  }
}
