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
  /** Candidates over which one member spreads its stake. */
  stakeVotesPerMember: 16,
  /** Open proposals of governance beyond which a member may have only its reserved few. */
  openProposals: 64,
  /** Transactions of one user's account in one block; members, who import in bulk, are bound by the block and the next limit. */
  transactionsPerUserPerBlock: 64,
  /** Those of one member among them that are judged by curve work, which a refused transaction makes as well. */
  costlyTransactionsPerMemberPerBlock: 16,
  /** One message on a consensus stream or gossip topic. */
  consensusMessageBytes: 64 * 1024,
  gossipMessageBytes: 3 * 1024 * 1024,
  /** One response on a request stream, other than streamed bodies. */
  responseBytes: 8 * 1024 * 1024,
  blocksPerSyncResponse: 64,
  handoversPerResponse: 64,
  /** State entries of one snapshot chunk, encoded; one entry alone may be larger. */
  snapshotChunkBytes: 1024 * 1024,
  /** Chunks of one snapshot: with full chunks, 64 GiB of state. */
  snapshotChunks: 65_536,
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
