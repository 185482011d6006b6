import { codeOf } from "@consilium/crypto";
import { type CandidacyAct, type Chain, candidacyView, decideCandidacy } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import { CandidateReady, type Clock, type Log } from "@consilium/protocol";
import { hasFreshTip } from "../committee/index.js";
import type { TransactionSender } from "../records/index.js";

export interface CandidacyPorts {
  readonly alliance: Chain;
  readonly sender: Pick<TransactionSender, "send">;
  readonly nodeKey: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
}

/** Heights that an act which failed waits before it is tried again. */
const RETRY_HEIGHTS = 3;
/** Reasons for which this node could not use a seat: it had better not be elected. */
const UNFIT = new Set([
  "NO_VOTE_KEY",
  "SAFETY_RECORD_MISSING",
  "SAFETY_RECORD_CORRUPT",
  "SAFETY_RECORD_STALE",
  "OWN_VOTE_UNKNOWN",
  "HALTED",
]);

/**
 * Says in every epoch that this candidate is up. What is due follows from the finalized state alone, so that a restart
 * neither forgets nor repeats it. A node that has not caught up is not up, and one that may not vote does not stand.
 */
export class CandidacyDuty {
  readonly #underWay = new Set<string>();
  #retryHeight = 0;
  #unsubscribe: () => void = () => {};

  constructor(private readonly ports: CandidacyPorts) {}

  start(): void {
    this.#unsubscribe = this.ports.alliance.onFinalized(() => this.review());
    this.review();
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Looks at the finalized state and starts what is due. */
  review(): void {
    const { alliance, nodeKey, clock } = this.ports;
    if (alliance.finalized().height < this.#retryHeight) return;
    if (!hasFreshTip(alliance, clock.nowMs()) || !this.#isFit()) return;
    for (const act of decideCandidacy(candidacyView(alliance.state(), nodeKey))) void this.#perform(act);
  }

  /** A node whose record was lost is fit again from the epoch after its reset, which the next election is later than. */
  #isFit(): boolean {
    const { alliance, nodeKey } = this.ports;
    const { followReason } = alliance.status();
    if (followReason === undefined || !UNFIT.has(followReason)) return true;
    const state = alliance.state();
    return queries.safetyResetEpoch(state, nodeKey) === queries.presentEpoch(state);
  }

  async #perform(act: CandidacyAct): Promise<void> {
    const { sender, alliance, log } = this.ports;
    const { key, transactionKind, epoch, expiryHeight: lastHeight } = act;
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    try {
      await sender.send(transactionKind, CandidateReady.serialize({ epoch }), { lastHeight });
      log.info({ epoch }, "candidate.ready");
    } catch (error) {
      this.#retryHeight = alliance.finalized().height + RETRY_HEIGHTS;
      log.warn({ epoch, code: codeOf(error) }, "candidate.ready-failed");
    } finally {
      this.#underWay.delete(key);
    }
  }
}
