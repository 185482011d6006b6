import { accessView, grantView, recordView, requestView } from "@consilium/client";
import { ConsiliumError, equalBytes, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import {
  BodyChunkRequest,
  decodeStrict,
  ExtractRequest,
  FragmentRequest,
  limits,
  Purpose,
  RequestProtocol,
} from "@consilium/protocol";
import type { Catalogues } from "./catalogues.js";
import type { ApiPorts } from "./ports.js";
import { accountOf, fieldOf, type Handlers, hexField, idOf, malformed, numberOf } from "./router.js";

type UserRoute =
  | "extract"
  | "fragment"
  | "bodyChunk"
  | "records"
  | "grants"
  | "requests"
  | "audit"
  | "putCatalogue";

const RELAY_TIMEOUT_MS = 10_000;
const EXTRACT_REQUEST_BYTES_MAX = 1_024;
const BODY_REQUEST_BYTES_MAX = 256;
const CATALOGUE_BYTES_MAX = 65_536;
/** Entries of one list in an answer. */
const LIST_MAX = 10_000;

/** Routes for users: relays to the nodes that answer them, and what the chain holds about the signer. */
export function userHandlers(ports: ApiPorts, catalogues: Catalogues): Pick<Handlers, UserRoute> {
  const { alliance } = ports;
  return {
    extract: async (call) => {
      const encoded = hexField(call.body, "request", EXTRACT_REQUEST_BYTES_MAX);
      const request = decodeStrict(ExtractRequest, encoded, "extraction request");
      requireOwn(accountOf(call), request.account);
      const { keyNo, shareEpoch, index } = request;
      const node = memberAt(ports, Purpose.keyCentre, { keyNo, shareEpoch }, index);
      const answer = await relay(ports, node, RequestProtocol.extract, encoded, (body) =>
        ports.keyCentre.serve(ownName(ports), body),
      );
      return { answer: toHex(answer) };
    },
    fragment: async (call) => {
      const requestId = idOf(String(fieldOf(call.body, "requestId")), "requestId");
      const index = numberOf(fieldOf(call.body, "index"), "index", 1, limits.validators);
      const access = queries.access(alliance.state(), requestId);
      if (access === undefined) {
        throw new ConsiliumError("REQ_UNKNOWN", "No finalized access with this request id is known here.");
      }
      requireOwn(accountOf(call), access.recipient);
      const node = memberAt(ports, Purpose.proxy, access, index);
      const encoded = FragmentRequest.serialize({ requestId });
      const fragment = await relay(ports, node, RequestProtocol.fragment, encoded, (body) =>
        ports.proxy.serve(ownName(ports), body),
      );
      return { fragment: toHex(fragment) };
    },
    bodyChunk: async (call) => {
      const recordId = idOf(call.parameters.recordId, "recordId");
      const chunk = numberOf(call.parameters.chunk, "chunk", 0, limits.responseBytes);
      const encoded = hexField(call.body, "request", BODY_REQUEST_BYTES_MAX);
      const request = decodeStrict(BodyChunkRequest, encoded, "body request");
      requireOwn(accountOf(call), request.account);
      if (!equalBytes(request.recordId, recordId) || request.chunk !== chunk) {
        throw malformed("The request in the body must name the record and chunk of the path.");
      }
      const record = queries.record(alliance.state(), recordId);
      if (record === undefined) {
        throw new ConsiliumError(
          "RECORD_UNKNOWN",
          "No record with this id is indexed here; wait until it is final.",
        );
      }
      return relay(ports, record.custodian, RequestProtocol.bodyChunk, encoded, (body) =>
        ports.bodies.serve(ownName(ports), body),
      );
    },
    records: async (call) => {
      const owner = idOf(call.parameters.owner, "owner");
      const { label } = call.parameters;
      // Labels are salted: whoever names one was told it by the owner. Without one it is the owner's own list.
      if (label === undefined) requireOwn(accountOf(call), owner);
      const state = alliance.state();
      const page = { limit: LIST_MAX };
      const entries =
        label === undefined
          ? queries.recordsOfOwner(state, owner, page)
          : queries.recordsOfLabel(state, owner, idOf(label, "label"), page);
      return { records: entries.reverse().map(recordView) };
    },
    grants: async (call) => {
      const state = alliance.state();
      const side = call.parameters.as;
      if (side !== "owner" && side !== "recipient") throw malformed('"as" must be owner or recipient.');
      const list = side === "owner" ? queries.grantsOfOwner : queries.grantsOfRecipient;
      const entries = list(state, accountOf(call), { limit: LIST_MAX });
      return { timeMs: alliance.finalized().timestampMs, grants: entries.reverse().map(grantView) };
    },
    requests: async (call) => {
      const state = alliance.state();
      const entries = queries.requestsOfOwner(state, accountOf(call), { limit: LIST_MAX });
      return { requests: entries.reverse().map((entry) => requestView(state, entry)) };
    },
    audit: async (call) => {
      const state = alliance.state();
      const entries = queries.accessesOfOwner(state, accountOf(call), { limit: LIST_MAX });
      return { accesses: entries.reverse().map((entry) => accessView(state, entry)) };
    },
    putCatalogue: async (call) => {
      const message = hexField(call.body, "catalogue", CATALOGUE_BYTES_MAX);
      return { number: await catalogues.put(accountOf(call), message) };
    },
  };
}

const ownName = (ports: ApiPorts): string => toHex(ports.keys.node.publicKey);

function requireOwn(signer: Uint8Array, account: Uint8Array): void {
  if (equalBytes(signer, account)) return;
  throw new ConsiliumError("NOT_YOURS", "The request names another account than the one that signed it.");
}

/** Node key of the member with an index in a generation of a committee. */
function memberAt(
  { alliance }: ApiPorts,
  purpose: Purpose,
  generation: { readonly keyNo: number; readonly shareEpoch: number },
  index: number,
): Uint8Array {
  const { keyNo, shareEpoch } = generation;
  const committee = queries.committee(alliance.state(), purpose, keyNo, shareEpoch);
  if (committee === undefined) {
    throw new ConsiliumError("WRONG_KEY_GENERATION", "No committee of this key generation is known here.");
  }
  const node = committee.members[index - 1];
  if (node === undefined)
    throw new ConsiliumError("BAD_INDEX", "The committee has no member with this index.", { index });
  return node;
}

/** Hands a request to the node that answers it, or to this node's own service. */
function relay(
  ports: ApiPorts,
  node: Uint8Array,
  protocol: string,
  body: Uint8Array,
  own: (body: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (equalBytes(node, ports.keys.node.publicKey)) return own(body);
  return ports.transport.request(toHex(node), protocol, body, { timeoutMs: RELAY_TIMEOUT_MS });
}
