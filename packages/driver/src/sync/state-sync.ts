import { equalBytes, sha256, toHex, u32, u64 } from "@consilium/crypto";
import type { SnapshotRules } from "@consilium/ledger";
import {
  Block,
  Certificate,
  type Clock,
  decodeStrict,
  digestOf,
  fault,
  type Log,
  RequestProtocol,
  SnapshotChunkRequest,
  SnapshotManifest,
  type StoreChange,
} from "@consilium/protocol";
import type { FinalizedTip } from "../chain.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, heightKey, keyIn } from "../store/keys.js";
import type { TipRecord } from "../store/records.js";
import type { StoreUntilStop } from "../store/store-until-stop.js";
import type { PeerClient } from "./peer-client.js";
import { type ChunkSpan, fitsBetween, judgeChunk } from "./snapshot-chunk.js";
import type { Offer, SnapshotOffers } from "./snapshot-offers.js";
import { chunkKey, manifestKey } from "./snapshots.js";
import { finishAdoption, progressChange, readProgress, StagedState } from "./staged-state.js";

const CHUNK_TIMEOUT_MS = 20_000;
const CHUNKS_AT_ONCE_MAX = 3;
/** Snapshots tried in one run before the node falls back to executing all blocks. */
const ATTEMPTS_MAX = 3;
/** Rounds in which nobody had a chunk that is missing. */
const FRUITLESS_ROUNDS_MAX = 4;
const BACK_OFF_FIRST_MS = 400;

export interface StateSyncOptions {
  readonly rules: SnapshotRules;
  readonly store: StoreUntilStop;
  /** The store itself, for what must come to its end once it was begun. */
  readonly chainStore: ChainStore;
  readonly client: PeerClient;
  readonly offers: SnapshotOffers;
  readonly clock: Clock;
  readonly log: Log;
  readonly tip: () => FinalizedTip;
  /** The store holds a new tip: the driver's memory follows. */
  readonly adopt: (record: TipRecord) => Promise<void>;
  readonly stopped: () => boolean;
}

/**
 * Gives a node without a chain the state of a boundary block. The root is known from finalized headers before the first
 * chunk is asked for; each chunk is judged when it comes, and survives a restart; the state is put together apart from the chain's own, and only when its
 * root is right does it take its place. Anything else is thrown away.
 */
export class StateSync {
  private readonly staged: StagedState;
  /** Manifests that turned out wrong in this run of the node. */
  private readonly refused = new Set<string>();
  /** Keys of the chunks that this run took, by their place. */
  private readonly spans = new Map<number, ChunkSpan>();
  private adopting: Promise<boolean> | undefined;

  constructor(private readonly options: StateSyncOptions) {
    this.staged = new StagedState(options.store, options.rules);
  }

  /** True when the chain now stands on a snapshot. */
  async run(): Promise<boolean> {
    const { log, stopped } = this.options;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !stopped() && this.isEmpty(); attempt++) {
      const offer = await this.choose();
      if (offer === undefined) return false;
      const { epoch, height, chunkDigests } = offer.manifest;
      log.info({ epoch, height, chunks: chunkDigests.length, peers: offer.peers.size }, "taking a snapshot");
      await this.begin(offer);
      const fetched = await this.fetch(offer);
      const outcome = fetched === "all" ? await this.build(offer) : fetched;
      if (stopped()) return false;
      if (outcome === "right" && this.isEmpty()) {
        this.adopting = this.adopt(offer);
        return this.adopting;
      }
      // Nobody gives its chunks, or they are wrong: another one is tried.
      if (outcome !== "unfinished") this.refused.add(offer.name);
      if (outcome === "wrong") await this.blame(offer);
    }
    return false;
  }

  /** The chain grew without a snapshot: what was fetched of one is of no use any more. */
  async abandon(): Promise<void> {
    const progress = readProgress(this.options.store);
    if (progress?.kind === "fetching") await this.discard(decodeManifest(progress.manifest));
  }

  /** Resolves when no state is being moved into place: the store must not be opened anew before. */
  async settled(): Promise<void> {
    await this.adopting?.catch(() => {});
  }

  private isEmpty(): boolean {
    return this.options.tip().height === 0;
  }

  /** What was begun before goes on while somebody may still serve it; else the best offer. */
  private async choose(): Promise<Offer | undefined> {
    const { store, offers, log } = this.options;
    const found = (await offers.collect()).filter(({ name }) => !this.refused.has(name));
    const progress = readProgress(store);
    if (progress?.kind !== "fetching") return found[0];
    const encoded = progress.manifest;
    const name = toHex(sha256(encoded));
    const offered = found.find((each) => each.name === name);
    if (offered !== undefined) return offered;
    const manifest = decodeManifest(encoded);
    const anchor = await offers.anchorOf(manifest.epoch);
    const isOutdated = found.some((each) => each.manifest.epoch > manifest.epoch + 1);
    // Peers keep the snapshot before their newest, so one that was begun before a restart may still be finished.
    if (anchor !== undefined && !isOutdated && !this.refused.has(name))
      return { name, manifest, encoded, anchor, peers: new Set() };
    log.info({ epoch: manifest.epoch }, "a snapshot that was begun is no longer offered");
    await this.discard(manifest);
    return found[0];
  }

  private async begin({ manifest, encoded }: Offer): Promise<void> {
    const { store } = this.options;
    this.spans.clear();
    const progress = readProgress(store);
    if (progress?.kind === "fetching" && equalBytes(progress.manifest, encoded)) return;
    if (progress?.kind === "fetching") await this.discard(decodeManifest(progress.manifest));
    await store.write([progressChange({ kind: "fetching", manifest: encoded })], true);
    this.options.log.debug({ epoch: manifest.epoch }, "snapshot begun");
  }

  /**
   * Takes the chunks that are not here yet, a few at once. "missing" when nobody gives them, "wrong" as soon as one that
   * the manifest names cannot be of any snapshot.
   */
  private async fetch(offer: Offer): Promise<"all" | "missing" | "wrong"> {
    const { clock, stopped } = this.options;
    let missing = this.missingOf(offer.manifest);
    for (let fruitless = 0; missing.length > 0; ) {
      const left: number[] = [];
      const before = missing.length;
      let wrong = false;
      const worker = async () => {
        for (let index = missing.shift(); index !== undefined && !wrong; index = missing.shift()) {
          const answer = stopped() ? "missing" : await this.fetchChunk(offer, index);
          if (answer === "wrong") wrong = true;
          if (answer === "missing") left.push(index);
        }
      };
      await Promise.all(Array.from({ length: CHUNKS_AT_ONCE_MAX }, worker));
      if (wrong) return "wrong";
      if (stopped()) return "missing";
      fruitless = left.length === before ? fruitless + 1 : 0;
      if (fruitless >= FRUITLESS_ROUNDS_MAX) return "missing";
      missing = left;
      const delayMs = BACK_OFF_FIRST_MS * 2 ** fruitless;
      if (left.length > 0) await new Promise<void>((resolve) => clock.setTimer(delayMs, resolve));
    }
    return "all";
  }

  /** By presence alone: whether they are the right ones is seen when the state is put together. */
  private missingOf({ epoch, chunkDigests }: SnapshotManifest): number[] {
    const { store } = this.options;
    return [...chunkDigests.keys()].filter(
      (index) => store.read(buckets.snapshotChunk, u64(epoch), u32(index)) === undefined,
    );
  }

  private async fetchChunk(
    { manifest, peers }: Offer,
    index: number,
  ): Promise<"taken" | "missing" | "wrong"> {
    const { client } = this.options;
    const { epoch, chunkDigests } = manifest;
    const request = SnapshotChunkRequest.serialize({ epoch, index });
    // None offers one that an earlier run began: then any may still have it, and none is to blame if it has another.
    const candidates = client.peers().filter((peer) => peers.size === 0 || peers.has(peer));
    // Spread over those who offer it, the best of them first for the first chunk.
    const start = candidates.length === 0 ? 0 : index % candidates.length;
    for (const peer of [...candidates.slice(start), ...candidates.slice(0, start)]) {
      const whole = (answer: Uint8Array) => answer;
      const { snapshotChunk } = RequestProtocol;
      const chunk = await client.ask(peer, snapshotChunk, request, CHUNK_TIMEOUT_MS, whole);
      if (chunk === undefined) continue;
      if (!equalBytes(sha256(chunk), chunkDigests[index]!)) {
        if (peers.has(peer)) client.refuse(peer, badChunk);
        else client.scores.empty(peer);
        continue;
      }
      return (await this.keep(manifest, index, chunk, peer)) ? "taken" : "wrong";
    }
    return "missing";
  }

  /** Takes a chunk that the manifest names, unless none like it can stand there: then the manifest itself is a lie. */
  private async keep(
    { epoch, chunkDigests }: SnapshotManifest,
    index: number,
    chunk: Uint8Array,
    peer: string,
  ): Promise<boolean> {
    const { rules, store, client, log } = this.options;
    const { spans } = this;
    const judged = judgeChunk(chunk, rules);
    if (judged.kind !== "valid") return false;
    const { first, last } = judged.value;
    if (!fitsBetween({ first, last }, spans.get(index - 1), spans.get(index + 1))) return false;
    spans.set(index, { first, last });
    client.accept(peer);
    await store.write([{ key: chunkKey(epoch, index), value: chunk }], false);
    if ((index + 1) % 64 === 0) log.info({ epoch, chunk: index + 1, of: chunkDigests.length }, "snapshot");
    return true;
  }

  /** Puts the state together chunk by chunk, its tree included, and compares the root. */
  private async build({ manifest, anchor }: Offer): Promise<"right" | "wrong" | "unfinished"> {
    const { store, rules, stopped } = this.options;
    const { epoch, chunkDigests } = manifest;
    await this.staged.clear();
    let root: Uint8Array = new Uint8Array();
    let before: ChunkSpan | undefined;
    for (const [index, digest] of chunkDigests.entries()) {
      if (stopped()) return "unfinished";
      const encoded = store.read(buckets.snapshotChunk, u64(epoch), u32(index));
      if (encoded === undefined || !equalBytes(sha256(encoded), digest)) {
        // Lost or damaged on this disk: fetched again.
        await store.write([{ key: chunkKey(epoch, index), value: undefined }], false);
        return "unfinished";
      }
      const judged = judgeChunk(encoded, rules);
      if (judged.kind !== "valid" || !fitsBetween(judged.value, before, undefined)) return "wrong";
      before = judged.value;
      root = await this.staged.add(judged.value.entries);
    }
    return equalBytes(root, anchor.stateRoot) ? "right" : "wrong";
  }

  /** From the synced record on the new state is in force, whatever happens; this node serves the snapshot too. */
  private async adopt({ manifest, encoded, anchor }: Offer): Promise<boolean> {
    const { chainStore, adopt, log } = this.options;
    const { header } = anchor.block;
    const { height, epoch, timestampMs } = header;
    const { finalization, stateRoot } = anchor;
    const digest = digestOf(header);
    const record: TipRecord = {
      tip: { height, digest, stateRoot, timestampMs, epoch, view: finalization.view },
      finalization,
    };
    const changes: StoreChange[] = [
      { key: heightKey(buckets.block, height), value: Block.serialize(anchor.block) },
      { key: keyIn(buckets.heightOf, digest), value: u64(height) },
      { key: heightKey(buckets.finalization, height), value: Certificate.serialize(finalization) },
      { key: manifestKey(manifest.epoch), value: encoded },
      progressChange({ kind: "adopting", record }),
    ];
    await chainStore.write(changes, true);
    await finishAdoption(chainStore);
    await adopt(record);
    log.info({ height, epoch }, "the chain stands on a snapshot");
    return true;
  }

  private async blame({ peers, manifest }: Offer): Promise<void> {
    const verdict = fault("SNAPSHOT_WRONG_STATE", "the snapshot is not of the finalized root");
    for (const peer of peers) this.options.client.refuse(peer, verdict);
    this.options.log.warn({ epoch: manifest.epoch, peers: peers.size }, "a snapshot was wrong");
    await this.discard(manifest);
  }

  private async discard({ epoch, chunkDigests }: SnapshotManifest): Promise<void> {
    const { store } = this.options;
    await this.staged.clear();
    const erased = chunkDigests.map((_, index) => ({ key: chunkKey(epoch, index), value: undefined }));
    await store.write([...erased, progressChange(undefined)], true);
  }
}

const badChunk = fault("SNAPSHOT_BAD_CHUNK", "the chunk is not the one that the manifest names");

const decodeManifest = (encoded: Uint8Array): SnapshotManifest =>
  decodeStrict(SnapshotManifest, encoded, "stored manifest");
