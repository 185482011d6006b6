import { equalBytes, sha256 } from "@consilium/crypto";
import {
  decodeStrict,
  limits,
  SignedTransaction,
  transactionIdOf,
  transactionKindNames,
} from "@consilium/protocol";
import { type AnyRule, ensure, refuse } from "./rules.js";
import type { ChainInfo } from "./state/values.js";

/** What the bytes of a transaction say, whatever the state. */
export interface DecodedTransaction {
  readonly signed: SignedTransaction;
  readonly id: Uint8Array;
  readonly rule: AnyRule;
  readonly payload: unknown;
}

/** Largest encoded signed transaction. */
export const transactionBytesMax = limits.transactionPayloadBytes + 512;

/** Encoded bytes of the transactions that are kept. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Decodes transactions, and keeps what it decoded: one passes here on its way into the pool, into a proposal, through a
 * vote and into the state. Kept under all of its bytes, so it changes speed and nothing else; the oldest go first.
 */
export class DecodedTransactions {
  private readonly kept = new Map<
    string,
    { readonly sizeBytes: number; readonly value: DecodedTransaction }
  >();
  private keptBytes = 0;

  constructor(
    private readonly chain: Pick<ChainInfo, "chainId">,
    private readonly rules: ReadonlyMap<number, AnyRule>,
    private readonly bytesMax: number = KEPT_BYTES_MAX,
  ) {}

  /**
   * @throws ConsiliumError `TX_TOO_LARGE`, `BAD_ENCODING`, `TX_WRONG_CHAIN`, `TX_KIND_NOT_HERE`, `TX_UNKNOWN_KIND`.
   */
  read(encoded: Uint8Array): DecodedTransaction {
    ensure(encoded.length <= transactionBytesMax, "TX_TOO_LARGE");
    const name = String.fromCharCode(...sha256(encoded));
    const known = this.kept.get(name);
    if (known !== undefined) return known.value;
    const value = this.decode(encoded);
    this.kept.set(name, { sizeBytes: encoded.length, value });
    this.keptBytes += encoded.length;
    this.forget();
    return value;
  }

  private decode(encoded: Uint8Array): DecodedTransaction {
    const signed = decodeStrict(SignedTransaction, encoded, "transaction");
    const { transaction } = signed;
    ensure(equalBytes(transaction.chainId, this.chain.chainId), "TX_WRONG_CHAIN");
    const rule = this.rules.get(transaction.kind);
    if (rule === undefined)
      refuse(transaction.kind in transactionKindNames ? "TX_KIND_NOT_HERE" : "TX_UNKNOWN_KIND");
    return { signed, id: transactionIdOf(transaction), rule, payload: rule.decode(transaction.payload) };
  }

  private forget(): void {
    for (const [name, { sizeBytes }] of this.kept) {
      if (this.keptBytes <= this.bytesMax) return;
      this.kept.delete(name);
      this.keptBytes -= sizeBytes;
    }
  }
}
