/**
 * The HTTP contract between a hospital's node and its users, as one typed table: server, SDK and command line are all
 * built from it. JSON in and out unless a route says `octets`; shapes in `views.ts`.
 *
 * Roles. `public` needs no signature. `user` needs an HTTP message signature (RFC 9421, Ed25519) of a registered
 * account, keyid = account id. `admin` needs one of the member's own node key, keyid = node id. See `http/signature.ts`.
 * `optional` answers what is public to everybody, and the rest to whom it concerns: a request may be signed by an account,
 * or by any member's node key, and a signature that is there must hold.
 *
 * Refusals are {@link ErrorBody} with a fitting status: 400 malformed, 401 signature missing or wrong, 403 role or
 * right missing, 404 unknown thing, 409 conflict, 413 too large, 422 refused by a rule of the chain, 429 quota,
 * 503 not ready (node starts, catches up, no committee yet), 504 the other node did not answer. A client may repeat
 * 429, 503, 504 and broken connections; every route is safe to repeat.
 */
import type * as views from "./views.js";

export type * from "./views.js";

export type RouteRole = "public" | "optional" | "user" | "admin";

declare const shapes: unique symbol;

/** One route. The type parameters are the values of path and query, the body, and the answer. */
export interface Route<Parameters, Body, Answer> {
  readonly method: "GET" | "POST" | "PUT";
  /** Path below the base URL; `:name` stands for a parameter. Parameters not in the path travel in the query. */
  readonly path: string;
  readonly role: RouteRole;
  /** What the request body is. Default: JSON for POST and PUT, nothing for GET. */
  readonly requestBody: "none" | "json" | "octets";
  readonly answerBody: "json" | "octets";
  /** Exists for the types alone. */
  readonly [shapes]?: (parameters: Parameters, body: Body) => Answer;
}

type NoParameters = Readonly<Record<never, never>>;
type Hex = views.Hex;

const get = <Parameters, Answer>(role: RouteRole, path: string): Route<Parameters, undefined, Answer> => ({
  method: "GET",
  path,
  role,
  requestBody: "none",
  answerBody: "json",
});
const post = <Parameters, Body, Answer>(role: RouteRole, path: string): Route<Parameters, Body, Answer> => ({
  method: "POST",
  path,
  role,
  requestBody: "json",
  answerBody: "json",
});

/** Longest `waitMs` of a transaction query; longer values are refused. */
export const WAIT_MS_MAX = 30_000;

/** Most state keys in one request for proofs. */
export const PROOF_KEYS_MAX = 32;
/** Longest state key that is asked for, in bytes. */
export const PROOF_KEY_BYTES_MAX = 256;

export const routes = {
  status: get<NoParameters, views.StatusView>("public", "/v1/status"),
  genesis: get<NoParameters, views.GenesisView>("public", "/v1/genesis"),
  committees: get<NoParameters, views.CommitteesView>("public", "/v1/committees"),
  ceremonies: get<NoParameters, views.CeremoniesView>("public", "/v1/ceremonies"),
  /** 404 `UNKNOWN_ACCOUNT`. */
  account: get<{ readonly account: Hex }, views.AccountView>("public", "/v1/accounts/:account"),
  /** Body: hex of SSZ SignedTransaction, of the alliance chain. A known transaction is accepted again. */
  submitTransaction: post<NoParameters, { readonly transaction: Hex }, views.TransactionAccepted>(
    "public",
    "/v1/transactions",
  ),
  /** Answers at once when final, otherwise after at most `waitMs` (default 0, {@link WAIT_MS_MAX} at most). */
  transaction: get<{ readonly id: Hex; readonly waitMs?: number }, views.TransactionView>(
    "public",
    "/v1/transactions/:id",
  ),

  /** A final block of the alliance chain in short. 404 `BLOCK_UNKNOWN` above the tip, and below what this node keeps. */
  block: get<{ readonly height: number }, views.BlockView>("public", "/v1/blocks/:height"),
  /** Where the chain stands in its epochs, or how another epoch stood; 404 `EPOCH_UNKNOWN` for one not elected yet or long past. */
  epoch: get<{ readonly epoch?: number }, views.EpochView>("public", "/v1/epoch"),
  /** The validators of an epoch, which are its delegates, in order of their vote indices; the present epoch by default. */
  delegates: get<{ readonly epoch?: number }, views.DelegatesView>("public", "/v1/delegates"),
  /** Every member as the next election would rank it now, best first. */
  candidates: get<NoParameters, views.CandidatesView>("public", "/v1/candidates"),
  members: get<NoParameters, views.MembersView>("public", "/v1/members"),
  /** What members proposed, and how it stands. */
  proposals: get<NoParameters, views.ProposalsView>("public", "/v1/proposals"),
  /**
   * For light clients, which trust no node: the newest finalized header with the finalization that proves it.
   * 503 `NOT_PROVABLE` while the node holds none, before the first block.
   */
  lightHead: get<NoParameters, views.LightHeadView>("public", "/v1/light/head"),
  /** Hand-over proofs of consecutive epochs from `from` on: at most `count` (1 to 64), fewer where the chain ends. */
  lightHandovers: get<{ readonly from: number; readonly count: number }, views.LightHandoversView>(
    "public",
    "/v1/light/handovers",
  ),
  /**
   * Values of up to {@link PROOF_KEYS_MAX} state keys with their proofs under the state root of a finalized header; `key`
   * is repeated in the query. 503 `NOT_PROVABLE` for a moment after a restart: ask again after the next block.
   *
   * Keys of what the signed routes protect need a signature: lists are for the account that they are of, a grant, access
   * or request for its two sides, a record for its owner and for who names its label (the key of the label's list in the
   * same request). 401 `AUTH_MISSING`, 403 `NOT_YOURS`. Members' nodes hold the chain, so they may read all of it.
   */
  lightProof: get<{ readonly key: readonly Hex[] }, views.LightProofView>("optional", "/v1/light/proof"),

  /**
   * Relays a signed extraction request to the key-centre node that it names (over the nodes' own network).
   * Body: hex of SSZ ExtractRequest, whose account is the signer. Answer: gen(8) ‖ u16 k ‖ triple(192) ‖ signature(64)
   * as the node signed it (CS01 §7). A refusal of that node keeps its code.
   */
  extract: post<NoParameters, { readonly request: Hex }, { readonly answer: Hex }>("user", "/v1/extractions"),
  /** Relays a request for the sealed fragment of proxy `index` (from 1) for a finalized access. */
  fragment: post<
    NoParameters,
    { readonly requestId: Hex; readonly index: number },
    { readonly fragment: Hex }
  >("user", "/v1/fragments"),
  /**
   * Relays a signed request for one chunk of ciphertext to the record's custodian. Body: hex of SSZ BodyChunkRequest
   * for the same record and chunk. Answer: octets of SSZ BodyChunkResponse.
   */
  bodyChunk: {
    ...post<{ readonly recordId: Hex; readonly chunk: number }, { readonly request: Hex }, Uint8Array>(
      "user",
      "/v1/bodies/:recordId/chunks/:chunk",
    ),
    answerBody: "octets",
  } as Route<{ readonly recordId: Hex; readonly chunk: number }, { readonly request: Hex }, Uint8Array>,
  /** The index of an owner's label, oldest first; without a label the signer's own whole index (else 403 `NOT_YOURS`). */
  records: get<
    { readonly owner: Hex; readonly label?: Hex },
    { readonly records: readonly views.RecordView[] }
  >("user", "/v1/records"),
  /** The signer's grants, given (`owner`) or received (`recipient`), revoked and expired ones included. */
  grants: get<
    { readonly as: "owner" | "recipient" },
    { readonly timeMs: number; readonly grants: readonly views.GrantView[] }
  >("user", "/v1/grants"),
  /** access/requests addressed to the signer, oldest first. */
  requests: get<NoParameters, { readonly requests: readonly views.AccessRequestView[] }>(
    "user",
    "/v1/requests",
  ),
  /** Finalized accesses to the signer's records, oldest first. */
  audit: get<NoParameters, { readonly accesses: readonly views.AccessView[] }>("user", "/v1/audit"),
  /**
   * Leaves the signer's sealed type catalogue with this hospital. Body: hex of the message of `catalogue.ts`. The node
   * checks signature, addressee, and that the number is above the one it holds (409 `CATALOGUE_STALE`).
   */
  putCatalogue: {
    ...post<NoParameters, { readonly catalogue: Hex }, { readonly number: number }>("user", "/v1/catalogue"),
    method: "PUT",
  } as Route<NoParameters, { readonly catalogue: Hex }, { readonly number: number }>,

  /** The member vouches for a new person: Ed25519 over `attestationBytes` of the protocol, by the node key. */
  attest: post<
    NoParameters,
    { readonly signKey: Hex; readonly exchangeKey: Hex; readonly role: "owner" | "recipient" },
    { readonly account: Hex; readonly member: Hex; readonly attestation: Hex }
  >("admin", "/v1/enrolments"),
  /**
   * Signs and sends a member's own transaction: stake votes, candidacy, proposals, approvals, a safety reset. Waits until it
   * is final, at most `waitMs` (0 to {@link WAIT_MS_MAX}). 403 `NOT_A_MEMBER`, 503 `NOT_READY` while the node catches up.
   */
  memberAct: post<
    NoParameters,
    { readonly act: views.MemberAct; readonly waitMs: number },
    views.MemberActView
  >("admin", "/v1/member/acts"),
  /** An owner's catalogue, opened by the node with its exchange key. 404 `NO_CATALOGUE`. */
  catalogue: get<{ readonly owner: Hex }, views.CatalogueView>("admin", "/v1/catalogue/:owner"),
  /** Hands out record nonces that were never handed out before, with the record ids they make. */
  reserveRecords: post<
    NoParameters,
    { readonly count: number },
    {
      readonly author: Hex;
      readonly reserved: readonly { readonly recordNonce: number; readonly recordId: Hex }[];
    }
  >("admin", "/v1/records/reserve"),
  /**
   * Uploads a ciphertext: octets of the whole payload file, whose SHA-256 is both `digest` and the Content-Digest that
   * the request's signature covers. Refused with `PAYLOAD_DIGEST` when it differs. Repeating it is harmless.
   */
  putBlob: {
    method: "PUT",
    path: "/v1/blobs/:digest",
    role: "admin",
    requestBody: "octets",
    answerBody: "json",
  } as Route<{ readonly digest: Hex }, Uint8Array, { readonly digest: Hex; readonly lengthBytes: number }>,
  /**
   * Enters a record whose ciphertext was uploaded. Body: hex of SSZ RecordPut. The node signs record/put on the private
   * chain, waits until it is final, then signs record/index on the alliance chain (custodian: itself) and waits again.
   * Repeating it with the same bytes continues where it stopped and gives the same answer; other bytes under a used
   * record id are 409 `RECORD_ID_USED`.
   */
  putRecord: post<
    NoParameters,
    { readonly record: Hex },
    {
      readonly recordId: Hex;
      readonly privateHeight: number;
      readonly height: number;
      readonly transaction: Hex;
    }
  >("admin", "/v1/records"),
  /** All records of this hospital's private chain, oldest first. */
  hospitalRecords: get<NoParameters, { readonly records: readonly views.HospitalRecordView[] }>(
    "admin",
    "/v1/hospital/records",
  ),
  /** Makes this node's proxy answer with bad fragments, or stop doing so. 403 `DEMO_NOT_ALLOWED` unless configured. */
  demoLie: post<NoParameters, { readonly lie: boolean }, { readonly lie: boolean }>("admin", "/v1/demo/lie"),
} as const;

export type ParametersOf<R> =
  R extends Route<infer Parameters, infer _Body, infer _Answer> ? Parameters : never;
export type BodyOf<R> = R extends Route<infer _Parameters, infer Body, infer _Answer> ? Body : never;
export type AnswerOf<R> = R extends Route<infer _Parameters, infer _Body, infer Answer> ? Answer : never;

/** HTTP statuses after which the same request may be sent again. */
export const RETRYABLE_STATUSES: readonly number[] = [429, 502, 503, 504];
