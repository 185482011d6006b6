import { setMaxListeners } from "node:events";
import { type HttpApi, routes } from "@consilium/client";
import { codeOf } from "@consilium/crypto";
import type { Witness } from "../check/witness.js";
import { apiPorts } from "../cluster/node-client.js";
import type { Manifest } from "../manifest/schema.js";
import { pause } from "../pause.js";
import { SeededRandom } from "../seeded-random.js";
import { LoadAccount, type SignedTx } from "./account.js";

export interface LoadOptions {
  readonly chainId: string;
  readonly settings: Manifest["load"];
  readonly seed: number;
  readonly witness: Witness;
  /** Nodes that the runner has not taken down on purpose now. */
  readonly nodesUp: () => readonly { readonly name: string; readonly api: HttpApi }[];
}

type LoadKind = keyof Manifest["load"]["kinds"];

/** Transactions under way above which new ones are held back: the chain stands still, and memory is bounded. */
const UNDER_WAY_MAX = 128;
/** How long a node is asked to wait for finality before another one is asked. */
const WAIT_MS = 5_000;
/** Pauses grow, so that a chain that stands still is not held up further by what waits for it. */
const RETRY_PAUSE_FIRST_MS = 250;
const RETRY_PAUSE_MAX_MS = 4_000;
const randomBytes = (length: number): Uint8Array => apiPorts.random.bytes(length);

/**
 * Submits transactions at a steady pace and follows each until a node reports it final. An account has one transaction
 * under way at a time; what a killed node forgot is submitted again elsewhere.
 */
export class Load {
  readonly accounts: LoadAccount[] = [];
  readonly submitted: Record<LoadKind | "owner", number> = { register: 0, request: 0, owner: 0 };
  /** Moments at which the pace could not be held because too much was under way. */
  heldBack = 0;
  /** Final, but refused by a rule of the ledger. */
  refused = 0;
  readonly #idle: LoadAccount[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #random: SeededRandom;
  readonly #end = new AbortController();
  #owner: LoadAccount | undefined;
  #enrolsOwner = false;

  constructor(private readonly options: LoadOptions) {
    this.#random = new SeededRandom(options.seed);
    setMaxListeners(0, this.#end.signal);
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** Submits until the signal is aborted. What is under way then goes on until {@link stop}. */
  async run(signal: AbortSignal): Promise<void> {
    const { transactionsPerSecond } = this.options.settings;
    if (transactionsPerSecond === 0) return;
    const startedMs = performance.now();
    for (let index = 1; !signal.aborted; index++) {
      if (this.#underWay.size < UNDER_WAY_MAX) this.#begin();
      else this.heldBack += 1;
      await pause(startedMs + (index * 1_000) / transactionsPerSecond - performance.now(), signal);
    }
  }

  /** Gives up what is still under way. */
  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#underWay);
    for (const account of this.accounts) account.forget();
  }

  #begin(): void {
    if (this.#owner === undefined && !this.#enrolsOwner) this.#track(this.#enrolOwner());
    const kind = this.#random.weighted<LoadKind>(this.options.settings.kinds);
    const canAsk = this.#owner !== undefined && this.#idle.length > 0;
    this.#track(kind === "request" && canAsk ? this.#request() : this.#register());
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  async #register(): Promise<void> {
    const account = new LoadAccount(this.options.chainId, "recipient", randomBytes);
    if (await this.#enrol(account, 0)) this.submitted.register += 1;
  }

  /** An owner can be enrolled once the key centre has a key; its first ceremony runs when the chain is young. */
  async #enrolOwner(): Promise<void> {
    this.#enrolsOwner = true;
    try {
      const committees = await this.#anyNode().call(routes.committees, {});
      if (committees.keyCentre === null) return;
      const account = new LoadAccount(this.options.chainId, "owner", randomBytes);
      if (!(await this.#enrol(account, committees.keyCentre.keyNo))) return;
      this.submitted.owner += 1;
      this.#owner = account;
    } catch {
      // The node that was asked is away; the next transaction asks another.
    } finally {
      this.#enrolsOwner = false;
    }
  }

  async #enrol(account: LoadAccount, kgcKeyNo: number): Promise<boolean> {
    const { signKey, exchangeKey, role } = account;
    const attested = await this.#ask((api) => api.call(routes.attest, {}, { signKey, exchangeKey, role }));
    if (attested === undefined) return false;
    if (!(await this.#settle(account.register(attested, kgcKeyNo, this.options.witness.highest))))
      return false;
    account.finalCount = 1;
    this.accounts.push(account);
    if (role === "recipient") this.#idle.push(account);
    return true;
  }

  async #request(): Promise<void> {
    const [account] = this.#idle.splice(this.#random.between(0, this.#idle.length - 1), 1);
    if (account === undefined || this.#owner === undefined) return;
    const signed = account.request(this.#owner.id, randomBytes, this.options.witness.highest);
    account.isWaiting = true;
    if (!(await this.#settle(signed))) return;
    account.isWaiting = false;
    account.finalCount += 1;
    this.submitted.request += 1;
    this.#idle.push(account);
  }

  /** Submits to one node after the other until one reports the transaction final; whether it took effect. */
  async #settle(signed: SignedTx): Promise<boolean> {
    for (let pauseMs = RETRY_PAUSE_FIRST_MS; !this.#end.signal.aborted; pauseMs = longer(pauseMs)) {
      const node = this.#pickNode();
      if (node !== undefined && (await this.#tryAt(node, signed))) {
        const hasEffect = this.options.witness.transactions.get(signed.id)?.code === null;
        if (!hasEffect) this.refused += 1;
        return hasEffect;
      }
      await pause(pauseMs, this.#end.signal);
    }
    return false;
  }

  async #tryAt(
    node: { readonly name: string; readonly api: HttpApi },
    { id, bytes }: SignedTx,
  ): Promise<boolean> {
    const options = { signal: this.#end.signal };
    try {
      await node.api.call(routes.submitTransaction, {}, { transaction: bytes }, options);
    } catch (error) {
      // Its nonce may be used because it is final already, from an earlier submission; the query below tells.
      if (/^API_/.test(codeOf(error))) return false;
    }
    try {
      const view = await node.api.call(routes.transaction, { id, waitMs: WAIT_MS }, undefined, options);
      this.options.witness.transaction(node.name, view);
      return view.state === "final";
    } catch {
      return false;
    }
  }

  /** The first answer that any node gives, or undefined when the load is stopped. */
  async #ask<Answer>(call: (api: HttpApi) => Promise<Answer>): Promise<Answer | undefined> {
    for (let pauseMs = RETRY_PAUSE_FIRST_MS; !this.#end.signal.aborted; pauseMs = longer(pauseMs)) {
      try {
        return await call(this.#anyNode());
      } catch {
        await pause(pauseMs, this.#end.signal);
      }
    }
    return undefined;
  }

  #anyNode(): HttpApi {
    const node = this.#pickNode();
    if (node === undefined) throw new Error("no node is up");
    return node.api;
  }

  #pickNode() {
    const nodes = this.options.nodesUp();
    return nodes.length === 0 ? undefined : this.#random.pick(nodes);
  }
}

const longer = (pauseMs: number): number => Math.min(2 * pauseMs, RETRY_PAUSE_MAX_MS);
