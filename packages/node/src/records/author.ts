import { ConsiliumError, concat, equalBytes, headerDigest, recordId, sha256, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  B32,
  ContainerType,
  decodeStrict,
  type Log,
  RecordHeader,
  RecordIndex,
  RecordPut,
  type Store,
  TransactionKind,
  U64,
  type ValueOf,
} from "@consilium/protocol";
import type { BlobIndex } from "./blob-index.js";
import type { TransactionSender } from "./transaction-sender.js";

/** What a record's entry amounts to, kept so that a repeated request gets the same answer. */
const Receipt = new ContainerType({ privateHeight: U64, height: U64, transaction: B32 });
export type Receipt = ValueOf<typeof Receipt>;

export interface RecordAuthorPorts {
  readonly alliance: Chain;
  readonly private: Chain;
  readonly allianceSender: TransactionSender;
  readonly privateSender: TransactionSender;
  readonly blobs: BlobIndex;
  /** Services' own part of the database. */
  readonly store: Store;
  readonly nodeKey: Uint8Array;
  readonly log: Log;
}

const NEXT_NONCE_KEY = Uint8Array.of(0x02);
const RECEIPT_PREFIX = 0x03;
export const RESERVE_MAX = 1_000;

/** The hospital as author: it hands out record ids, enters records on its private chain, then in the alliance's index. */
export class RecordAuthor {
  /** Reservations go one after the other, so that no nonce is handed out twice. */
  #reservations: Promise<unknown> = Promise.resolve();
  /** Entries under way by the digest of the request: a repeated request waits for the first one. */
  readonly #entering = new Map<string, Promise<Receipt & { readonly recordId: Uint8Array }>>();

  constructor(private readonly ports: RecordAuthorPorts) {}

  /**
   * Record nonces never handed out before, with the ids they make. Durable before it returns.
   * @param count 1 to {@link RESERVE_MAX}.
   */
  reserve(count: number): Promise<{ recordNonce: number; recordId: Uint8Array }[]> {
    const reserved = this.#reservations.then(async () => {
      const { alliance, store, nodeKey, allianceSender } = this.ports;
      const first = Math.max(
        readCounter(store.get(NEXT_NONCE_KEY)),
        queries.nextNonces(alliance.state(), allianceSender.account).record,
      );
      const value = U64.serialize(first + count);
      await store.batch([{ key: NEXT_NONCE_KEY, value }], { sync: true });
      return Array.from({ length: count }, (_, offset) => ({
        recordNonce: first + offset,
        recordId: recordId(alliance.chainId, nodeKey, first + offset),
      }));
    });
    this.#reservations = reserved.catch(() => undefined);
    return reserved;
  }

  /**
   * Enters a record whose ciphertext was uploaded, and waits until both entries are final. Repeating it continues where
   * it stopped.
   * @throws ConsiliumError `BAD_ENCODING`, `RECORD_BAD_ID`, `RECORD_BAD_HEADER`, `BLOB_MISSING`, `RECORD_ID_USED`, and
   * the chains' codes.
   */
  async put(encoded: Uint8Array): Promise<Receipt & { readonly recordId: Uint8Array }> {
    const record = decodeStrict(RecordPut, encoded, "record");
    this.#check(record);
    const name = toHex(sha256(encoded));
    const underWay = this.#entering.get(name);
    if (underWay !== undefined) return underWay;
    const entered = this.#enter(record, encoded).finally(() => this.#entering.delete(name));
    this.#entering.set(name, entered);
    return entered;
  }

  #check(record: RecordPut): void {
    const { alliance, blobs, nodeKey } = this.ports;
    if (!equalBytes(record.recordId, recordId(alliance.chainId, nodeKey, record.recordNonce))) {
      throw new ConsiliumError(
        "RECORD_BAD_ID",
        "Use a record id that this hospital reserved, with its nonce.",
      );
    }
    const blob = blobs.get(record.digest);
    if (blob === undefined) {
      throw new ConsiliumError("BLOB_MISSING", "Upload the ciphertext before its record.", {
        digest: toHex(record.digest),
      });
    }
    const header = decodeStrict(RecordHeader, record.header, "record header");
    const fits =
      record.lengthBytes === blob.lengthBytes &&
      header.log2ChunkBytes === blob.log2ChunkBytes &&
      header.chunkDigests.length === blob.chunkDigests.length &&
      header.chunkDigests.every((digest, index) => equalBytes(digest, blob.chunkDigests[index]!));
    if (fits) return;
    throw new ConsiliumError(
      "RECORD_BAD_HEADER",
      "The header's length or chunk digests are not those of the ciphertext.",
    );
  }

  async #enter(record: RecordPut, encoded: Uint8Array): Promise<Receipt & { recordId: Uint8Array }> {
    const { store, log } = this.ports;
    const privateHeight = await this.#putOnPrivateChain(record, encoded);
    const key = concat(Uint8Array.of(RECEIPT_PREFIX), record.recordId);
    const known = store.get(key);
    if (known !== undefined) return { ...decodeStrict(Receipt, known, "receipt"), recordId: record.recordId };
    const receipt = { privateHeight, ...(await this.#index(record, privateHeight)) };
    await store.batch([{ key, value: Receipt.serialize(receipt) }], { sync: true });
    log.info(
      {
        record: toHex(record.recordId),
        privateHeight,
        height: receipt.height,
        lengthBytes: record.lengthBytes,
      },
      "record.entered",
    );
    return { ...receipt, recordId: record.recordId };
  }

  /** Height of record/put on the private chain. */
  async #putOnPrivateChain(record: RecordPut, encoded: Uint8Array): Promise<number> {
    const { private: chain, privateSender } = this.ports;
    const existing = queries.recordPut(chain.state(), record.recordId);
    if (existing === undefined) {
      return (await privateSender.send(TransactionKind.recordPut, encoded)).height;
    }
    const same = RecordPut.serialize({ ...existing, recordNonce: record.recordNonce });
    if (equalBytes(same, encoded)) return existing.height;
    throw new ConsiliumError("RECORD_ID_USED", "Another record stands under this id; reserve a new one.", {
      record: toHex(record.recordId),
    });
  }

  async #index(
    record: RecordPut,
    privateHeight: number,
  ): Promise<{ height: number; transaction: Uint8Array }> {
    const { alliance, allianceSender, nodeKey } = this.ports;
    const existing = queries.record(alliance.state(), record.recordId);
    // The index entry became final but the node stopped before it kept the receipt: the id of its transaction is lost.
    if (existing !== undefined) return { height: existing.height, transaction: new Uint8Array(32) };
    const { header, ...facts } = record;
    const payload = RecordIndex.serialize({
      ...facts,
      headerDigest: headerDigest(header),
      custodian: nodeKey,
      privateHeight,
    });
    const result = await allianceSender.send(TransactionKind.recordIndex, payload);
    return { height: result.height, transaction: result.id };
  }
}

const readCounter = (stored: Uint8Array | undefined): number =>
  stored === undefined ? 0 : U64.deserialize(stored);
