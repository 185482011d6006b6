import { accountId, ConsiliumError, ed25519Sign, toHex } from "@consilium/crypto";
import { queries, type RecordPutEntry } from "@consilium/ledger";
import {
  attestationBytes,
  decodeStrict,
  limits,
  RecordPut,
  Role,
  SignedTransaction,
  TransactionKind,
} from "@consilium/protocol";
import { RESERVE_MAX } from "../records/index.js";
import type { Catalogues } from "./catalogues.js";
import type { ApiPorts } from "./ports.js";
import { fieldOf, type Handlers, hexField, idOf, malformed, numberOf } from "./router.js";

type AdminRoute =
  | "attest"
  | "catalogue"
  | "reserveRecords"
  | "putBlob"
  | "putRecord"
  | "hospitalRecords"
  | "demoLie";

const RECORD_BYTES_MAX = limits.transactionPayloadBytes;
const LIST_MAX = 10_000;

/** Routes for the hospital's own administrator: enrolment, records, and demonstrations. */
export function adminHandlers(ports: ApiPorts, catalogues: Catalogues): Pick<Handlers, AdminRoute> {
  return {
    attest: async ({ body }) => {
      const { keys, alliance, log } = ports;
      const signKey = idOf(String(fieldOf(body, "signKey")), "signKey");
      const exchangeKey = idOf(String(fieldOf(body, "exchangeKey")), "exchangeKey");
      const roleName = fieldOf(body, "role");
      if (roleName !== "owner" && roleName !== "recipient")
        throw malformed('"role" must be owner or recipient.');
      const role = Role[roleName];
      const member = keys.node.publicKey;
      const signed = attestationBytes(alliance.chainId, { signKey, exchangeKey, role, member });
      const account = toHex(accountId(alliance.chainId, signKey));
      log.info({ account, role: roleName }, "enrolment.attested");
      return { account, member: toHex(member), attestation: toHex(ed25519Sign(keys.node.secretKey, signed)) };
    },
    catalogue: async ({ parameters }) => {
      const { owner, number, entries } = catalogues.open(idOf(parameters.owner, "owner"));
      const rows = entries.map(({ type, version, salt }) => ({ type, version, salt: toHex(salt) }));
      return { owner: toHex(owner), number, entries: rows };
    },
    reserveRecords: async ({ body }) => {
      const count = numberOf(fieldOf(body, "count"), "count", 1, RESERVE_MAX);
      const reserved = await ports.author.reserve(count);
      return {
        author: toHex(ports.keys.node.publicKey),
        reserved: reserved.map(({ recordNonce, recordId }) => ({ recordNonce, recordId: toHex(recordId) })),
      };
    },
    putBlob: async ({ parameters, octets, signer }) => {
      const digest = idOf(parameters.digest, "digest");
      // The signature covers the Content-Digest, so it must be the digest that the path names.
      if (signer?.verified.bodyDigest === undefined || toHex(signer.verified.bodyDigest) !== toHex(digest)) {
        throw new ConsiliumError(
          "PAYLOAD_DIGEST",
          "The digest in the path is not the Content-Digest that was signed.",
        );
      }
      if (octets === undefined) throw malformed("Send the ciphertext as application/octet-stream.");
      const { lengthBytes } = await ports.blobs.put(digest, octets);
      return { digest: toHex(digest), lengthBytes };
    },
    putRecord: async ({ body }) => {
      const receipt = await ports.author.put(hexField(body, "record", RECORD_BYTES_MAX));
      return {
        recordId: toHex(receipt.recordId),
        privateHeight: receipt.privateHeight,
        height: receipt.height,
        transaction: toHex(receipt.transaction),
      };
    },
    hospitalRecords: async () => {
      const entries = queries.recordPuts(ports.private.state(), { limit: LIST_MAX });
      return { records: entries.reverse().map((entry) => hospitalRecordView(ports, entry)) };
    },
    demoLie: async ({ body }) => {
      const lie = fieldOf(body, "lie");
      if (typeof lie !== "boolean") throw malformed('"lie" must be true or false.');
      if (!ports.allowFaults) {
        throw new ConsiliumError(
          "DEMO_NOT_ALLOWED",
          "Set demo.allowFaults in the config of a demonstration's node.",
        );
      }
      ports.proxy.setLying(lie);
      return { lie };
    },
  };
}

function hospitalRecordView(ports: ApiPorts, entry: RecordPutEntry) {
  const index = queries.record(ports.alliance.state(), entry.recordId);
  return {
    recordId: toHex(entry.recordId),
    recordNonce: recordNonceOf(ports, entry),
    owner: toHex(entry.owner),
    label: toHex(entry.label),
    lengthBytes: entry.lengthBytes,
    digest: toHex(entry.digest),
    dateBucket: entry.dateBucket,
    privateHeight: entry.height,
    indexHeight: index?.height ?? null,
  };
}

/** The nonce behind a record id: it stands in the transaction alone, not in the state. */
function recordNonceOf(ports: ApiPorts, entry: RecordPutEntry): number {
  const id = toHex(entry.recordId);
  for (const encoded of ports.private.blockAt(entry.height)?.payload.transactions ?? []) {
    const { transaction } = decodeStrict(SignedTransaction, encoded, "transaction");
    if (transaction.kind !== TransactionKind.recordPut) continue;
    const record = decodeStrict(RecordPut, transaction.payload, "record");
    if (toHex(record.recordId) === id) return record.recordNonce;
  }
  throw new ConsiliumError("STORE_CORRUPT", "A record's block is missing; let the node sync again.", {
    record: id,
  });
}
