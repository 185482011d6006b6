/** Typed calls of the HTTP contract: signs, retries what is safe to retry, turns refusals into ConsiliumError. */
import { ConsiliumError, type ErrorDetails, utf8 } from "@consilium/crypto";
import { type RequestSigner, signRequest } from "../http/signature.js";
import { type ClientPorts, delay } from "../ports.js";
import { RETRYABLE_STATUSES, type Route } from "./contract.js";

export interface HttpApiOptions {
  /** Base URLs of nodes, the preferred one first. Admin routes need exactly the member's own node. */
  readonly baseUrls: readonly string[];
  readonly ports: Pick<ClientPorts, "fetch" | "clock" | "random">;
  /** Who signs `user`, `admin` and `optional` routes. */
  readonly signer?: RequestSigner;
  /** Limit of one attempt; default 40 s, above the longest wait a route allows. */
  readonly attemptTimeoutMs?: number;
  /** How long a call goes on over transient failures (a node that restarts); default 30 s. */
  readonly retryForMs?: number;
}

export interface CallOptions {
  /** Instead of the API's own; 0 means one attempt. */
  readonly retryForMs?: number;
  /** Gives up when aborted: for answers that nobody needs any more. */
  readonly signal?: AbortSignal;
}

const RETRY_DELAY_FIRST_MS = 100;
const RETRY_DELAY_MAX_MS = 2_000;
const ATTEMPT_TIMEOUT_MS = 40_000;
const RETRY_FOR_MS = 30_000;

/** What one attempt came to: an answer, or a failure that may or may not pass. */
type Attempt<Answer> =
  | { readonly answer: Answer }
  | { readonly error: ConsiliumError; readonly isTransient: boolean };

export class HttpApi {
  constructor(private readonly options: HttpApiOptions) {
    if (options.baseUrls.length === 0) {
      throw new ConsiliumError("API_NO_URL", "Give the base URL of at least one node.");
    }
  }

  /** The same nodes with another signer. */
  as(signer: RequestSigner): HttpApi {
    return new HttpApi({ ...this.options, signer });
  }

  /**
   * Calls a route. A transient failure is tried again on the next base URL, with growing pauses.
   * Throws ConsiliumError with the server's code; `API_UNREACHABLE`, `API_TIMEOUT`, `API_BAD_ANSWER`, `API_NO_SIGNER`.
   */
  async call<Parameters, Body, Answer>(
    route: Route<Parameters, Body, Answer>,
    parameters: Parameters,
    ...rest: Body extends undefined
      ? [body?: undefined, options?: CallOptions]
      : [body: Body, options?: CallOptions]
  ): Promise<Answer> {
    const [body, options] = rest;
    const { clock } = this.options.ports;
    const giveUpAtMs = clock.nowMs() + (options?.retryForMs ?? this.options.retryForMs ?? RETRY_FOR_MS);
    let pauseMs = RETRY_DELAY_FIRST_MS;
    for (let attempts = 0; ; attempts++) {
      const baseUrl = this.options.baseUrls[attempts % this.options.baseUrls.length]!;
      const attempt = await this.#attempt(baseUrl, route, parameters, body, options?.signal);
      if ("answer" in attempt) return attempt.answer;
      if (!attempt.isTransient || clock.nowMs() + pauseMs > giveUpAtMs) throw attempt.error;
      await delay(clock, pauseMs, options?.signal);
      if (options?.signal?.aborted === true) throw attempt.error;
      pauseMs = Math.min(2 * pauseMs, RETRY_DELAY_MAX_MS);
    }
  }

  async #attempt<Parameters, Body, Answer>(
    baseUrl: string,
    route: Route<Parameters, Body, Answer>,
    parameters: Parameters,
    body: Body | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Attempt<Answer>> {
    const url = urlOf(baseUrl, route.path, parameters as QueryValues);
    const octets = encodeBody(route, body);
    const headers = await this.#headers(route, url, octets);
    const abort = new AbortController();
    const timeoutMs = this.options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS;
    let hasTimedOut = false;
    const timer = this.options.ports.clock.setTimer(timeoutMs, () => {
      hasTimedOut = true;
      abort.abort();
    });
    const stop = () => abort.abort();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const response = await this.options.ports.fetch(url, {
        method: route.method,
        headers,
        signal: abort.signal,
        ...(octets === undefined ? {} : { body: octets as Uint8Array<ArrayBuffer> }),
      });
      return await readAnswer<Answer>(route, response);
    } catch (cause) {
      return { error: unreachable(url, hasTimedOut, timeoutMs, cause), isTransient: true };
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", stop);
    }
  }

  async #headers<Parameters, Body, Answer>(
    route: Route<Parameters, Body, Answer>,
    url: URL,
    body: Uint8Array | undefined,
  ): Promise<Record<string, string>> {
    const type = route.requestBody === "octets" ? "application/octet-stream" : "application/json";
    const plain: Record<string, string> = body === undefined ? {} : { "content-type": type };
    const { signer, ports } = this.options;
    if (route.role === "public" || (route.role === "optional" && signer === undefined)) return plain;
    if (signer === undefined) {
      throw new ConsiliumError(
        "API_NO_SIGNER",
        "This call is made in somebody's name; open a wallet or a node key.",
      );
    }
    const signed = await signRequest({
      method: route.method,
      url,
      signer,
      random: ports.random.bytes(16),
      nowMs: ports.clock.nowMs(),
      ...(body === undefined ? {} : { body }),
    });
    return { ...plain, ...signed };
  }
}

/** A list is sent by repeating its name. */
type QueryValues = Readonly<Record<string, string | number | readonly string[] | undefined>>;

function urlOf(baseUrl: string, path: string, parameters: QueryValues): URL {
  const left = new Map(Object.entries(parameters));
  const filled = path.replace(/:([a-zA-Z]+)/g, (_match, name: string) => {
    const value = left.get(name);
    left.delete(name);
    return encodeURIComponent(String(value));
  });
  const url = new URL(baseUrl.replace(/\/+$/, "") + filled);
  for (const [name, value] of left) {
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    for (const each of values) url.searchParams.append(name, String(each));
  }
  return url;
}

function encodeBody(
  route: Pick<Route<unknown, unknown, unknown>, "requestBody">,
  body: unknown,
): Uint8Array | undefined {
  if (route.requestBody === "none") return undefined;
  return route.requestBody === "octets" ? (body as Uint8Array) : utf8(JSON.stringify(body));
}

async function readAnswer<Answer>(
  route: Pick<Route<unknown, unknown, unknown>, "answerBody">,
  response: Response,
): Promise<Attempt<Answer>> {
  const octets = new Uint8Array(await response.arrayBuffer());
  if (response.ok && route.answerBody === "octets") return { answer: octets as Answer };
  const body = parseJson(octets);
  if (response.ok && body !== undefined) return { answer: body as Answer };
  return {
    error: refusalOf(response.status, body),
    isTransient: RETRYABLE_STATUSES.includes(response.status),
  };
}

function parseJson(octets: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(octets));
  } catch {
    return undefined;
  }
}

/** The server's own code and sentence, or `API_BAD_ANSWER` when something else than a node answered. */
function refusalOf(status: number, body: unknown): ConsiliumError {
  const error = (
    body as { error?: { code?: unknown; message?: unknown; details?: ErrorDetails } } | undefined
  )?.error;
  if (typeof error?.code === "string" && typeof error.message === "string") {
    return new ConsiliumError(error.code, error.message, { ...error.details, status });
  }
  return new ConsiliumError(
    "API_BAD_ANSWER",
    "What answered is not a Consilium node; check the address and what stands in between.",
    { status },
  );
}

function unreachable(url: URL, hasTimedOut: boolean, timeoutMs: number, cause: unknown): ConsiliumError {
  const details = { url: url.origin, path: url.pathname };
  return hasTimedOut
    ? new ConsiliumError(
        "API_TIMEOUT",
        "The node did not answer in time; try again.",
        { ...details, timeoutMs },
        { cause },
      )
    : new ConsiliumError(
        "API_UNREACHABLE",
        `No node answers at ${url.origin}; check the address and that the node runs.`,
        details,
        { cause },
      );
}
