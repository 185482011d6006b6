import type { StatusView, TransactionView } from "@consilium/client";

/** One thing that must never happen, and did. */
export interface Violation {
  readonly code:
    | "HEIGHT_DISAGREES"
    | "HEIGHT_WENT_BACK"
    | "BLOCK_LOST"
    | "TRANSACTION_LOST"
    | "TRANSACTION_DIFFERS"
    | "TRANSACTION_DOUBLED"
    | "HANDOVER_DIFFERS"
    | "HONEST_CONVICTED"
    | "NOT_CONVICTED"
    | "NOT_RESUMED"
    | "NOT_SETTLED"
    | "NODE_DIED"
    | "NO_ANSWER";
  readonly sentence: string;
  /** Since the run began. */
  readonly atMs: number;
}

/** Where a transaction was reported final. */
export interface FinalReport {
  readonly height: number;
  readonly timeMs: number;
  /** Code of its refusal, or null when it took effect. */
  readonly code: string | null;
}

interface BlockReport {
  readonly digest: string;
  /** Root of the state after the block, where a node reported it as its tip. */
  readonly stateRoot: string | undefined;
  readonly by: string;
}

/** The same fact stands here once for each node that sees it; more tell nothing new. */
const VIOLATIONS_MAX = 200;

/**
 * Remembers everything that any node ever reported as final and compares what comes later with it. It sees answers of
 * the public API alone and shares no code with the nodes.
 */
export class Witness {
  readonly violations: Violation[] = [];
  readonly #blocks = new Map<number, BlockReport>();
  readonly #heights = new Map<string, number>();
  readonly #transactions = new Map<string, FinalReport & { readonly by: string }>();
  #highest = 0;
  /** When it was reported first; undefined before the first block. */
  #highestSinceMs: number | undefined;
  #longestStallMs = 0;

  constructor(private readonly nowMs: () => number) {}

  /** The highest height that any node reported final. */
  get highest(): number {
    return this.#highest;
  }

  /** The longest time in which no node reported a new height. */
  get longestStallMs(): number {
    const nowMs = this.nowMs();
    return Math.max(this.#longestStallMs, nowMs - (this.#highestSinceMs ?? nowMs));
  }

  get transactions(): ReadonlyMap<string, FinalReport> {
    return this.#transactions;
  }

  /** How many heights were compared or are known from one node. */
  get heightsSeen(): number {
    return this.#blocks.size;
  }

  /** The height that a node reported last, or 0. */
  heightOf(node: string): number {
    return this.#heights.get(`${node} alliance`) ?? 0;
  }

  /** A wiped node may begin again from nothing. */
  wiped(node: string): void {
    this.#heights.delete(`${node} alliance`);
    this.#heights.delete(`${node} private`);
  }

  status(node: string, view: StatusView): void {
    const { finalizedHeight: height, finalizedDigest: digest, stateRoot } = view.alliance;
    this.#rises(node, "alliance", height);
    this.#rises(node, "private", view.private.finalizedHeight);
    this.block(node, height, digest, stateRoot);
    if (height > this.#highest) {
      const nowMs = this.nowMs();
      this.#longestStallMs = this.longestStallMs;
      this.#highest = height;
      this.#highestSinceMs = nowMs;
    }
  }

  /** What a node says of the block at a height, with the state after it if it says that too. */
  block(node: string, height: number, digest: string, stateRoot?: string): void {
    const known = this.#blocks.get(height);
    const root = known?.stateRoot ?? stateRoot;
    if (known === undefined || known.stateRoot !== root) {
      this.#blocks.set(height, { digest: known?.digest ?? digest, stateRoot: root, by: known?.by ?? node });
    }
    if (known !== undefined && known.digest !== digest) {
      const both = `${known.by} said ${known.digest}, ${node} says ${digest}`;
      this.violated("HEIGHT_DISAGREES", `Two final blocks at height ${height}: ${both}.`);
    } else if (stateRoot !== undefined && stateRoot !== root) {
      const both = `${known?.by} said ${root}, ${node} says ${stateRoot}`;
      this.violated("HEIGHT_DISAGREES", `Two states after the block at height ${height}: ${both}.`);
    }
  }

  /** What a node says of a transaction. Only answers that say "final" are compared here. */
  transaction(node: string, view: TransactionView): void {
    if (view.state !== "final") return;
    const report = { height: view.height ?? 0, timeMs: view.timeMs ?? 0, code: view.code };
    const known = this.#transactions.get(view.id);
    if (known === undefined) this.#transactions.set(view.id, { ...report, by: node });
    else if (known.height !== report.height) {
      const both = `${known.by} said height ${known.height}, ${node} says ${report.height}`;
      this.violated("TRANSACTION_DOUBLED", `Transaction ${view.id} is final twice: ${both}.`);
    } else if (known.timeMs !== report.timeMs || known.code !== report.code) {
      const both = `${known.by} said ${known.code ?? "OK"} at ${known.timeMs}, ${node} says ${report.code ?? "OK"} at ${report.timeMs}`;
      this.violated("TRANSACTION_DIFFERS", `Transaction ${view.id} at height ${known.height}: ${both}.`);
    }
  }

  violated(code: Violation["code"], sentence: string): void {
    if (this.violations.length < VIOLATIONS_MAX)
      this.violations.push({ code, sentence, atMs: Math.round(this.nowMs()) });
  }

  #rises(node: string, chain: "alliance" | "private", height: number): void {
    const key = `${node} ${chain}`;
    const before = this.#heights.get(key) ?? 0;
    if (height < before) {
      const sentence = `${node} had reported height ${before} of its ${chain} chain final and now says ${height}.`;
      this.violated("HEIGHT_WENT_BACK", sentence);
    }
    this.#heights.set(key, height);
  }
}
