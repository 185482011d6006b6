import {
  electGenesisSet,
  inlineVoteVerifier,
  nodeIdsOf,
  type ValidatorSet,
  voteBytes,
} from "@consilium/consensus";
import { concat, hash, toHex, u32, type VoteSuite } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { Application } from "@consilium/ledger";
import {
  type Certificate,
  type Genesis,
  type Log,
  presets,
  type Random,
  SignedTransaction,
  type Store,
  VoteKind,
  type VoteSubject,
} from "@consilium/protocol";
import { ChainDriver, type ChainDriverOptions, type ChainIdentity } from "../src/index.js";
import { encodeMessage } from "../src/messages/codec.js";
import {
  countingApplication,
  MemoryNetwork,
  MemoryStore,
  type MemoryTransport,
  nextCountingNonce,
  SimulatedClock,
} from "../src/testing/index.js";

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};

/** Deterministic bytes: a counter through a hash. */
export function seededRandom(seed: number): Random {
  let counter = 0;
  return {
    bytes: (length) => {
      let bytes = new Uint8Array();
      while (bytes.length < length)
        bytes = new Uint8Array(concat(bytes, hash("TEST", u32(seed), u32(counter++))));
      return bytes.slice(0, length);
    },
  };
}

/** Lets promises and the platform's queue run dry: native calls of the store and of votes take no clock. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export interface Member {
  readonly nodeId: Uint8Array;
  readonly name: string;
  readonly secret: Uint8Array;
}

export interface ChainShape {
  /** L; so long that no epoch ends, when absent. */
  readonly lengthHeights?: number;
  readonly sets?: (epoch: number) => readonly number[] | undefined;
}

const START_MS = 1_700_000_000_000;

/** A chain of drivers in one process on a simulated clock. */
export class TestChain {
  readonly clock = new SimulatedClock(START_MS + 1_000, settle);
  readonly network = new MemoryNetwork(this.clock);
  readonly drivers = new Map<string, ChainDriver>();
  readonly stores = new Map<string, MemoryStore>();
  private readonly transports = new Map<string, MemoryTransport>();

  private constructor(
    readonly genesis: Genesis,
    readonly members: readonly Member[],
    private readonly suite: VoteSuite,
    private readonly sets: ChainShape["sets"],
  ) {}

  /** `sets` names the validators of epochs by member index; those of genesis, all members, where it has none. */
  static async create(
    count: number,
    { lengthHeights = 1_000_000, sets }: ChainShape = {},
  ): Promise<TestChain> {
    const suite = await loadBlstVoteSuite();
    const members = Array.from({ length: count }, (_, index) => {
      const nodeId = hash("TEST-NODE", u32(index));
      const secret = hash("TEST-VOTE", u32(index)).fill(0, 0, 1);
      return { nodeId, name: toHex(nodeId), secret };
    });
    const genesis: Genesis = {
      version: 1,
      kind: 1,
      name: new Uint8Array(),
      timeMs: START_MS,
      parameters: { ...presets.devnet, epochLengthHeights: lengthHeights },
      seats: count,
      members: members.map(({ nodeId, secret }) => ({
        name: new Uint8Array(),
        nodeKey: nodeId,
        exchangeKey: new Uint8Array(32),
        voteKey: suite.publicKey(secret),
        votePossession: new Uint8Array(96),
        stake: 1,
      })),
      keyCentre: [],
      allianceChainId: new Uint8Array(32),
    };
    return new TestChain(genesis, members, suite, sets);
  }

  identityOf(index: number): ChainIdentity {
    const { nodeId, secret } = this.members[index]!;
    const publicKey = this.suite.publicKey(secret);
    return { nodeId, voteSigner: { publicKey, sign: async (message) => this.suite.sign(secret, message) } };
  }

  /** Starts a member's driver on its store (a fresh one at first). */
  async start(index: number, change: Partial<ChainDriverOptions> = {}): Promise<ChainDriver> {
    const { name } = this.members[index]!;
    const store = this.stores.get(name) ?? new MemoryStore();
    this.stores.set(name, store);
    const random = seededRandom(index);
    const driver = new ChainDriver({
      genesis: this.genesis,
      application: this.application(),
      identity: this.identityOf(index),
      store: store as Store,
      transport: this.joined(name),
      verifier: inlineVoteVerifier(this.suite, random),
      clock: this.clock,
      random,
      log: silentLog,
      nextNonce: nextCountingNonce,
      ...change,
    });
    this.drivers.set(name, driver);
    await driver.start();
    return driver;
  }

  async startAll(): Promise<ChainDriver[]> {
    const drivers: ChainDriver[] = [];
    for (const index of this.members.keys()) drivers.push(await this.start(index));
    return drivers;
  }

  async stop(index: number): Promise<void> {
    const { name } = this.members[index]!;
    this.network.leave(name);
    await this.drivers.get(name)?.stop();
    this.drivers.delete(name);
  }

  private joined(name: string): MemoryTransport {
    const transport = this.network.join(name);
    this.transports.set(name, transport);
    return transport;
  }

  application(): Application {
    return countingApplication(this.genesis, { sets: (epoch) => this.setOf(epoch) });
  }

  /** The validators of an epoch, in order of their vote indices. */
  setOf(epoch: number): ValidatorSet {
    const seats = this.sets?.(epoch);
    if (seats === undefined) return electGenesisSet(this.genesis);
    return seats.map((index) => {
      const { nodeId, secret } = this.members[index]!;
      return { nodeId, voteKey: this.suite.publicKey(secret) };
    });
  }

  /** The members' drivers that run now. */
  running(): ChainDriver[] {
    return [...this.drivers.values()];
  }

  transaction(
    sender: number,
    nonce: number,
    change: Partial<SignedTransaction["transaction"]> & { signature?: number } = {},
  ): Uint8Array {
    const { signature = 1, ...fields } = change;
    return SignedTransaction.serialize({
      transaction: {
        chainId: this.application().chainId,
        kind: 0x10,
        sender: hash("TEST-ACCOUNT", u32(sender)),
        nonce,
        expiryHeight: 100_000,
        payload: Uint8Array.of(7),
        ...fields,
      },
      signature: new Uint8Array(64).fill(signature, 0, 1),
    });
  }

  /** The port that a member's driver uses now. */
  transportOf(index: number): MemoryTransport {
    const transport = this.transports.get(this.members[index]!.name);
    if (transport === undefined) throw new Error("the member was not started");
    return transport;
  }

  /** A vote with a member's own signature, encoded as it travels. */
  signedVote(index: number, subject: VoteSubject): Uint8Array {
    const name = toHex(this.members[index]!.nodeId);
    const validator = nodeIdsOf(this.setOf(subject.epoch)).indexOf(name);
    const message = voteBytes(this.application().chainId, subject);
    const signature = this.suite.sign(this.members[index]!.secret, message);
    return encodeMessage({ kind: "vote", vote: { ...subject, validator, signature } });
  }

  /** A finalization that names a quorum and carries nobody's signature. */
  forgedCertificate(): Uint8Array {
    const certificate: Certificate = {
      kind: VoteKind.finalize,
      epoch: 0,
      view: 7,
      parentView: 6,
      digest: new Uint8Array(32).fill(5),
      bitmap: Uint8Array.of(0b111),
      signature: this.suite.sign(this.members[0]!.secret, new Uint8Array(8)),
    };
    return encodeMessage({ kind: "certificate", certificate });
  }
}
