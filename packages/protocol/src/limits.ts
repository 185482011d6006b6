/**
 * Every named bound of queues, lists, messages and maps, in one place. Sizes are bytes unless the name says otherwise.
 * A value that crosses a limit is refused with a code, never truncated.
 */
export const limits = {
  /** Payload of one transaction's kind-specific part. */
  transactionPayloadBytes: 65_536,
  /** Transactions of one block, encoded. Voters judge by this; builders may fill less. */
  blockPayloadBytes: 2 * 1024 * 1024,
  transactionsPerBlock: 4_096,
  factsPerBlock: 62,
  /** Notarized blocks above the finalized tip beyond which payloads are empty. */
  unfinalizedBlocks: 16,
  nullificationsPerProposal: 64,
  validators: 31,
  validatorsMin: 4,
  membersMax: 500,
  /** One message on a consensus stream or gossip topic. */
  consensusMessageBytes: 64 * 1024,
  gossipMessageBytes: 3 * 1024 * 1024,
  /** One response on a request stream, other than streamed bodies. */
  responseBytes: 8 * 1024 * 1024,
  blocksPerSyncResponse: 64,
  mempoolTransactions: 20_000,
  mempoolBytes: 64 * 1024 * 1024,
  mempoolTransactionsPerAccount: 256,
  /** A transaction may name an expiry at most this far above the finalized height. */
  expiryHeightsAhead: 100_000,
  recordsPerAccess: 256,
  grantScopeBytes: 512,
  grantBodyBytes: 4_096,
  recordHeaderBytes: 32_768,
  sealedRequestBytes: 2_048,
  ceremonyMessageBytes: 16_384,
  nameBytes: 128,
  apiBodyBytes: 1024 * 1024,
  /** One FHIR bundle handed to the importer. */
  bundleBytes: 256 * 1024 * 1024,
} as const;
