import { ConsiliumError, ed25519PublicKey, sha256, toHex, utf8 } from "@consilium/crypto";
import type { Chain, FinalizedBlockEvent, SubmitResult, TransactionResult } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import { decodeStrict, digestOf, type Log, SignedTransaction, transactionIdOf } from "@consilium/protocol";
import type { TestChain } from "../../../ledger/test/support/chain.js";
import type { KeyPair, NodeKeys } from "../../src/keys/index.js";

type Listener = (event: FinalizedBlockEvent) => void;

/**
 * A chain without consensus for tests of services: the real ledger, whose blocks the test makes itself. Submitted
 * transactions wait for {@link produce}; with `auto` each makes a block of its own at once.
 */
export class LedgerChain implements Chain {
  readonly counters = new Proxy({} as Chain["counters"], { get: () => 0 });
  readonly pending: Uint8Array[] = [];
  auto = false;
  readonly #listeners = new Set<Listener>();
  readonly #results = new Map<string, TransactionResult>();
  #waiting: (() => void)[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  constructor(readonly ledger: TestChain) {}

  get chainId(): Uint8Array {
    return this.ledger.id;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  async submit(encoded: Uint8Array): Promise<SubmitResult> {
    const context = { height: this.ledger.height + 1, timestampMs: this.ledger.timeMs + 1 };
    const verdict = await this.ledger.app.checkTransaction(this.ledger.state, encoded, context);
    if (verdict.kind !== "valid") return { accepted: false, code: verdict.code, reason: verdict.reason };
    this.pending.push(encoded);
    for (const resume of this.#waiting.splice(0)) resume();
    if (this.auto) void this.produce();
    return { accepted: true, id: verdict.value.id, code: "OK" };
  }

  /** Resolves at the next submission. */
  submission(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Makes one block of what is pending, in order of nonces, and tells the listeners. */
  produce(stepMs = 100): Promise<void> {
    const produced = this.#queue.then(() => this.#produce(stepMs));
    this.#queue = produced.catch(() => undefined);
    return produced;
  }

  async #produce(stepMs: number): Promise<void> {
    const waiting = this.pending
      .splice(0)
      .map((encoded) => ({ encoded, ...decodeStrict(SignedTransaction, encoded, "transaction") }))
      .sort((left, right) => left.transaction.nonce - right.transaction.nonce);
    const context = { height: this.ledger.height + 1, timestampMs: this.ledger.timeMs + stepMs };
    // The ledger's own builder leaves out what does not fit, such as a second transaction with one nonce.
    const candidates = waiting.map(({ encoded }) => encoded);
    const { transactions } = await this.ledger.app.buildPayload(this.ledger.state, candidates, context);
    const taken = waiting.filter(({ encoded }) => transactions.includes(encoded));
    const { block, codes, events } = await this.ledger.block(
      taken.map(({ encoded }) => encoded),
      stepMs,
    );
    const { height, timestampMs } = block.header;
    const results = taken.map(({ transaction }, index) => {
      const id = transactionIdOf(transaction);
      return { id, height, index, code: codes[index]!, timestampMs };
    });
    for (const result of results) this.#results.set(toHex(result.id), result);
    for (const listener of [...this.#listeners]) listener({ tip: this.finalized(), block, results, events });
  }

  finalized() {
    const { height, timeMs: timestampMs, blocks, roots } = this.ledger;
    const block = blocks.at(-1) ?? this.ledger.app.genesisBlock();
    return {
      height,
      digest: digestOf(block.header),
      stateRoot: roots.at(-1)!,
      timestampMs,
      epoch: 0,
      view: height,
    };
  }

  state = () => this.ledger.state;
  headerAt = (height: number) => this.ledger.blocks[height - 1]?.header;
  blockAt = (height: number) => this.ledger.blocks[height - 1];
  finalization: Chain["finalization"] = () => undefined;
  handover: Chain["handover"] = () => undefined;
  provable: Chain["provable"] = () => undefined;
  transactionResult = (id: Uint8Array) => this.#results.get(toHex(id));

  onFinalized(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async whenFinalized(id: Uint8Array): Promise<TransactionResult> {
    return this.waitFor(() => this.transactionResult(id));
  }

  /** What is not there yet never comes by itself here: the test makes the blocks. */
  async waitFor<Value>(probe: () => Value | undefined): Promise<Value> {
    const found = probe();
    if (found !== undefined) return found;
    throw new ConsiliumError("WAIT_TIMEOUT", "It did not happen.");
  }

  status() {
    const finalized = this.finalized();
    return {
      chainId: toHex(this.chainId),
      running: true,
      finalized,
      epoch: 0,
      view: finalized.view,
      epochs: { epoch: 0, lengthHeights: 1_000_000, boundaryHeight: 1_000_000, validators: [] },
      peers: [],
      syncing: false,
      role: "voting" as const,
      mempoolTransactions: this.pending.length,
      mempoolBytes: 0,
    };
  }

  /** Height and nonce of an account, for messages of failed tests. */
  nonceOf = (account: Uint8Array): number => queries.nextNonces(this.ledger.state, account).envelope;
}

/** Keys of a node made of a test's actor. */
export function nodeKeysOf(actor: {
  readonly secret: Uint8Array;
  readonly key: Uint8Array;
  readonly exchangeSecret: Uint8Array;
  readonly exchangeKey: Uint8Array;
}): NodeKeys {
  const vote: KeyPair = { publicKey: new Uint8Array(48), secretKey: new Uint8Array(32) };
  return {
    node: { publicKey: actor.key, secretKey: actor.secret },
    vote,
    exchange: { publicKey: actor.exchangeKey, secretKey: actor.exchangeSecret },
  };
}

/** A key pair that stands for nobody. */
export function strangerKey(name: string): KeyPair {
  const secretKey = sha256(utf8(name));
  return { publicKey: ed25519PublicKey(secretKey), secretKey };
}

/** A log whose events a test can look at. */
export class RecordedLog implements Log {
  readonly lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  #add = (fields: Readonly<Record<string, unknown>>, event: string) =>
    void this.lines.push({ event, fields });
  debug = this.#add;
  info = this.#add;
  warn = this.#add;
  error = this.#add;
  child = () => this;

  events(name: string) {
    return this.lines.filter(({ event }) => event === name).map(({ fields }) => fields);
  }
}
