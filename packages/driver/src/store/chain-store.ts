import { ConsiliumError, Reader, toHex, u8, u64 } from "@consilium/crypto";
import {
  Block,
  type BlockHeader,
  Certificate,
  decodeStrict,
  digestOf,
  Handover,
  type StateReader,
  type Store,
  type StoreChange,
  type StoreRange,
} from "@consilium/protocol";
import type { TransactionResult } from "../chain.js";
import { type Bucket, buckets, heightKey, keyIn, rangeOf } from "./keys.js";
import { decodeResult, decodeTip, encodeResult, encodeTip, type TipRecord } from "./records.js";

/** A final block with everything that its execution changed. */
export interface CommittedBlock {
  readonly block: Block;
  readonly digest: Uint8Array;
  readonly changes: readonly StoreChange[];
  readonly results: readonly TransactionResult[];
}

/** What a restart finds above the tip. */
export interface PendingRecords {
  readonly certificates: readonly Certificate[];
  readonly headers: readonly BlockHeader[];
}

/** A chain's durable data: blocks, cursor, certificates, results. State values are read through {@link state}. */
export class ChainStore {
  /** Keys written above the tip and where they stand, so that finality can delete them without a scan. */
  private readonly pendingBodies = new Map<string, { readonly key: Uint8Array; readonly height: number }>();
  private readonly pendingCertificates = new Map<
    string,
    { readonly key: Uint8Array; readonly epoch: number; readonly view: number }
  >();

  /** A verified snapshot while it is copied into place: until then its values stand under their staging keys. */
  private staged: StateReader | undefined;
  /** State at the finalized tip; the same object for good. */
  readonly state: StateReader = { get: (key) => (this.staged ?? this.store).get(key) };

  constructor(private readonly store: Store) {}

  /** Reads of the state go to these values instead of the application's keys, until it is called without. */
  readStaged(staged: StateReader | undefined): void {
    this.staged = staged;
  }

  /** Entries as they are now, whatever is written while they are walked. */
  range(range: StoreRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    return this.store.range(range);
  }

  /** Undefined in a fresh data folder. */
  tip(): TipRecord | undefined {
    const bytes = this.store.get(keyIn(buckets.tip));
    return bytes === undefined ? undefined : decodeTip(bytes);
  }

  block(height: number): Block | undefined {
    const bytes = this.encodedBlock(height);
    return bytes === undefined ? undefined : Block.deserialize(bytes);
  }

  encodedBlock(height: number): Uint8Array | undefined {
    return this.store.get(heightKey(buckets.block, height));
  }

  heightOf(digest: Uint8Array): number | undefined {
    const bytes = this.store.get(keyIn(buckets.heightOf, digest));
    return bytes === undefined ? undefined : Number(new Reader(bytes).u64());
  }

  /** A body by digest, final or not. */
  encodedBody(digest: Uint8Array): Uint8Array | undefined {
    const pending = this.store.get(keyIn(buckets.pendingBody, digest));
    if (pending !== undefined) return pending;
    const height = this.heightOf(digest);
    return height === undefined ? undefined : this.encodedBlock(height);
  }

  finalizationAt(height: number): Certificate | undefined {
    const bytes = this.store.get(heightKey(buckets.finalization, height));
    return bytes === undefined ? undefined : Certificate.deserialize(bytes);
  }

  /** How an epoch ended; undefined while its boundary block is not final here. */
  handover(epoch: number): Handover | undefined {
    const bytes = this.store.get(keyIn(buckets.handover, u64(epoch)));
    return bytes === undefined ? undefined : Handover.deserialize(bytes);
  }

  result(id: Uint8Array): TransactionResult | undefined {
    const bytes = this.store.get(keyIn(buckets.result, id));
    return bytes === undefined ? undefined : decodeResult(id, bytes);
  }

  read(bucket: Bucket, ...parts: readonly Uint8Array[]): Uint8Array | undefined {
    return this.store.get(keyIn(bucket, ...parts));
  }

  async write(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    await this.store.batch(changes, { sync });
  }

  async *entries(bucket: Bucket): AsyncIterable<Uint8Array> {
    for await (const [, value] of this.store.range(rangeOf(bucket))) yield value;
  }

  /** Makes a body above the tip and certificates durable. */
  async persist(bodies: readonly Block[], certificates: readonly Certificate[]): Promise<void> {
    const changes: StoreChange[] = [];
    for (const block of bodies) {
      const digest = digestOf(block.header);
      const key = keyIn(buckets.pendingBody, digest);
      this.pendingBodies.set(toHex(digest), { key, height: block.header.height });
      changes.push({ key, value: Block.serialize(block) });
    }
    for (const certificate of certificates) {
      const key = certificateKey(certificate);
      this.pendingCertificates.set(toHex(key), { key, epoch: certificate.epoch, view: certificate.view });
      changes.push({ key, value: Certificate.serialize(certificate) });
    }
    await this.store.batch(changes, { sync: true });
  }

  /** Reads what is kept above the tip and remembers its keys. Throws `BAD_ENCODING` for damaged records. */
  async loadPending(): Promise<PendingRecords> {
    const certificates: Certificate[] = [];
    for await (const bytes of this.entries(buckets.certificate)) {
      const certificate = decodeStrict(Certificate, bytes, "stored certificate");
      const key = certificateKey(certificate);
      this.pendingCertificates.set(toHex(key), { key, epoch: certificate.epoch, view: certificate.view });
      certificates.push(certificate);
    }
    const headers: BlockHeader[] = [];
    for await (const bytes of this.entries(buckets.pendingBody)) {
      const { header } = decodeStrict(Block, bytes, "stored body");
      const digest = digestOf(header);
      const key = keyIn(buckets.pendingBody, digest);
      this.pendingBodies.set(toHex(digest), { key, height: header.height });
      headers.push(header);
    }
    return { certificates, headers };
  }

  /** Drops everything above the tip, at a start, before {@link loadPending}. */
  async forgetPending(): Promise<void> {
    const changes: StoreChange[] = [];
    for (const bucket of [buckets.certificate, buckets.pendingBody]) {
      for await (const [key] of this.store.range(rangeOf(bucket))) changes.push({ key, value: undefined });
    }
    await this.store.batch(changes, { sync: true });
  }

  /**
   * Lands blocks, their state changes, the finalization and the cursor in one synced batch, and drops what lay at or
   * below the new tip. `extra` rides along: the safety record's floor, submissions that became final. With a hand-over
   * the tip is a boundary block, and everything of its epoch goes.
   */
  async commit(
    blocks: readonly CommittedBlock[],
    record: TipRecord,
    extra: readonly StoreChange[],
    handover?: Handover,
  ): Promise<void> {
    const changes = blocks.flatMap((each) => this.changesOf(each));
    if (record.finalization !== undefined) {
      const value = Certificate.serialize(record.finalization);
      changes.push({ key: heightKey(buckets.finalization, record.tip.height), value });
    }
    changes.push({ key: keyIn(buckets.tip), value: encodeTip(record) });
    if (handover !== undefined) changes.push(handoverChange(handover));
    const dropped = this.droppedBy(record, handover !== undefined);
    await this.store.batch([...changes, ...dropped.changes, ...extra], { sync: true });
    for (const name of dropped.names) {
      this.pendingBodies.delete(name);
      this.pendingCertificates.delete(name);
    }
  }

  private changesOf({ block, digest, changes, results }: CommittedBlock): StoreChange[] {
    const { height } = block.header;
    requireApplicationKeys(changes);
    return [
      ...changes,
      { key: heightKey(buckets.block, height), value: Block.serialize(block) },
      { key: keyIn(buckets.heightOf, digest), value: u64(height) },
      ...results.map((result) => ({ key: keyIn(buckets.result, result.id), value: encodeResult(result) })),
    ];
  }

  private droppedBy(
    { tip }: TipRecord,
    epochEnded: boolean,
  ): { readonly changes: StoreChange[]; readonly names: string[] } {
    const isOver = ({ epoch, view }: { readonly epoch: number; readonly view: number }) =>
      epoch < tip.epoch || (epoch === tip.epoch && (epochEnded || view <= tip.view));
    const bodies = [...this.pendingBodies].filter(([, { height }]) => height <= tip.height);
    const certificates = [...this.pendingCertificates].filter(([, each]) => isOver(each));
    const dropped = [...bodies, ...certificates];
    return {
      changes: dropped.map(([, { key }]) => ({ key, value: undefined })),
      names: dropped.map(([name]) => name),
    };
  }
}

const certificateKey = ({ epoch, view, kind }: Certificate): Uint8Array =>
  keyIn(buckets.certificate, u64(epoch), u64(view), u8(kind));

/** The change that keeps a boundary's hand-over, for the batch that makes the boundary block final. */
export const handoverChange = (handover: Handover): StoreChange => ({
  key: keyIn(buckets.handover, u64(handover.header.epoch)),
  value: Handover.serialize(handover),
});

function requireApplicationKeys(changes: readonly StoreChange[]): void {
  if (changes.every(({ key }) => key[0]! < 0x80)) return;
  throw new ConsiliumError(
    "LEDGER_BAD_KEY",
    "The application wrote a key of the driver: its keys start below 0x80.",
  );
}
