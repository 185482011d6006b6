import { codeOf, equalBytes, recordId } from "@consilium/crypto";
import { decodeStrict, RecordHeader, RecordPut, TransactionKind } from "@consilium/protocol";
import { cipherStreamBytesMin } from "../alliance/record-index.js";
import * as queries from "../queries.js";
import { ensure, type Rule, refuse } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";
import { RecordPutEntry } from "../state/values.js";

const NONE = new Uint8Array(0);
const TAG_SIZE_BYTES = 16;
const HEAD_SIZE_BYTES = 22;

/** A sealed record on its hospital's private chain: the entry with its header. The ciphertext lies beside the chain. */
export const recordPut: Rule<RecordPut> = {
  kind: TransactionKind.recordPut,
  payload: RecordPut,
  sender: "member",

  async check({ payload, state, sender, chain }) {
    const derived = recordId(chain.allianceChainId, sender!.signKey, payload.recordNonce);
    ensure(equalBytes(derived, payload.recordId), "RECORD_BAD_ID");
    ensure(queries.recordPut(state, derived) === undefined, "RECORD_ID_USED");
    ensure(payload.lengthBytes >= cipherStreamBytesMin, "RECORD_BAD_LENGTH");
    checkHeader(payload);
  },

  async apply({ payload, state, sender, transaction, block, emit }) {
    const { recordNonce, ...fields } = payload;
    const { height, timestampMs } = block;
    const entry = { ...fields, author: sender!.signKey, height, timestampMs };
    state.putValue(keyOf(prefixes.recordPut, payload.recordId), RecordPutEntry, entry);
    state.append(prefixes.recordPuts, NONE, payload.recordId);
    if (recordNonce >= queries.nextNonces(state, transaction.sender).record) {
      state.putCounter(keyOf(prefixes.recordNonce, transaction.sender), recordNonce + 1);
    }
    emit({ type: "record-put", recordId: payload.recordId });
    return "OK";
  },
};

/** The header decodes, and has one digest for every chunk that a ciphertext of this length has (CS01 §11.1). */
function checkHeader({ header, lengthBytes }: RecordPut): void {
  const { version, log2ChunkBytes, chunkDigests } = readHeader(header);
  ensure(version === 1 && log2ChunkBytes >= 16 && log2ChunkBytes <= 20, "RECORD_BAD_HEADER");
  const sealedChunkBytes = 2 ** log2ChunkBytes + TAG_SIZE_BYTES;
  const chunks = Math.ceil((lengthBytes - HEAD_SIZE_BYTES) / sealedChunkBytes);
  ensure(chunkDigests.length === chunks, "RECORD_BAD_HEADER");
}

function readHeader(header: Uint8Array): RecordHeader {
  try {
    return decodeStrict(RecordHeader, header, "record header");
  } catch (error) {
    if (codeOf(error) !== "BAD_ENCODING") throw error;
    return refuse("RECORD_BAD_HEADER");
  }
}
