import { codeOf, concat, toHex, u8, u64 } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  decodeStrict,
  EvidenceConsensus,
  type Log,
  type Store,
  TransactionKind,
  type Vote,
} from "@consilium/protocol";
import type { TransactionSender } from "../records/index.js";

const PREFIX = 0x30;
/** Heights after which evidence that could not be sent is tried again. */
const RETRY_HEIGHTS = 20;
/** Refusals after which nothing is left to do: it is known, or it will never count. */
const SETTLED = new Set([
  "EVIDENCE_REPEATED",
  "EVIDENCE_TOO_OLD",
  "EVIDENCE_NO_CONTRADICTION",
  "EVIDENCE_BAD_SIGNATURE",
]);

export interface EvidencePorts {
  readonly alliance: Chain;
  readonly sender: Pick<TransactionSender, "send">;
  readonly nodeKey: Uint8Array;
  readonly log: Log;
}

/**
 * Brings votes that contradict each other before the alliance. They are kept on disk until their author is convicted or
 * they no longer count, so that a crash of this node helps nobody; another member may well be faster.
 */
export class EvidenceDuty {
  readonly #underWay = new Set<string>();
  #ports: EvidencePorts | undefined;
  #retryHeight = 0;
  #unsubscribe: () => void = () => {};

  /** @param store the services' own part of the database. */
  constructor(private readonly store: Store) {}

  /** Takes what the chain found; it may come before {@link start}. */
  take(first: Vote, second: Vote): void {
    const key = keyOf(first);
    const value = EvidenceConsensus.serialize({ first, second });
    // Durable before anything is sent; the review after the next block sends it.
    this.store.batch([{ key, value }], { sync: true }).then(
      () => {
        this.#retryHeight = 0;
        this.review();
      },
      (error: unknown) => this.#ports?.log.error({ error }, "evidence.not-stored"),
    );
  }

  start(ports: EvidencePorts): void {
    this.#ports = ports;
    this.#unsubscribe = ports.alliance.onFinalized(() => this.review());
    this.review();
  }

  stop(): void {
    this.#unsubscribe();
    this.#ports = undefined;
  }

  /** Sends what is kept and not under way. */
  review(): void {
    const ports = this.#ports;
    if (ports === undefined || ports.alliance.finalized().height < this.#retryHeight) return;
    if (!queries.isMember(ports.alliance.state(), ports.nodeKey)) return;
    this.#retryHeight = ports.alliance.finalized().height + RETRY_HEIGHTS;
    this.#sendAll(ports).catch((error: unknown) => ports.log.error({ error }, "evidence.not-read"));
  }

  async #sendAll(ports: EvidencePorts): Promise<void> {
    const from = Uint8Array.of(PREFIX);
    const to = Uint8Array.of(PREFIX + 1);
    for await (const [key, value] of this.store.range({ from, to })) void this.#send(ports, key, value);
  }

  async #send(ports: EvidencePorts, key: Uint8Array, payload: Uint8Array): Promise<void> {
    const name = toHex(key);
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    const { epoch, view, validator } = decodeStrict(EvidenceConsensus, payload, "evidence").first;
    const facts = { epoch, view, validator };
    try {
      const done = this.#isConvicted(ports, epoch, validator) ? "known" : await this.#submit(ports, payload);
      await this.store.batch([{ key, value: undefined }], { sync: false });
      ports.log.warn({ ...facts, outcome: done }, "evidence.settled");
    } catch (error) {
      ports.log.warn({ ...facts, code: codeOf(error) }, "evidence.not-sent");
    } finally {
      this.#underWay.delete(name);
    }
  }

  /** "sent", or the code that says why there is nothing more to do. */
  async #submit({ sender }: EvidencePorts, payload: Uint8Array): Promise<string> {
    try {
      await sender.send(TransactionKind.evidenceConsensus, payload);
      return "sent";
    } catch (error) {
      if (SETTLED.has(codeOf(error))) return codeOf(error);
      throw error;
    }
  }

  #isConvicted({ alliance }: EvidencePorts, epoch: number, validator: number): boolean {
    const state = alliance.state();
    const node = queries.validators(state, epoch)[validator];
    return node !== undefined && queries.conviction(state, node, epoch) !== undefined;
  }
}

/** One pair for a validator and epoch: it is convicted once for it. */
const keyOf = ({ epoch, validator }: Vote): Uint8Array => concat(u8(PREFIX), u64(epoch), u8(validator));
