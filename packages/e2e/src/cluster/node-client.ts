import { HttpApi, type HttpApiOptions, type RequestSigner } from "@consilium/client";
import type { NodeFiles } from "./alliance.js";

/** Above what a busy node needs, far below what a paused one takes. */
const ATTEMPT_TIMEOUT_MS = 10_000;

export type NodeApiPorts = HttpApiOptions["ports"];

/** Ports of the client made of what Node has. */
export const apiPorts: NodeApiPorts = {
  fetch: (input, init) => globalThis.fetch(input, init),
  clock: {
    nowMs: () => Date.now(),
    setTimer(delayMs, callback) {
      const handle = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(handle) };
    },
  },
  random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
};

/** The public API of one node: every call is one attempt, and the caller decides what a failure means. */
export function apiOf(files: NodeFiles, signer: RequestSigner): HttpApi {
  return new HttpApi({
    baseUrls: [files.apiUrl],
    ports: apiPorts,
    signer,
    attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
    retryForMs: 0,
  });
}
