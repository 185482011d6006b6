/** Sends transactions of one account to the alliance chain and waits until they are final. */
import { ConsiliumError, codeOf, fromHex, toHex } from "@consilium/crypto";
import {
  SignedTransaction,
  sentenceOf,
  type Transaction,
  type TransactionKind,
  transactionIdOf,
  transactionSigningBytes,
} from "@consilium/protocol";
import { routes, type TransactionView } from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import type { RequestSigner } from "../http/signature.js";
import { type ClientPorts, delay } from "../ports.js";

/** Heights for which a transaction stays valid: minutes, on every preset. */
const EXPIRY_HEIGHTS = 1_000;
const WAIT_MS = 10_000;
const DEADLINE_MS = 120_000;
const RESUBMIT_PAUSE_MS = 200;

export interface SenderOptions {
  readonly api: HttpApi;
  readonly ports: Pick<ClientPorts, "clock">;
  readonly chainId: Uint8Array;
  /** Signs in the name of the account: `keyId` is the account id. */
  readonly signer: RequestSigner;
  /** How long to wait for finality; default two minutes. */
  readonly deadlineMs?: number;
}

/** Where a transaction took effect. */
export interface FinalTransaction {
  readonly id: string;
  readonly height: number;
  readonly timeMs: number;
}

export class TransactionSender {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: SenderOptions) {}

  /**
   * Signs, submits and waits. One at a time, since the nonces of an account are strictly sequential.
   * Throws ConsiliumError with the chain's code when it is refused, `TX_NOT_FINAL` when the deadline passes.
   */
  send(kind: TransactionKind, payload: Uint8Array): Promise<FinalTransaction> {
    const turn = this.#last.then(
      () => this.#send(kind, payload),
      () => this.#send(kind, payload),
    );
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #send(kind: TransactionKind, payload: Uint8Array): Promise<FinalTransaction> {
    const { clock } = this.options.ports;
    const deadlineMs = clock.nowMs() + (this.options.deadlineMs ?? DEADLINE_MS);
    let signed = await this.#sign(kind, payload);
    for (;;) {
      const view = await this.#submitAndWait(signed.bytes, signed.id);
      if (view.state === "final") return finalOrThrow(view);
      if (view.state === "unknown" && (await this.#isDisplaced(signed)))
        signed = await this.#sign(kind, payload);
      await delay(clock, RESUBMIT_PAUSE_MS);
      if (clock.nowMs() > deadlineMs) {
        throw new ConsiliumError(
          "TX_NOT_FINAL",
          "The transaction is not final yet; ask for it again later.",
          {
            id: signed.id,
          },
        );
      }
    }
  }

  async #sign(kind: TransactionKind, payload: Uint8Array) {
    const { api, chainId, signer } = this.options;
    const status = await api.call(routes.status, {});
    const nonce = await this.#nextNonce();
    const transaction: Transaction = {
      chainId,
      kind,
      sender: fromHex(signer.keyId),
      nonce,
      expiryHeight: status.alliance.finalizedHeight + EXPIRY_HEIGHTS,
      payload,
    };
    const signature = await signer.sign(transactionSigningBytes(transaction));
    const bytes = toHex(SignedTransaction.serialize({ transaction, signature }));
    return { id: toHex(transactionIdOf(transaction)), bytes, nonce };
  }

  /** 0 for an account that is about to register. */
  async #nextNonce(): Promise<number> {
    try {
      const view = await this.options.api.call(routes.account, { account: this.options.signer.keyId });
      return view.nextNonce;
    } catch (error) {
      if (codeOf(error) === "UNKNOWN_ACCOUNT") return 0;
      throw error;
    }
  }

  /**
   * Whether another client of this account used the nonce, so that nothing of this transaction can be on the chain. It
   * is looked for once more after its nonce was found used: it may have become final by itself in between.
   */
  async #isDisplaced({ id, nonce }: { readonly id: string; readonly nonce: number }): Promise<boolean> {
    if ((await this.#nextNonce()) <= nonce) return false;
    return (await this.options.api.call(routes.transaction, { id })).state === "unknown";
  }

  /**
   * Submits (again, which is harmless) and waits a while. A refusal counts only when the transaction is not on the
   * chain already: after a lost answer the second submission finds its nonce used, by itself.
   */
  async #submitAndWait(transaction: string, id: string): Promise<TransactionView> {
    const { api } = this.options;
    let refusal: unknown;
    try {
      await api.call(routes.submitTransaction, {}, { transaction });
    } catch (error) {
      refusal = error;
    }
    const waitMs = refusal === undefined ? WAIT_MS : 0;
    const view = await api.call(routes.transaction, { id, waitMs });
    if (refusal === undefined || view.state !== "unknown" || codeOf(refusal) === "TX_STALE_NONCE")
      return view;
    throw refusal;
  }
}

function finalOrThrow(view: TransactionView): FinalTransaction {
  if (view.code === null || view.code === "OK") {
    return { id: view.id, height: view.height ?? 0, timeMs: view.timeMs ?? 0 };
  }
  throw new ConsiliumError(view.code, sentenceOf(view.code), {
    transaction: view.id,
    height: view.height ?? 0,
  });
}
