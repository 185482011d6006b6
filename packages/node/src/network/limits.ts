import { limits } from "@consilium/protocol";

/** Bounds of the network layer. Durations are milliseconds, sizes bytes. */
export const networkLimits = {
  /** A consensus message with the tag of its chain. */
  consensusFrameBytes: limits.consensusMessageBytes + 8,
  /** What waits for one slow peer; older messages are dropped first, because newer ones replace them. */
  consensusQueueMessages: 512,
  consensusQueueBytes: 2 * 1024 * 1024,
  /** Frames written together, so that a burst of votes costs one encryption. */
  coalescedBytes: 64 * 1024,
  requestBytes: 1024 * 1024,
  /** A response with its status byte. */
  responseFrameBytes: limits.responseBytes + 1,
  /** Requests of one peer that are answered at the same time; more are refused. */
  inboundRequestsPerPeer: 64,
  /** Requests to one peer under way at the same time; more wait. */
  outboundRequestsPerPeer: 32,
  /** A peer that opened a request stream must have sent the request by then. */
  requestReadTimeoutMs: 10_000,
  /** Answers that one peer asked for and has not read yet; what is above is refused. */
  unreadAnswerBytesPerPeer: 8 * (limits.responseBytes + 1),
  /** A peer must have read its answer by then; a full one takes that long on a line of 2 Mbit/s. */
  answerReadTimeoutMs: 35_000,
  streamOpenTimeoutMs: 10_000,
  redialFirstMs: 250,
  redialMaxMs: 15_000,
  /** How long a peer that was thrown out may not come back. */
  banishmentMs: 30_000,
  /** Faults that are forgiven before a peer is thrown out; one fault is forgotten each `faultDecayMs`. */
  faultsForgiven: 20,
  faultDecayMs: 10_000,
} as const;
