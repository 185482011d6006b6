import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type CryptoPool, createCryptoPool, toHex, type VoteSuite } from "@consilium/crypto";
import { type Chain, type ChainDriver, type NamedTip, prefixedStore } from "@consilium/driver";
import { checkGenesis } from "@consilium/ledger";
import {
  chainIdOf,
  type Genesis,
  type Log,
  RequestProtocol,
  type Store,
  type Transport,
} from "@consilium/protocol";
import { ApiServer } from "./api/index.js";
import { loadVoteSuite, openChain, systemClock, systemRandom, VotedMarks } from "./chain/index.js";
import { CeremonyService, CommitteeSecrets, KeyCentre, ProxyService } from "./committee/index.js";
import { type NodeConfig, readGenesis, readPassphrase } from "./config/index.js";
import { CandidacyDuty, ElectionNews, EvidenceDuty, MemberActs } from "./elections/index.js";
import {
  forgetNodeKeys,
  installNativeCrypto,
  KeystoreFolder,
  type NodeKeys,
  openNodeKeys,
} from "./keys/index.js";
import { createLog } from "./logging/index.js";
import { ADDRESSES_PROTOCOL, AddressExchange, Membership, PeerBook } from "./membership/index.js";
import { type Network, openNetwork } from "./network/index.js";
import {
  AnchorDuty,
  BlobIndex,
  BodyService,
  privateGenesisOf,
  RecordAuthor,
  TransactionSender,
} from "./records/index.js";
import { Stops } from "./stops.js";
import { type BlobStore, openFileBlobStore, openLevelStore } from "./storage/index.js";
import { version } from "./version.js";
import { warnOperator } from "./warnings.js";

/** A node that runs. */
export interface RunningNode {
  readonly nodeId: string;
  readonly apiUrl: string;
  /** Multiaddrs with the peer id. */
  readonly addresses: readonly string[];
  readonly alliance: Chain;
  readonly private: Chain;
  /** Resolves with the error when a chain has halted: the process should then stop. */
  readonly halted: Promise<unknown>;
  /** Stops everything in order; safe to call more than once. Takes at most five seconds. */
  stop(): Promise<void>;
}

/** The services' part of the one database; the chains' parts are named by their kinds, 1 and 2. */
const STORE_SERVICES = Uint8Array.of(0x03);

/** What an operator says at one start and not in the config. */
export interface StartOptions {
  /** The newest block of this node's private chain on which anybody relies: its vote key votes again above it. */
  readonly resumePrivateAt?: NamedTip;
}

/** What is open before the first chain starts. */
interface Base {
  readonly config: NodeConfig;
  readonly start: StartOptions;
  readonly genesis: Genesis;
  readonly keys: NodeKeys;
  readonly folder: KeystoreFolder;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly network: Network;
  readonly book: PeerBook;
  /** The services' own part of the database. */
  readonly services: Store;
  readonly evidence: EvidenceDuty;
  readonly pool: CryptoPool;
  readonly votes: VoteSuite;
  readonly log: Log;
  readonly stops: Stops;
  readonly halt: (error: unknown) => void;
}

interface Chains {
  readonly alliance: ChainDriver;
  readonly private: ChainDriver;
  readonly transport: Transport;
}

/**
 * Starts a full node: storage, network, both chains, services, API.
 * @throws ConsiliumError when something is in the way, after all that was opened is closed again: `GENESIS_…`,
 * `PASSPHRASE_MISSING`, `KEYSTORE_…`, `DATA_FOLDER_IN_USE`, `STORE_CORRUPT`, `PORT_IN_USE`, `CHAIN_OTHER_GENESIS`,
 * `NAMED_TIP_DIFFERS`.
 */
export async function startNode(config: NodeConfig, start: StartOptions = {}): Promise<RunningNode> {
  const log = createLog({ ...config.log, base: { node: config.name } });
  const stops = new Stops(log);
  stops.add("log", async () => log.close());
  let halt: (error: unknown) => void = () => {};
  const halted = new Promise<unknown>((resolve) => {
    halt = resolve;
  });
  try {
    const base = { ...(await openBase(config, log, stops, halt)), start };
    const chains = await startChains(base);
    const api = await startServices(base, chains);
    await base.network.start();
    stops.add("network", () => base.network.stop());
    await api.start();
    stops.add("api", () => api.stop());
    const nodeId = toHex(base.keys.node.publicKey);
    log.info({ nodeId, chainId: toHex(chains.alliance.chainId), api: api.url, version }, "node.started");
    return {
      nodeId,
      apiUrl: api.url,
      addresses: base.network.addresses(),
      alliance: chains.alliance,
      private: chains.private,
      halted,
      stop: () => stops.run(),
    };
  } catch (error) {
    log.error({ error }, "node.start-failed");
    await stops.run();
    throw error;
  }
}

async function openBase(
  config: NodeConfig,
  log: Log,
  stops: Stops,
  halt: (error: unknown) => void,
): Promise<Omit<Base, "start">> {
  await installNativeCrypto();
  const genesis = readGenesis(config.genesisFile);
  const passphrase = readPassphrase(config.passphraseFile);
  // Who saw whose record when stands in there in pseudonyms; other users of the machine have no business with it.
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  // First of all the lock of the data folder: two nodes with one identity must never run at once.
  const store = await openLevelStore(join(config.dataDir, "chain"));
  stops.add("store", () => store.close());
  const folder = new KeystoreFolder(config.keystoreDir, passphrase);
  const keys = await openNodeKeys(folder);
  stops.add("keys", async () => forgetNodeKeys(keys));
  const services = prefixedStore(store, STORE_SERVICES);
  const blobs = await openFileBlobStore(join(config.dataDir, "blobs"));
  const book = new PeerBook(toHex(keys.node.publicKey), config.network.peers);
  const network = await openNetwork({
    nodeSecretKey: keys.node.secretKey,
    listenAddresses: [config.network.listen],
    announceAddresses: config.network.announce,
    // Nobody is dialled before the chain says who is a member.
    members: [],
    admits: (peer, way) => book.admits(peer, way),
    clock: systemClock,
    log: log.child({ part: "network" }),
  });
  const [pool, votes] = await Promise.all([createCryptoPool(), loadVoteSuite(log)]);
  await checkGenesis(genesis, pool);
  const evidence = new EvidenceDuty(services);
  const opened = { config, genesis, keys, folder, store, services, blobs, network, book, evidence };
  return { ...opened, pool, votes, log, stops, halt };
}

async function startChains(base: Base): Promise<Chains> {
  const { config, genesis, keys, folder, store, network, pool, votes, log, stops, halt, evidence } = base;
  const marks = new VotedMarks(folder.dir);
  const nodeId = keys.node.publicKey;
  const shared = {
    store,
    network,
    nodeId,
    pool,
    voteSuite: votes,
    voteSecretKey: keys.vote.secretKey,
    onFatal: halt,
  };
  const marked = (each: Genesis, chain: string) => {
    const id = chainIdOf(each);
    const startMark = marks.startMark(id);
    return { ...shared, genesis: each, hasVoted: marks.has(id), startMark, log: log.child({ chain }) };
  };
  const alliance = await openChain({
    ...marked(genesis, "alliance"),
    stateSync: config.sync.mode === "state",
    onEvidence: (first, second) => evidence.take(first, second),
  });
  const { resumePrivateAt } = base.start;
  const own = await openChain({
    ...marked(await privateGenesis(base), "private"),
    ...(resumePrivateAt === undefined ? {} : { namedTip: resumePrivateAt }),
  });
  for (const [name, chain] of [["alliance", alliance] as const, ["private", own] as const]) {
    await chain.start();
    stops.add(`${name} chain`, () => chain.stop());
    marks.add(chain.chainId);
  }
  return { alliance, private: own, transport: network.transportFor(alliance.chainId) };
}

/** A node that is no founding member may become one: it keeps a private chain from the first day. */
async function privateGenesis({ genesis, keys, pool }: Base): Promise<Genesis> {
  const { node, vote, exchange } = keys;
  const votePossession = await pool.run("votePossessionProof", { secretKey: vote.secretKey });
  const newcomer = { exchangeKey: exchange.publicKey, voteKey: vote.publicKey, votePossession };
  return privateGenesisOf(genesis, node.publicKey, newcomer);
}

async function startServices(base: Base, chains: Chains): Promise<ApiServer> {
  const { config, keys, folder, pool, log, stops, genesis, services } = base;
  const { alliance, private: own, transport } = chains;
  const node = keys.node;
  const nodeKey = node.publicKey;
  const secrets = await CommitteeSecrets.open(folder);
  stops.add("secrets", async () => secrets.forget());
  const allianceSender = new TransactionSender(alliance, node, log);
  const privateSender = new TransactionSender(own, node, log);
  stops.add("senders", async () => {
    allianceSender.stop();
    privateSender.stop();
  });
  const committee = { chain: alliance, pool, secrets, node, clock: systemClock, random: systemRandom };
  const keyCentre = new KeyCentre({ ...committee, log: log.child({ service: "key-centre" }) });
  const proxy = new ProxyService({ ...committee, log: log.child({ service: "proxy" }) });
  const ceremonyLog = log.child({ service: "ceremonies" });
  const ceremonies = new CeremonyService({
    ...{ ...committee, sender: allianceSender, store: services, transport, nodeKey, log: ceremonyLog },
  });
  const blobs = new BlobIndex(base.blobs, services);
  const recordPorts = { alliance, private: own, blobs, nodeKey, log: log.child({ service: "records" }) };
  const bodies = new BodyService({ ...recordPorts, clock: systemClock });
  const author = new RecordAuthor({ ...recordPorts, allianceSender, privateSender, store: services });
  const anchors = new AnchorDuty(alliance, own, allianceSender, nodeKey, log);
  transport.serve(RequestProtocol.extract, (from, body) => keyCentre.serve(from, body));
  transport.serve(RequestProtocol.fragment, (from, body) => proxy.serve(from, body));
  transport.serve(RequestProtocol.bodyChunk, (from, body) => bodies.serve(from, body));
  transport.serve(RequestProtocol.switchShare, (_from, body) => ceremonies.serveSwitchShare(body));
  ceremonies.start();
  stops.add("ceremonies", async () => ceremonies.stop());
  anchors.start();
  stops.add("anchors", async () => anchors.stop());
  const { membership, memberActs } = startMembership(base, chains, allianceSender);
  warnOperator({ alliance, private: own }, config, log);
  return new ApiServer(config.api, {
    ...{ name: config.name, version, genesis, keys, alliance, private: own, transport },
    ...{ keyCentre, proxy, bodies, author, blobs, store: services, membership, memberActs },
    clock: systemClock,
    log: log.child({ service: "api" }),
    allowFaults: config.demo.allowFaults,
  });
}

/** The network follows the members, and the node does what a member and candidate owes. */
function startMembership(base: Base, { alliance, transport }: Chains, sender: TransactionSender) {
  const { keys, pool, log, stops, network, book, evidence } = base;
  const nodeKey = keys.node.publicKey;
  book.follow(() => alliance.state());
  const addresses = new AddressExchange({ book, network, transport, log });
  transport.serve(ADDRESSES_PROTOCOL, (from) => addresses.serve(from));
  const membership = new Membership({ alliance, network, book, addresses, nodeKey, log });
  membership.start();
  stops.add("membership", async () => membership.stop());
  const duty = { alliance, sender, nodeKey, clock: systemClock, log: log.child({ service: "elections" }) };
  const candidacy = new CandidacyDuty(duty);
  const news = new ElectionNews(duty);
  candidacy.start();
  news.start();
  evidence.start(duty);
  stops.add("elections", async () => {
    candidacy.stop();
    news.stop();
    evidence.stop();
  });
  return { membership, memberActs: new MemberActs({ ...duty, voteKey: keys.vote, pool }) };
}
