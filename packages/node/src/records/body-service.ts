import { ConsiliumError, ed25519Verify, equalBytes, isAllZero, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import {
  AccountStatus,
  queries,
  type RecordEntry,
  type RecordPutEntry,
  RecordStatus,
} from "@consilium/ledger";
import {
  BodyChunkRequest,
  BodyChunkResponse,
  bodyRequestSigningBytes,
  type Clock,
  decodeStrict,
  type Log,
  type StateReader,
} from "@consilium/protocol";
import { awaitState } from "./await-state.js";
import type { BlobIndex } from "./blob-index.js";

const WINDOW_MS = 60_000;

export interface BodyServicePorts {
  readonly alliance: Chain;
  readonly private: Chain;
  readonly blobs: BlobIndex;
  readonly nodeKey: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * body-chunk/1: a record's ciphertext, chunk by chunk, to the recipient of a finalized access or to the owner. Every
 * service and every refusal is logged.
 */
export class BodyService {
  constructor(private readonly ports: BodyServicePorts) {}

  /**
   * Answers one encoded request.
   * @throws ConsiliumError `BAD_ENCODING`, `RECORD_UNKNOWN`, `RECORD_NOT_HERE`, `BODY_NOT_ALLOWED`,
   * `BODY_BAD_REQUEST`, `BODY_MISSING`.
   */
  async serve(from: string, encoded: Uint8Array): Promise<Uint8Array> {
    const request = decodeStrict(BodyChunkRequest, encoded, "body request");
    const facts = {
      from,
      record: toHex(request.recordId),
      request: toHex(request.requestId),
      account: toHex(request.account),
      chunk: request.chunk,
    };
    try {
      const answer = await this.#answer(request);
      this.ports.log.info({ ...facts, sizeBytes: answer.length }, "body.served");
      return answer;
    } catch (error) {
      this.ports.log.warn({ ...facts, error }, "body.refused");
      throw error;
    }
  }

  async #answer(request: BodyChunkRequest): Promise<Uint8Array> {
    const { alliance, blobs } = this.ports;
    await awaitState(alliance, (state) => isKnown(state, request));
    const record = mayRead(alliance.state(), request);
    requireSigned(alliance, request, this.ports.clock.nowMs());
    const entry = this.#ownEntry(record);
    const chunk = await blobs.chunk(record.digest, request.chunk);
    if (chunk === undefined) {
      throw new ConsiliumError(
        "BODY_MISSING",
        "The ciphertext has no such chunk here: it was erased, or never had one.",
      );
    }
    // The header says how many chunks there are and what each must hash to, so it goes with the first.
    return BodyChunkResponse.serialize({
      header: request.chunk === 0 ? entry.header : new Uint8Array(),
      chunk,
    });
  }

  /**
   * The record as this hospital itself put it. The index alone is not enough: any member may index an entry that names
   * this hospital as its custodian and the digest of somebody else's ciphertext.
   */
  #ownEntry(record: RecordEntry): RecordPutEntry {
    const isCustodian = equalBytes(record.custodian, this.ports.nodeKey);
    const entry = isCustodian ? queries.recordPut(this.ports.private.state(), record.recordId) : undefined;
    const isSame =
      entry !== undefined &&
      equalBytes(entry.digest, record.digest) &&
      equalBytes(entry.owner, record.owner) &&
      equalBytes(entry.label, record.label);
    if (isSame) return entry;
    const sentence = isCustodian
      ? "This hospital put no such record on its own chain; tell the record's author."
      : "Ask the record's custodian.";
    throw new ConsiliumError("RECORD_NOT_HERE", sentence, { custodian: toHex(record.custodian) });
  }
}

/** Whether the record, and the access under which it is asked for, are final here. */
function isKnown(state: StateReader, { recordId, requestId }: BodyChunkRequest): boolean {
  const accessIsKnown = isAllZero(requestId) || queries.access(state, requestId) !== undefined;
  return accessIsKnown && queries.record(state, recordId) !== undefined;
}

/** The record, if this account may read its ciphertext: the owner, or the recipient of a finalized access to it. */
function mayRead(state: StateReader, request: BodyChunkRequest): RecordEntry {
  const record = queries.record(state, request.recordId);
  if (record === undefined || record.status === RecordStatus.erased) {
    throw new ConsiliumError(
      "RECORD_UNKNOWN",
      "No record with this id is indexed here; wait until it is final.",
    );
  }
  const account = queries.account(state, request.account);
  const isOwner = isAllZero(request.requestId) && equalBytes(record.owner, request.account);
  const access = isAllZero(request.requestId) ? undefined : queries.access(state, request.requestId);
  const isRecipient =
    access !== undefined &&
    equalBytes(access.recipient, request.account) &&
    access.recordIds.some((id) => equalBytes(id, request.recordId));
  if (account?.status === AccountStatus.live && (isOwner || isRecipient)) return record;
  throw new ConsiliumError(
    "BODY_NOT_ALLOWED",
    "Ciphertexts go to the owner, or to the recipient of a finalized access that names the record.",
  );
}

function requireSigned(alliance: Chain, request: BodyChunkRequest, nowMs: number): void {
  const key = queries.account(alliance.state(), request.account)?.signKey;
  const signed = bodyRequestSigningBytes(alliance.chainId, request);
  const inTime = Math.abs(nowMs - request.timeMs) <= WINDOW_MS;
  if (key !== undefined && inTime && ed25519Verify(key, signed, request.signature)) return;
  throw new ConsiliumError(
    "BODY_BAD_REQUEST",
    "Sign the request anew with the account's key and the present time.",
  );
}
