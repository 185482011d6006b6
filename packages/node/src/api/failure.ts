import type { ErrorBody } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";

/** Codes by the HTTP status that fits them; every other coded refusal is 422, and an uncoded failure is 500. */
const STATUSES: Readonly<Record<number, readonly string[]>> = {
  400: ["BAD_ENCODING", "BAD_LENGTH", "BAD_IDENTITY", "BAD_POINT", "REQUEST_MALFORMED", "TX_TOO_LARGE"],
  401: [
    "AUTH_MISSING",
    "AUTH_BAD_SIGNATURE",
    "AUTH_EXPIRED",
    "AUTH_WRONG_AUTHORITY",
    "AUTH_UNKNOWN_KEY",
    "AUTH_REPLAYED",
    "AUTH_BAD_DIGEST",
  ],
  403: [
    "ROLE_REQUIRED",
    "DEMO_NOT_ALLOWED",
    "BODY_NOT_ALLOWED",
    "BODY_BAD_REQUEST",
    "EXTRACT_BAD_REQUEST",
    "NOT_YOURS",
    "NOT_A_MEMBER",
  ],
  404: [
    "ROUTE_UNKNOWN",
    "BLOCK_UNKNOWN",
    "EPOCH_UNKNOWN",
    "UNKNOWN_ACCOUNT",
    "NO_CATALOGUE",
    "RECORD_UNKNOWN",
    "REQ_UNKNOWN",
    "BODY_MISSING",
    "RECORD_NOT_HERE",
  ],
  405: ["METHOD_NOT_ALLOWED"],
  409: ["CATALOGUE_STALE", "RECORD_ID_USED", "BLOB_MISSING"],
  413: ["BODY_TOO_LARGE", "PAYLOAD_TOO_LARGE"],
  415: ["MEDIA_TYPE_UNKNOWN"],
  429: ["RATE_LIMITED", "BUSY", "TX_TOO_MANY", "MEMPOOL_FULL", "ACCOUNT_QUOTA"],
  503: [
    "NOT_READY",
    "NOT_PROVABLE",
    "TIP_STALE",
    "CLOCK_WRONG",
    "KEY_CENTRE_NO_SHARE",
    "PROXY_NO_SHARE",
    "CHAIN_STOPPED",
    "STORE_CLOSED",
  ],
  504: ["REQUEST_TIMEOUT", "REQUEST_UNREACHABLE"],
};

const statusOf = new Map(
  Object.entries(STATUSES).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);

/** Errors that Fastify raises before a handler runs. */
const FASTIFY_CODES: Readonly<Record<string, readonly [code: string, sentence: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["BODY_TOO_LARGE", "The body is over the limit of this route."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    "MEDIA_TYPE_UNKNOWN",
    "Send application/json, or application/octet-stream where the route says so.",
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    "REQUEST_MALFORMED",
    "The body's length is not the one that was announced.",
  ],
};

/** What a client is told about an error: a code and a sentence, never a stack or an inner cause. */
export interface Failure {
  readonly status: number;
  readonly body: ErrorBody;
  /** True for an error that has no code of its own: a defect that belongs into the log. */
  readonly isInternal: boolean;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof ConsiliumError) {
    const { code, message, details } = error;
    return {
      status: statusOf.get(code) ?? 422,
      body: { error: { code, message, details } },
      isInternal: code === "INTERNAL",
    };
  }
  const known = FASTIFY_CODES[String((error as { code?: unknown } | null)?.code)];
  if (known !== undefined) {
    const [code, message] = known;
    return { status: statusOf.get(code) ?? 400, body: { error: { code, message } }, isInternal: false };
  }
  const message = "The node failed at this request; its operator finds the reason in the log.";
  return { status: 500, body: { error: { code: "INTERNAL", message } }, isInternal: true };
}
