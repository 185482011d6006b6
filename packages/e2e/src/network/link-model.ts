import type { Act } from "../plan/plan.js";

type LinkAct = Extract<Act, { act: "disconnect" | "partition" | "slow" }>;

/** What a direction of a link does to bytes now. */
export interface LinkState {
  /** `silent`: nothing arrives until it heals. `reset`: connections break and are refused. */
  readonly blocked: "silent" | "reset" | undefined;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossPercent: number;
  readonly kilobytesPerSecond: number | undefined;
}

export type LinkQuality = Omit<LinkState, "blocked">;

/** Which bytes pass from whom to whom, under all perturbations that hold now. Knows no socket. */
export class LinkModel {
  readonly #acts = new Map<number, LinkAct>();
  readonly #listeners = new Set<() => void>();

  constructor(private readonly base: LinkQuality) {}

  begin(id: number, act: LinkAct): void {
    this.#acts.set(id, act);
    this.#changed();
  }

  end(id: number): void {
    this.#acts.delete(id);
    this.#changed();
  }

  /** Calls back after every change until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stateOf(from: string, to: string): LinkState {
    let state: LinkState = { blocked: undefined, ...this.base };
    for (const act of this.#acts.values()) state = worsened(state, act, from, to);
    return state;
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function worsened(state: LinkState, act: LinkAct, from: string, to: string): LinkState {
  if (act.act === "partition") {
    const groupOf = (name: string) => act.groups.findIndex((group) => group.includes(name));
    const [left, right] = [groupOf(from), groupOf(to)];
    return left < 0 || right < 0 || left === right ? state : { ...state, blocked: state.blocked ?? "silent" };
  }
  if (act.act === "disconnect") {
    const isOut = act.nodes.includes(from) && act.direction !== "in";
    const isIn = act.nodes.includes(to) && act.direction !== "out";
    if (!isOut && !isIn) return state;
    return { ...state, blocked: state.blocked === "reset" ? "reset" : act.how };
  }
  if (!act.nodes.includes(from) && !act.nodes.includes(to)) return state;
  return {
    blocked: state.blocked,
    delayMs: state.delayMs + act.delayMs,
    jitterMs: state.jitterMs + act.jitterMs,
    lossPercent: Math.max(state.lossPercent, act.lossPercent),
    kilobytesPerSecond: least(state.kilobytesPerSecond, act.kilobytesPerSecond),
  };
}

const least = (left: number | undefined, right: number | undefined): number | undefined =>
  left === undefined ? right : Math.min(left, right ?? left);
