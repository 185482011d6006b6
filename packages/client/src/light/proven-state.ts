import { toHex } from "@consilium/crypto";
import type { StateReader } from "@consilium/protocol";
import type { FinalPoint } from "./trust.js";

interface ProvenValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  /** The header whose state root it lies under: the state after that header's parent. */
  readonly by: FinalPoint;
}

/**
 * State of which single keys are proven. It can be read like any state: what is not proven yet reads as absent and is
 * noted, so that whoever runs a query over it fetches what was missed and runs the query again.
 */
export class ProvenState implements StateReader {
  readonly #values = new Map<string, ProvenValue>();
  readonly #missing = new Map<string, Uint8Array>();
  /** How often it was proven anew as a whole. */
  restarts = 0;

  get(key: Uint8Array): Uint8Array | undefined {
    const name = toHex(key);
    const proven = this.#values.get(name);
    if (proven === undefined) this.#missing.set(name, key);
    return proven?.value;
  }

  add(key: Uint8Array, value: Uint8Array | undefined, by: FinalPoint): void {
    this.#values.set(toHex(key), { key, value, by });
  }

  get keyCount(): number {
    return this.#values.size;
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Keys that were read without being proven, each once; forgotten by this call. */
  takeMissing(): Uint8Array[] {
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    return missing;
  }

  /** All keys proven so far, to prove them anew; the values stay until then. */
  restart(): Uint8Array[] {
    this.restarts++;
    return [...this.#values.values()].map(({ key }) => key);
  }

  /** The oldest state among the values, and whether it is the only one. */
  span(): { readonly height: number; readonly timeMs: number; readonly isOneState: boolean } {
    const points = [...this.#values.values()].map(({ by }) => by);
    const oldest = points.reduce((left, right) => (right.height < left.height ? right : left));
    const isOneState = points.every(({ height }) => height === oldest.height);
    return { height: oldest.height - 1, timeMs: oldest.timeMs, isOneState };
  }
}
