/** What a transaction kind is to a ledger, and how the ledgers refuse. */
import type { VoteVerifier } from "@consilium/consensus";
import { ConsiliumError, type CryptoPool } from "@consilium/crypto";
import {
  decodeStrict,
  type LedgerCode,
  ledgerCodes,
  type StateReader,
  type Transaction,
  type Verdict,
} from "@consilium/protocol";
import type { BlockContext } from "./application.js";
import type { LedgerEvent } from "./events.js";
import type { Account, ChainInfo } from "./state/values.js";
import type { StateWriter } from "./state/writer.js";

/** What `check` and `apply` of a kind see. */
export interface RuleContext<Payload> {
  readonly chain: ChainInfo;
  /** Reads see the block's earlier transactions; `apply` writes here. */
  readonly state: StateWriter;
  /** Curve work. */
  readonly pool: CryptoPool;
  /** Verifies votes; undefined on a chain without evidence. */
  readonly verifier: VoteVerifier | undefined;
  readonly block: BlockContext;
  /** The epoch of the block's height. */
  readonly epoch: number;
  readonly transaction: Transaction;
  /** Transaction id. */
  readonly id: Uint8Array;
  /** The sender's account; a registration has none yet. */
  readonly sender: Account | undefined;
  readonly payload: Payload;
  /** Ed25519; what verified once is remembered. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  emit(event: LedgerEvent): void;
}

/** What `admit` sees: the state before the block, and signatures checked once. */
export interface AdmissionContext<Payload> {
  readonly chain: ChainInfo;
  readonly state: StateReader;
  readonly payload: Payload;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** A check that passed hands what it found to `apply`. */
export interface Rule<Payload, Found = void> {
  readonly kind: number;
  readonly payload: PayloadType<Payload>;
  /** Who may send it, by role; `new` is an account that registers itself. The kind's own check may say more. */
  readonly sender: "member" | "owner" | "recipient" | "anyone" | "new";
  /** Set where judging one takes curve work, even if it is refused: then a member has few of them in a block. */
  readonly costly?: true;
  /**
   * What must hold, besides the envelope, before a block may carry it at all: for senders that no account vouches for
   * yet. @throws ConsiliumError with a ledger code.
   */
  admit?(context: AdmissionContext<Payload>): void;
  /** Judges the transaction against the state, without effect. @throws ConsiliumError with a ledger code to refuse. */
  check(context: RuleContext<Payload>): Promise<Found>;
  /**
   * Takes effect and returns the transaction's code: `OK`, or the code of a refusal whose marks stay in the state (a
   * conviction). Throwing a ledger code undoes every write.
   */
  apply(context: RuleContext<Payload>, found: Found): Promise<LedgerCode>;
}

interface PayloadType<Payload> {
  serialize(value: Payload): Uint8Array;
  deserialize(bytes: Uint8Array): Payload;
}

/** A rule whose payload type is closed over, as tables hold it. */
export interface AnyRule {
  readonly kind: number;
  readonly sender: Rule<unknown>["sender"];
  readonly costly: boolean;
  /** @throws ConsiliumError `BAD_ENCODING`. */
  decode(payload: Uint8Array): unknown;
  admit(context: AdmissionContext<unknown>): void;
  check(context: RuleContext<unknown>): Promise<void>;
  /** Check and effect in one, as a block applies it. */
  execute(context: RuleContext<unknown>): Promise<LedgerCode>;
}

/** Closes a rule over its payload type for a table of kinds. */
export function ruleOf<Payload, Found>(rule: Rule<Payload, Found>): AnyRule {
  return {
    kind: rule.kind,
    sender: rule.sender,
    costly: rule.costly === true,
    decode: (payload) =>
      decodeStrict(
        rule.payload as Parameters<typeof decodeStrict<Payload>>[0],
        payload,
        "transaction payload",
      ),
    admit: (context) => rule.admit?.(context as AdmissionContext<Payload>),
    async check(context) {
      await rule.check(context as RuleContext<Payload>);
    },
    async execute(context) {
      const typed = context as RuleContext<Payload>;
      return rule.apply(typed, await rule.check(typed));
    },
  };
}

/** A table of rules by kind. */
export const ruleTable = (...rules: readonly AnyRule[]): ReadonlyMap<number, AnyRule> =>
  new Map(rules.map((rule) => [rule.kind, rule]));

/** Refuses a transaction. */
export function refuse(code: LedgerCode, details: Readonly<Record<string, string | number>> = {}): never {
  throw new ConsiliumError(code, ledgerCodes[code], details);
}

/** Refuses unless a condition holds. */
export function ensure(condition: boolean, code: LedgerCode): asserts condition {
  if (!condition) refuse(code);
}

/** The value of a verdict, or its code as a refusal. @throws ConsiliumError with the verdict's code. */
export function ensureValid<Value>(verdict: Verdict<Value>): Value {
  if (verdict.kind === "valid") return verdict.value;
  throw new ConsiliumError(verdict.code, verdict.reason);
}

/**
 * The ledger code of a thrown refusal. Anything else (a worker that died, a fault in the program) is no judgement of
 * the transaction and is thrown on: nodes must not disagree about a transaction because one of them had an accident.
 */
export function refusalCode(error: unknown): LedgerCode {
  if (error instanceof ConsiliumError && Object.hasOwn(ledgerCodes, error.code))
    return error.code as LedgerCode;
  throw error;
}
