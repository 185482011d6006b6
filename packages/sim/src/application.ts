import { createHash } from "node:crypto";
import type { Effect, FinalizedTip, Input } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import { BLOCK_VERSION, type BlockHeader, digestOf, fault, valid, ZERO_32 } from "@consilium/protocol";
import type { SeededRandom } from "./random.js";

type Build = Extract<Effect, { kind: "buildPayload" }>;
type Check = Extract<Effect, { kind: "checkPayload" }>;

export interface ApplicationPorts {
  readonly chainId: Uint8Array;
  readonly author: Uint8Array;
  readonly random: SeededRandom;
  nowMs(): number;
  /** Runs later, unless the node crashed meanwhile. */
  after(delayMs: number, action: () => void | Promise<void>): void;
  body(digestHex: string): BlockHeader | undefined;
  tip(): FinalizedTip;
  storeBody(header: BlockHeader): void;
  answer(input: Input): void | Promise<void>;
}

/** The state root after a block; the simulated state is the hash of its history. */
export const stateAfter = (stateRoot: Uint8Array, digest: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(stateRoot).update(digest).digest());

/**
 * A small application behind the engine: blocks are random payload roots, executing one hashes it into the state. It
 * builds and judges only on executed parents, and waits for bodies as the real one does.
 */
export class SimulatedApplication {
  #waiting: { readonly ready: () => boolean; readonly run: () => void | Promise<void> }[] = [];

  constructor(private readonly ports: ApplicationPorts) {}

  build({ epoch, view, parent }: Build): void {
    const ready = (): boolean => this.#executed(parent.digest);
    this.#when(ready, async () => {
      const { chainId, author, random } = this.ports;
      const header: BlockHeader = {
        version: BLOCK_VERSION,
        chainId,
        epoch,
        height: parent.height + 1,
        parentDigest: parent.digest,
        author,
        timestampMs: Math.max(this.ports.nowMs(), parent.timestampMs + 1),
        payloadRoot: random.bytes(32),
        stateRoot: this.#rootAfter(parent.digest),
        nextSetRoot: ZERO_32,
      };
      this.ports.storeBody(header);
      await this.ports.answer({ kind: "payloadBuilt", epoch, view, header });
    });
  }

  check({ epoch, view, header, digest, notBeforeMs }: Check): void {
    const ready = (): boolean =>
      this.ports.body(toHex(digest)) !== undefined && this.#executed(header.parentDigest);
    this.#when(ready, () => {
      const waitMs = Math.max(0, notBeforeMs - this.ports.nowMs());
      const holds = toHex(this.#rootAfter(header.parentDigest)) === toHex(header.stateRoot);
      const verdict = holds
        ? valid(undefined)
        : fault("BLOCK_BAD_STATE_ROOT", "another state after the parent");
      this.ports.after(waitMs, () =>
        this.ports.answer({ kind: "payloadChecked", epoch, view, digest, verdict }),
      );
    });
  }

  /** Looks again at what waits, after a body came or the tip moved. */
  async wake(): Promise<void> {
    const ready = this.#waiting.filter((job) => job.ready());
    this.#waiting = this.#waiting.filter((job) => !ready.includes(job));
    for (const job of ready) await job.run();
  }

  /** What waits for a view long left is given up, so that waiting jobs stay few. */
  #when(ready: () => boolean, run: () => void | Promise<void>): void {
    this.#waiting = [...this.#waiting.slice(-8), { ready, run }];
    const workMs = this.ports.random.between(0, 3);
    this.ports.after(workMs, () => this.wake());
  }

  #executed(digest: Uint8Array): boolean {
    const tip = this.ports.tip();
    for (let wanted = digest; ; ) {
      if (toHex(wanted) === toHex(tip.digest)) return true;
      const header = this.ports.body(toHex(wanted));
      if (header === undefined || header.height <= tip.height) return false;
      wanted = header.parentDigest;
    }
  }

  #rootAfter(digest: Uint8Array): Uint8Array {
    return stateAfter(this.ports.body(toHex(digest))?.stateRoot ?? ZERO_32, digest);
  }
}

export const hexDigestOf = (header: BlockHeader): string => toHex(digestOf(header));
