import { inlineVoteVerifier, type VoteVerifier } from "@consilium/consensus";
import { type CryptoPool, toHex, type VoteSuite } from "@consilium/crypto";
import {
  ChainDriver,
  ceremonyHasWork,
  type NamedTip,
  prefixedStore,
  type StartMark,
} from "@consilium/driver";
import { type Application, createAllianceLedger, createRecordLedger } from "@consilium/ledger";
import {
  ChainKind,
  type Clock,
  chainIdOf,
  type Genesis,
  type Log,
  type Store,
  type Transport,
  type Vote,
} from "@consilium/protocol";
import { type Network, soloTransport } from "../network/index.js";
import { systemClock, systemRandom } from "./system-ports.js";
import { loadVoteSuite, voteSignerOf } from "./vote-keys.js";

export interface OpenChainOptions {
  readonly genesis: Genesis;
  /** The node's one database; each chain keeps its keys under its own leading byte, the genesis kind. */
  readonly store: Store;
  /** Not needed by a chain with one seat, which has nobody to talk to. */
  readonly network?: Network;
  /** Ed25519 public key of this node, 32 bytes. */
  readonly nodeId: Uint8Array;
  /** BLS vote secret, 32 bytes; without it the node follows. The caller zeroises it after `stop`. */
  readonly voteSecretKey?: Uint8Array;
  /** The vote key voted on this chain before, see {@link VotedMarks}. */
  readonly hasVoted?: boolean;
  /** Recognises a store that was restored from a copy, see {@link VotedMarks}. */
  readonly startMark?: StartMark;
  /** The operator's word for the newest block of a chain that tolerates no fault, see {@link NamedTip}. */
  readonly namedTip?: NamedTip;
  /** Take the state of a boundary block instead of executing all blocks, where this node has no chain yet. */
  readonly stateSync?: boolean;
  /** Two votes that contradict each other. */
  readonly onEvidence?: (first: Vote, second: Vote) => void;
  readonly pool: CryptoPool;
  readonly log: Log;
  readonly clock?: Clock;
  /** Loaded when absent; pass one to share it between chains. */
  readonly voteSuite?: VoteSuite;
  readonly onFatal?: (error: unknown) => void;
}

/**
 * One chain on this node's real ports, not started yet. The genesis says whether it is the alliance's or a private one.
 * Install the chain before `network.start()`, so that no message meets a node that does not know the chain.
 */
export async function openChain(options: OpenChainOptions): Promise<ChainDriver> {
  const {
    genesis,
    store,
    network,
    nodeId,
    voteSecretKey,
    pool,
    log,
    onFatal,
    startMark,
    namedTip,
    onEvidence,
  } = options;
  const suite = options.voteSuite ?? (await loadVoteSuite(log));
  const verifier = inlineVoteVerifier(suite, systemRandom);
  return new ChainDriver({
    genesis,
    application: applicationOf(genesis, pool, verifier),
    identity: {
      nodeId,
      hasVoted: options.hasVoted === true,
      ...(voteSecretKey === undefined ? {} : { voteSigner: voteSignerOf(suite, voteSecretKey) }),
      ...(startMark === undefined ? {} : { startMark }),
      ...(namedTip === undefined ? {} : { namedTip }),
    },
    stateSync: options.stateSync === true,
    store: prefixedStore(store, Uint8Array.of(genesis.kind)),
    transport: transportOf(options),
    verifier,
    clock: options.clock ?? systemClock,
    random: systemRandom,
    log,
    onPeerFault: (peer, code) => network?.chargePeer(peer, code),
    ...(genesis.kind === ChainKind.alliance ? { hasWork: ceremonyHasWork } : {}),
    ...(onFatal === undefined ? {} : { onFatal }),
    ...(onEvidence === undefined ? {} : { onEvidence }),
  });
}

function applicationOf(genesis: Genesis, pool: CryptoPool, verifier: VoteVerifier): Application {
  return genesis.kind === ChainKind.alliance
    ? createAllianceLedger(genesis, pool, { verifier })
    : createRecordLedger(genesis, pool);
}

function transportOf({ genesis, network, nodeId }: OpenChainOptions): Transport {
  if (genesis.seats === 1 || network === undefined) return soloTransport(toHex(nodeId));
  return network.transportFor(chainIdOf(genesis));
}
