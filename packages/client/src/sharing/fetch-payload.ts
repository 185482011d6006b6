/** Fetches a record's ciphertext chunk by chunk from its custodian and opens it as it comes. */
import {
  ConsiliumError,
  codeOf,
  concatList,
  equalBytes,
  fromHex,
  headerDigest,
  PayloadOpener,
  sha256,
  toHex,
} from "@consilium/crypto";
import {
  BodyChunkRequest,
  BodyChunkResponse,
  bodyRequestSigningBytes,
  decodeStrict,
  RecordHeader,
  ZERO_32,
} from "@consilium/protocol";
import { routes } from "../api/contract.js";
import { patiently } from "./patience.js";
import type { IndexedRecord } from "./record-facts.js";
import type { Session } from "./session.js";

/** One signature serves all chunks asked for within this time; custodians allow 60 s. */
const SIGNATURE_REUSE_MS = 30_000;

/** What a custodian says of an access or a record that it has not yet seen final. */
const NOT_YET: readonly string[] = ["BODY_NOT_ALLOWED", "RECORD_UNKNOWN"];
const PATIENCE_MS = 10_000;
const mayPass = (error: unknown): boolean => NOT_YET.includes(codeOf(error));

/**
 * The plaintext of a record. Header and every chunk are checked against the index before they are opened; the whole
 * is handed out only after length and digest held.
 * Throws `PAYLOAD_DIGEST`, `RECORD_BAD_HEADER`, `STREAM_*`, and the custodian's codes.
 *
 * @param requestId Id of the finalized access; left out by the owner.
 * @param key The record key K, 32 bytes; the caller erases it.
 */
export async function fetchPayload(
  session: Session,
  record: IndexedRecord,
  key: Uint8Array,
  requestId: Uint8Array = ZERO_32,
): Promise<Uint8Array> {
  const ask = chunkAsker(session, record.recordId, requestId);
  const first = await ask(0);
  const header = readHeader(first.header, record);
  const { digest, lengthBytes } = record.view;
  const opener = new PayloadOpener({
    key,
    expected: { lengthBytes, digest: fromHex(digest) },
    platform: session.ports.payload,
  });
  const parts: Uint8Array[] = [];
  for (let index = 0; index < header.chunkDigests.length; index++) {
    const { chunk } = index === 0 ? first : await ask(index);
    if (!equalBytes(sha256(chunk), header.chunkDigests[index]!)) throw wrongChunk(index);
    parts.push(...opener.push(chunk));
  }
  parts.push(...opener.finish().pieces);
  const payload = concatList(parts);
  for (const part of parts) part.fill(0);
  return payload;
}

function readHeader(bytes: Uint8Array, record: IndexedRecord): RecordHeader {
  if (!equalBytes(headerDigest(bytes), fromHex(record.view.headerDigest))) {
    throw new ConsiliumError("RECORD_BAD_HEADER", "The custodian sent another header than the index names.");
  }
  return decodeStrict(RecordHeader, bytes, "record header");
}

type ChunkAnswer = { readonly header: Uint8Array; readonly chunk: Uint8Array };

function chunkAsker(
  session: Session,
  recordId: Uint8Array,
  requestId: Uint8Array,
): (chunk: number) => Promise<ChunkAnswer> {
  let signed: { readonly timeMs: number; readonly signature: Uint8Array } | undefined;
  return async (chunk) => {
    const nowMs = session.ports.clock.nowMs();
    if (signed === undefined || nowMs - signed.timeMs > SIGNATURE_REUSE_MS) {
      const toSign = bodyRequestSigningBytes(session.alliance.chainId, {
        recordId,
        requestId,
        timeMs: nowMs,
      });
      signed = { timeMs: nowMs, signature: await session.wallet.signer.sign(toSign) };
    }
    const request = BodyChunkRequest.serialize({
      recordId,
      requestId,
      account: session.account,
      chunk,
      ...signed,
    });
    const parameters = { recordId: toHex(recordId), chunk };
    const octets = await patiently({ clock: session.ports.clock, patienceMs: PATIENCE_MS, mayPass }, () =>
      session.api.call(routes.bodyChunk, parameters, { request: toHex(request) }),
    );
    return decodeStrict(BodyChunkResponse, octets, "chunk");
  };
}

function wrongChunk(chunk: number): ConsiliumError {
  return new ConsiliumError(
    "PAYLOAD_DIGEST",
    "A chunk differs from the record's header; report the custodian.",
    {
      chunk,
    },
  );
}
