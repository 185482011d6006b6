import { codeOf } from "@consilium/crypto";
import {
  CandidateReady,
  SignedTransaction,
  TransactionKind,
  transactionIdOf,
  transactionIdSigningBytes,
  transactionSigningBytes,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { candidateReady } from "../src/alliance/candidate-ready.js";
import { DecodedTransactions, transactionBytesMax } from "../src/decoded-transactions.js";
import { ruleOf, ruleTable } from "../src/rules.js";

const chainId = new Uint8Array(32).fill(1);
const rule = ruleOf(candidateReady);
let decodings = 0;
const rules = ruleTable({
  ...rule,
  decode: (payload) => {
    decodings += 1;
    return rule.decode(payload);
  },
});

const encodedOf = (nonce: number, over: Partial<SignedTransaction["transaction"]> = {}): Uint8Array =>
  SignedTransaction.serialize({
    transaction: {
      chainId,
      kind: TransactionKind.candidateReady,
      sender: new Uint8Array(32).fill(2),
      nonce,
      expiryHeight: 10,
      payload: CandidateReady.serialize({ epoch: 3 }),
      ...over,
    },
    signature: new Uint8Array(64).fill(nonce),
  });

const refusalOf = (read: () => unknown): string => {
  try {
    read();
    return "read";
  } catch (error) {
    return codeOf(error);
  }
};

describe("decoded transactions", () => {
  it("are decoded once and read again, with the id that their bytes have", () => {
    const decoded = new DecodedTransactions({ chainId }, rules);
    decodings = 0;
    const first = decoded.read(encodedOf(1));
    expect(decoded.read(encodedOf(1))).toBe(first);
    expect(decodings).toBe(1);
    expect(first.id).toEqual(transactionIdOf(first.signed.transaction));
    expect(transactionIdSigningBytes(first.id)).toEqual(transactionSigningBytes(first.signed.transaction));
    expect(first.payload).toEqual({ epoch: 3 });
  });

  it("are told apart by their signature alone", () => {
    const decoded = new DecodedTransactions({ chainId }, rules);
    const other = encodedOf(1);
    // The signature stands behind the offset of the transaction.
    other[4]! ^= 1;
    const ids = [decoded.read(encodedOf(1)), decoded.read(other)];
    expect(ids[0]!.signed.signature).not.toEqual(ids[1]!.signed.signature);
  });

  it("are kept up to a number of bytes, the oldest going first", () => {
    const sizeBytes = encodedOf(1).length;
    const decoded = new DecodedTransactions({ chainId }, rules, 2 * sizeBytes);
    decodings = 0;
    for (const nonce of [1, 2, 3, 2, 3]) decoded.read(encodedOf(nonce));
    expect(decodings).toBe(3);
    decoded.read(encodedOf(1));
    expect(decodings).toBe(4);
  });

  it.each<[string, Uint8Array]>([
    ["TX_TOO_LARGE", new Uint8Array(transactionBytesMax + 1)],
    ["BAD_ENCODING", new Uint8Array(100)],
    ["TX_WRONG_CHAIN", encodedOf(1, { chainId: new Uint8Array(32) })],
    ["TX_UNKNOWN_KIND", encodedOf(1, { kind: 0xff })],
    ["TX_KIND_NOT_HERE", encodedOf(1, { kind: TransactionKind.recordPut })],
    ["BAD_ENCODING", encodedOf(1, { payload: new Uint8Array(3) })],
  ])("refuse with %s, each time anew", (code, encoded) => {
    const decoded = new DecodedTransactions({ chainId }, rules);
    expect(refusalOf(() => decoded.read(encoded))).toBe(code);
    expect(refusalOf(() => decoded.read(encoded))).toBe(code);
  });
});
