/** Collecting sealed fragments from the proxies and recovering record keys from any τ good ones (CS01 §10.3). */
import {
  ConsiliumError,
  codeOf,
  fromHex,
  type ReceivedFragment,
  type RecoveredKey,
  type RecoverInput,
  toHex,
} from "@consilium/crypto";
import { RETRYABLE_STATUSES, routes } from "../api/contract.js";
import type { Committee, CommitteeMember } from "../chain/network.js";
import { asTheyArrive } from "./arrivals.js";
import { patiently } from "./patience.js";
import type { Session } from "./session.js";

/** How long one proxy is asked again while it has not yet seen the access final, or restarts. */
const PATIENCE_MS = 30_000;
/** The code of a proxy that has not yet seen the access final. Other passing failures are told by their status. */
const NOT_YET = "REQ_UNKNOWN";

/** What became of one proxy: `good` (used or checked), `lied` (proof wrong), `refused` (with its code), `unused` (not waited for). */
export interface ProxyReport {
  readonly index: number;
  readonly node: string;
  readonly name: string;
  readonly outcome: "good" | "lied" | "refused" | "unused";
  readonly code?: string;
}

export interface RecoveredKeys {
  /** One per record, in the order asked for: its key (secret) or the code that says why there is none. */
  readonly keys: readonly RecoveredKey[];
  readonly proxies: readonly ProxyReport[];
}

export interface RecoverOptions {
  /** Wait for every proxy and check what it sent, so that each liar is named; else τ good answers are enough. */
  readonly checkAll?: boolean;
}

type Asked = { readonly fragment: ReceivedFragment } | { readonly index: number; readonly code: string };

/** Runs the collection. Everything but the fragments themselves is in `base`. */
export async function recoverKeys(
  session: Session,
  proxies: Committee,
  base: Omit<RecoverInput, "fragments">,
  options: RecoverOptions = {},
): Promise<RecoveredKeys> {
  const collection = new Collection(session, proxies, base);
  const requestId = toHex(base.requestId);
  const stop = new AbortController();
  const asked = proxies.members.map((member) => askProxy(session, member, requestId, stop.signal));
  try {
    for await (const answer of asTheyArrive(asked)) {
      if ("code" in answer) collection.refused(answer.index, answer.code);
      else await collection.add(answer.fragment);
      if (collection.isComplete && options.checkAll !== true) break;
    }
  } finally {
    stop.abort();
  }
  return collection.result();
}

/** What is known so far. A fragment counts as good once it was part of a combination that opened, or verified. */
class Collection {
  readonly #reports = new Map<number, ProxyReport>();
  #candidates: ReceivedFragment[] = [];
  #keys: readonly RecoveredKey[] | undefined;

  constructor(
    private readonly session: Session,
    private readonly proxies: Committee,
    private readonly base: Omit<RecoverInput, "fragments">,
  ) {}

  get isComplete(): boolean {
    return this.#keys !== undefined;
  }

  refused(index: number, code: string): void {
    this.#report(index, "refused", code);
  }

  async add(fragment: ReceivedFragment): Promise<void> {
    if (this.#keys === undefined) {
      this.#candidates.push(fragment);
      if (this.#candidates.length >= this.base.threshold) await this.#tryRecover();
    } else {
      await this.#checkLate(fragment);
    }
  }

  /** Throws when no record could be opened for want of fragments: with the one code all gave, else `TOO_FEW_SHARES`. */
  async result(): Promise<RecoveredKeys> {
    const keys = this.#keys ?? (await this.#without());
    for (const { index } of this.proxies.members)
      if (!this.#reports.has(index)) this.#report(index, "unused");
    const proxies = [...this.#reports.values()].sort((left, right) => left.index - right.index);
    if (keys.some((key) => "key" in key || key.code !== "TOO_FEW_SHARES")) return { keys, proxies };
    const refusals = proxies.flatMap(({ outcome, code }) => (outcome === "refused" && code ? [code] : []));
    const codes = [...new Set(refusals)];
    throw new ConsiliumError(
      codes.length === 1 ? codes[0]! : "TOO_FEW_SHARES",
      "Too few proxies gave a good fragment; see their codes and try again.",
      {
        threshold: this.base.threshold,
        proxies: proxies.map((each) => `${each.name}: ${each.code ?? each.outcome}`).join("; "),
      },
    );
  }

  async #tryRecover(): Promise<void> {
    const { keys, faults } = await this.#recover(this.#candidates);
    const bad = new Map(faults.map(({ index, code }) => [index, code]));
    for (const [index, code] of bad) this.#report(index, "lied", code);
    this.#candidates = this.#candidates.filter(({ index }) => !bad.has(index));
    if (keys.some((key) => "code" in key && key.code === "TOO_FEW_SHARES")) return erase(keys);
    for (const { index } of this.#candidates) this.#report(index, "good");
    this.#keys = keys;
  }

  /** A late fragment takes the place of one good fragment: if the combination then fails, the late one is bad. */
  async #checkLate(fragment: ReceivedFragment): Promise<void> {
    const others = this.#candidates.slice(0, this.base.threshold - 1);
    const { keys, faults } = await this.#recover([...others, fragment]);
    erase(keys);
    const fault = faults.find(({ index }) => index === fragment.index);
    this.#report(fragment.index, fault === undefined ? "good" : "lied", fault?.code);
  }

  /** Records that are invalid in themselves say so even when no proxy answered. */
  async #without(): Promise<readonly RecoveredKey[]> {
    return (await this.#recover([])).keys;
  }

  #recover(fragments: readonly ReceivedFragment[]) {
    return this.session.ports.pool.run("recoverRecords", { ...this.base, fragments });
  }

  #report(index: number, outcome: ProxyReport["outcome"], code?: string): void {
    const member = this.proxies.members.find((each) => each.index === index);
    const node = member === undefined ? "" : toHex(member.nodeKey);
    this.#reports.set(index, {
      index,
      node,
      name: member?.name ?? "",
      outcome,
      ...(code === undefined ? {} : { code }),
    });
  }
}

function erase(keys: readonly RecoveredKey[]): void {
  for (const key of keys) if ("key" in key) key.key.fill(0);
}

async function askProxy(
  session: Session,
  member: CommitteeMember,
  requestId: string,
  stop: AbortSignal,
): Promise<Asked> {
  const { api, ports } = session;
  const { index, nodeKey, verificationKey } = member;
  const mayPass = (error: unknown) => codeOf(error) === NOT_YET || isPassing(error);
  const patience = { clock: ports.clock, patienceMs: PATIENCE_MS, mayPass, signal: stop };
  try {
    const { fragment } = await patiently(patience, () =>
      api.call(routes.fragment, {}, { requestId, index }, { retryForMs: 0, signal: stop }),
    );
    return { fragment: { index, nodeKey, verificationKey, sealed: fromHex(fragment) } };
  } catch (error) {
    return { index, code: codeOf(error) };
  }
}

/** The own node does not answer, or it says that the other one does not at present. */
function isPassing(error: unknown): boolean {
  if (codeOf(error).startsWith("API_")) return true;
  const status = error instanceof ConsiliumError ? error.details.status : undefined;
  return typeof status === "number" && RETRYABLE_STATUSES.includes(status);
}
