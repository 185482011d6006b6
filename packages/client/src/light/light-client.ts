/**
 * A client that trusts no node. It starts from the genesis or a checkpoint, follows the finalizations from one set of
 * validators to the next, and takes from a node only what these validators' signatures prove: what is in the state,
 * what is not, and that a list is whole (its length is in the state too).
 *
 * It cannot make a node answer, and it knows the newest state only as far as some node serves it: see `maxAgeMs`.
 */
import { evidenceWindow, type VoteVerifier } from "@consilium/consensus";
import { ConsiliumError, equalBytes } from "@consilium/crypto";
import { stateKeys, verifyProof } from "@consilium/ledger";
import { type Clock, limits, type StateReader } from "@consilium/protocol";
import { PROOF_KEYS_MAX, RETRYABLE_STATUSES } from "../api/contract.js";
import type { RequestSigner } from "../http/signature.js";
import { delay } from "../ports.js";
import { lightFailure } from "./failure.js";
import { ProvenState } from "./proven-state.js";
import type { LightSource } from "./source.js";
import {
  type Checkpoint,
  decodeTrusted,
  encodeTrusted,
  type FinalPoint,
  type Fork,
  isSameChain,
  type LightTrust,
  type Proof,
  startOf,
  type TrustedState,
} from "./trust.js";
import { TrustedChain } from "./trusted-chain.js";

/** Where the trusted state is kept between runs; a wallet's storage fits. */
export interface LightStorage {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

export interface LightClientOptions {
  readonly trust: LightTrust;
  /** Nodes to ask, the preferred one first. */
  readonly sources: readonly LightSource[];
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly storage?: LightStorage;
  /** Refuse what was proven by a block older than this; without it only a step back is refused. */
  readonly maxAgeMs?: number;
  /** How long to wait for nodes that are behind or do not answer; default 10 s. */
  readonly patienceMs?: number;
}

export interface QueryOptions {
  /** Wait for the state after this height, for what was just made final. */
  readonly minHeight?: number;
  /** Who asks. Nodes tell what concerns people only to whom it concerns; the rest needs no signature. */
  readonly signer?: RequestSigner;
  /** A label that the one who asks was told: under it records may be read that are not the signer's own. */
  readonly named?: { readonly owner: Uint8Array; readonly label: Uint8Array };
}

/** One question to one node, and what is proven for it so far. */
interface Question {
  readonly source: LightSource;
  readonly state: ProvenState;
  /** Height below which no answer is new enough. */
  readonly floor: number;
  readonly options: QueryOptions;
}

/** What a query came to, every value in it proven. */
export interface Verified<Value> {
  readonly value: Value;
  /** The state after the block of this height, or a later one, says so. */
  readonly height: number;
  /** Block time at which that state was the newest, Unix milliseconds. */
  readonly timeMs: number;
  /** Whether all values are of one state; a large question to a fast chain may span some blocks. */
  readonly isOneState: boolean;
}

/** A node that sent what it should not, or nothing. */
export interface SourceFault {
  readonly source: string;
  readonly code: string;
  readonly reason: string;
  readonly atMs: number;
}

const PATIENCE_MS = 10_000;
const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 1_000;
const FAULTS_MAX = 64;
const REQUESTS_AT_ONCE = 8;
/** Keys that one question may touch. */
const KEYS_MAX = 16_384;
/** Times that a question is asked again as a whole because the chain moved on meanwhile. */
const RESTARTS_MAX = 4;
/** What only a node that errs or cheats sends. */
const LIES: readonly string[] = ["LIGHT_BAD_PROOF", "LIGHT_BAD_HANDOVER"];
const PASSING: readonly string[] = ["LIGHT_STALE", "API_UNREACHABLE", "API_TIMEOUT"];

export class LightClient {
  readonly #faults: SourceFault[] = [];
  readonly #liars = new Set<LightSource>();
  #crossing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: LightClientOptions,
    private readonly chain: TrustedChain,
  ) {}

  /**
   * Starts from what is stored, else from the trust given. Asks no node yet.
   * @throws ConsiliumError `LIGHT_CHECKPOINT_OLD`, `LIGHT_CHECKPOINT_BAD`, `API_NO_URL`.
   */
  static async open(options: LightClientOptions): Promise<LightClient> {
    if (options.sources.length === 0)
      throw new ConsiliumError("API_NO_URL", "Give the base URL of at least one node.");
    const start = newest(startOf(options.trust), await options.storage?.read());
    const ageMs = options.clock.nowMs() - start.head.timeMs;
    if ("checkpoint" in options.trust && ageMs > evidenceWindow.durationMs) {
      throw lightFailure("LIGHT_CHECKPOINT_OLD", "validators no longer answer for its votes", { ageMs });
    }
    return new LightClient(options, new TrustedChain(options.verifier, start));
  }

  /** The newest block known to be final. */
  get head(): FinalPoint {
    return this.chain.state.head;
  }

  /** A starting point for another client that trusts this one. */
  get checkpoint(): Checkpoint {
    return this.chain.state.checkpoint;
  }

  /** Proof that the validators signed two histories; every call is refused from then on. */
  get fork(): Fork | undefined {
    return this.chain.state.fork;
  }

  /** What nodes did wrong, oldest first, the last {@link FAULTS_MAX}. */
  get faults(): readonly SourceFault[] {
    return this.#faults;
  }

  /** Follows the chain to a node's newest final block, keeps what was learnt, and returns that block. */
  async advance(): Promise<FinalPoint> {
    try {
      const floor = this.head.height;
      return await this.#ask(async (source) => this.#accept(source, await source.head(), floor));
    } finally {
      await this.save();
    }
  }

  /**
   * Runs a query of `@consilium/ledger`, or any function of state, over proven state: what it reads is fetched with
   * proofs until it has all it reads.
   * @throws ConsiliumError `LIGHT_…` as in `failure.ts`, `API_…` when no node answers, and what the query throws.
   */
  query<Value>(run: (state: StateReader) => Value, options: QueryOptions = {}): Promise<Verified<Value>> {
    const floor = Math.max(this.head.height, (options.minHeight ?? -1) + 1);
    return this.#ask((source) => this.#queryOn({ source, state: new ProvenState(), floor, options }, run));
  }

  /** The values of single keys; undefined is proven too. */
  prove(
    keys: readonly Uint8Array[],
    options: QueryOptions = {},
  ): Promise<Verified<readonly (Uint8Array | undefined)[]>> {
    return this.query((state) => keys.map((key) => state.get(key)), options);
  }

  /**
   * Compares what all nodes say of the newest block and the last hand-over. One that contradicts what was believed,
   * under the same validators' signatures, is a fork. Returns the names of nodes that agree; the others are in `faults`.
   * @throws ConsiliumError `LIGHT_FORK`.
   */
  async crossCheck(): Promise<readonly string[]> {
    const agreeing: string[] = [];
    try {
      for (const source of this.options.sources) {
        if (await this.#attempt(source, () => this.#compare(source))) agreeing.push(source.name);
      }
    } finally {
      await this.save();
    }
    return agreeing;
  }

  /** Keeps what was learnt, a fork included. */
  async save(): Promise<void> {
    await this.options.storage?.write(encodeTrusted(this.chain.state));
  }

  async #compare(source: LightSource): Promise<true> {
    await this.#accept(source, await source.head(), 0);
    const last = this.checkpoint.epoch - 1;
    const [handover] = last < 0 ? [] : await source.handovers(last, 1);
    if (handover !== undefined) await this.chain.compareHandover(handover);
    return true;
  }

  /** Asks one node after the other, liars last, again while time may help. */
  async #ask<Answer>(action: (source: LightSource) => Promise<Answer>): Promise<Answer> {
    const { clock, patienceMs = PATIENCE_MS } = this.options;
    const giveUpAtMs = clock.nowMs() + patienceMs;
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const errors: ConsiliumError[] = [];
      for (const source of this.#inOrder()) {
        const answer = await this.#attempt(source, async () => ({ found: await action(source) }), errors);
        if (answer !== undefined) return answer.found;
      }
      if (!errors.some(mayPass) || clock.nowMs() + pauseMs > giveUpAtMs) throw worst(errors);
      await delay(clock, pauseMs);
    }
  }

  /** Undefined when the node failed, which is noted; a fork concerns everybody and goes through. */
  async #attempt<Answer>(
    source: LightSource,
    action: () => Promise<Answer>,
    errors: ConsiliumError[] = [],
  ): Promise<Answer | undefined> {
    try {
      return await action();
    } catch (error) {
      if (this.fork !== undefined) await this.save();
      if (!(error instanceof ConsiliumError) || error.code === "LIGHT_FORK") throw error;
      errors.push(error);
      this.#note(source, error);
      return undefined;
    }
  }

  #inOrder(): readonly LightSource[] {
    const { sources } = this.options;
    return [
      ...sources.filter((source) => !this.#liars.has(source)),
      ...sources.filter((source) => this.#liars.has(source)),
    ];
  }

  #note(source: LightSource, { code, message, details }: ConsiliumError): void {
    if (LIES.includes(code)) this.#liars.add(source);
    const last = this.#faults.at(-1);
    // A node that is asked again while it is behind says the same again.
    if (last?.source === source.name && last.code === code) return;
    const reason = typeof details.reason === "string" ? details.reason : message;
    this.#faults.push({ source: source.name, code, reason, atMs: this.options.clock.nowMs() });
    if (this.#faults.length > FAULTS_MAX) this.#faults.shift();
  }

  /** Believes a header when its validators finalized it and it is new enough, crossing epochs up to it first. */
  async #accept(source: LightSource, proof: Proof, floor: number): Promise<FinalPoint> {
    if (proof.header.epoch > this.checkpoint.epoch) await this.#crossTo(source, proof.header.epoch);
    const point = await this.chain.accept(proof);
    if (point.height < floor) {
      throw lightFailure("LIGHT_STALE", "the node's newest block is older than one seen already", {
        height: point.height,
        seen: floor,
      });
    }
    const { clock, maxAgeMs = Number.POSITIVE_INFINITY } = this.options;
    const ageMs = clock.nowMs() - point.timeMs;
    if (ageMs > maxAgeMs)
      throw lightFailure("LIGHT_STALE", "the node's newest block is too old", { ageMs, maxAgeMs });
    return point;
  }

  /** One crossing at a time: two questions at once must not take the same step twice. */
  #crossTo(source: LightSource, epoch: number): Promise<void> {
    const crossed = this.#crossing.then(async () => {
      while (this.checkpoint.epoch < epoch) {
        const count = Math.min(epoch - this.checkpoint.epoch, limits.handoversPerResponse);
        const handovers = await source.handovers(this.checkpoint.epoch, count);
        if (handovers.length === 0) {
          const reason = "hand-overs to the header's epoch are missing";
          throw lightFailure("LIGHT_BAD_HANDOVER", reason, { epoch: this.checkpoint.epoch });
        }
        for (const handover of handovers) await this.chain.cross(handover);
        // A step that was taken need not be taken again, and keeps the trusted set young.
        await this.save();
      }
    });
    this.#crossing = crossed.catch(() => undefined);
    return crossed;
  }

  async #queryOn<Value>(question: Question, run: (state: StateReader) => Value): Promise<Verified<Value>> {
    const { state } = question;
    for (;;) {
      const outcome = attempt(() => run(state));
      const missing = state.takeMissing();
      if (missing.length === 0 && state.isEmpty) {
        // The query read nothing; its answer still stands for some state.
        await this.#prove(question, [stateKeys.tip()]);
        continue;
      }
      if (missing.length === 0) return { value: outcome(), ...state.span() };
      await this.#proveAll(question, missing);
    }
  }

  /** Proves more keys, and all of them anew when the chain moved on since the first. */
  async #proveAll(question: Question, missing: readonly Uint8Array[]) {
    const { state } = question;
    if (state.keyCount + missing.length > KEYS_MAX) {
      throw lightFailure("LIGHT_QUERY_TOO_LARGE", `it touches more than ${KEYS_MAX} keys`);
    }
    await this.#prove(question, missing);
    while (!state.span().isOneState && state.restarts < RESTARTS_MAX)
      await this.#prove(question, state.restart());
  }

  async #prove(question: Question, keys: readonly Uint8Array[]) {
    const { named } = question.options;
    // Each request is judged by itself, so each names the label.
    const alongside = named === undefined ? [] : [stateKeys.recordsOfLabel(named.owner, named.label)];
    const batches = batchesOf(keys, PROOF_KEYS_MAX - alongside.length);
    for (const group of batchesOf(batches, REQUESTS_AT_ONCE))
      await Promise.all(group.map((batch) => this.#proveBatch(question, [...batch, ...alongside])));
  }

  async #proveBatch({ source, state, floor, options }: Question, keys: readonly Uint8Array[]) {
    const { header, finalization, values } = await source.state(keys, options.signer);
    const point = await this.#accept(source, { header, finalization }, floor);
    for (const [place, key] of keys.entries()) {
      const claimed = values[place];
      if (claimed === undefined || !verifyProof(header.stateRoot, key, claimed.value, claimed.proof)) {
        throw lightFailure("LIGHT_BAD_PROOF", "a value does not lie under the state root", {
          height: point.height,
        });
      }
      state.add(key, claimed.value, point);
    }
  }
}

const batchesOf = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));

/** What is stored, unless the trust given now starts later. */
function newest(start: TrustedState, stored: string | undefined): TrustedState {
  if (stored === undefined) return start;
  const kept = decodeTrusted(stored);
  if (!isSameChain(kept.checkpoint, start.checkpoint))
    throw lightFailure("LIGHT_CHECKPOINT_BAD", "what is stored is of another chain");
  const isSameEpoch = kept.checkpoint.epoch === start.checkpoint.epoch;
  if (isSameEpoch && !equalBytes(kept.checkpoint.digest, start.checkpoint.digest))
    throw lightFailure("LIGHT_CHECKPOINT_BAD", "what is stored contradicts the checkpoint");
  return kept.checkpoint.epoch >= start.checkpoint.epoch ? kept : start;
}

/** Runs a query now and gives its result, or its error, when asked: over half of the state it may fail. */
function attempt<Value>(run: () => Value): () => Value {
  try {
    const value = run();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function mayPass({ code, details }: ConsiliumError): boolean {
  const { status } = details;
  return PASSING.includes(code) || (typeof status === "number" && RETRYABLE_STATUSES.includes(status));
}

/** What people should hear of first: a lie, then staleness, then the rest. */
function worst(errors: readonly ConsiliumError[]): ConsiliumError {
  const lie = errors.find(({ code }) => LIES.includes(code));
  return lie ?? errors.find(({ code }) => code === "LIGHT_STALE") ?? errors[0]!;
}
