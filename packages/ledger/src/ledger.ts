/** The application machine: the same for both chains, which differ in their rules and in what starts a block. */
import type { ValidatorSet, VoteVerifier } from "@consilium/consensus";
import { ConsiliumError, type CryptoPool } from "@consilium/crypto";
import {
  BLOCK_VERSION,
  type Block,
  type BlockHeader,
  type BlockPayload,
  type Certificate,
  chainIdOf,
  emptyPayload,
  epochOfHeight,
  fault,
  type Genesis,
  ignore,
  isBoundaryHeight,
  isFirstOfEpoch,
  type LedgerCode,
  limits,
  payloadRootOf,
  type StateReader,
  sentenceOf,
  type Verdict,
  valid,
} from "@consilium/protocol";
import type {
  Application,
  BlockContext,
  BuildContext,
  CheckedTransaction,
  Execution,
  TransactionOutcome,
} from "./application.js";
import { DecodedTransactions } from "./decoded-transactions.js";
import { startEpoch } from "./elections/epoch-start.js";
import { admit, checkEnvelope, type Envelope, isUnlucky, nextNonce } from "./envelope.js";
import type { LedgerEvent } from "./events.js";
import { writeGenesis } from "./genesis.js";
import * as queries from "./queries.js";
import { rotateResults, storeResult } from "./results.js";
import { type AnyRule, ensure, type RuleContext, refusalCode } from "./rules.js";
import { SenderRun } from "./sender-run.js";
import { keyOf, prefixes } from "./state/keys.js";
import { updateTree } from "./state/tree.js";
import { type ChainInfo, Tip } from "./state/values.js";
import { StateWriter } from "./state/writer.js";
import { type SignatureCheck, VerifiedSignatures } from "./verified-signatures.js";

/** What a block may do besides its transactions: transitions by height. */
export interface BlockEnd {
  readonly chain: ChainInfo;
  readonly state: StateWriter;
  readonly pool: CryptoPool;
  readonly block: BlockContext;
  readonly header: BlockHeader;
  /** The epoch of the block's height. */
  readonly epoch: number;
  emit(event: LedgerEvent): void;
}

export interface BlockStart extends BlockEnd {
  /** The state after the parent, without anything of this block. */
  readonly parent: StateReader;
  /** Certificates of earlier views that the block includes. */
  readonly facts: readonly Certificate[];
}

export interface LedgerDefinition {
  readonly genesis: Genesis;
  readonly pool: CryptoPool;
  readonly rules: ReadonlyMap<number, AnyRule>;
  /** State changes by height, before the block's transactions and after a new epoch's set is written. */
  readonly startBlock?: (start: BlockStart) => Promise<void>;
  /** State changes after the transactions of a boundary block. */
  readonly endEpoch?: (end: BlockEnd) => void;
  /** Verifies the votes of evidence; a chain without evidence needs none. */
  readonly verifier?: VoteVerifier;
  /** Ed25519 checks; the crypto package's own when absent. */
  readonly ed25519?: SignatureCheck;
}

const emptyState: StateReader = { get: () => undefined };
/** Bytes a transaction adds to an encoded payload besides its own: the offset of the list. */
const OFFSET_SIZE_BYTES = 4;

/** Makes an {@link Application} from a genesis and a table of rules. */
export class Ledger implements Application {
  readonly chainId: Uint8Array;
  readonly snapshot = { from: Uint8Array.of(0), to: keyOf(prefixes.treeNode), rebuild: updateTree };
  private readonly chain: ChainInfo;
  private readonly signatures: VerifiedSignatures;
  private readonly decoded: DecodedTransactions;

  constructor(private readonly definition: LedgerDefinition) {
    this.signatures = new VerifiedSignatures(definition.ed25519);
    this.chainId = chainIdOf(definition.genesis);
    const scratch = new StateWriter(emptyState);
    this.chain = writeGenesis(scratch, definition.genesis);
    this.decoded = new DecodedTransactions(this.chain, definition.rules);
  }

  genesisBlock(): Block {
    const payload = emptyPayload();
    const header = {
      version: BLOCK_VERSION,
      chainId: this.chainId,
      epoch: 0,
      height: 0,
      parentDigest: new Uint8Array(32),
      author: new Uint8Array(32),
      timestampMs: this.definition.genesis.timeMs,
      payloadRoot: payloadRootOf(payload),
      stateRoot: new Uint8Array(32),
      nextSetRoot: new Uint8Array(32),
    };
    return { header, payload };
  }

  async genesisChanges(): Promise<Execution> {
    const state = new StateWriter(emptyState);
    writeGenesis(state, this.definition.genesis);
    state.putValue(keyOf(prefixes.tip), Tip, { height: 0, timestampMs: this.definition.genesis.timeMs });
    return finish(emptyState, state, [], []);
  }

  validatorSet(state: StateReader, epoch: number): ValidatorSet | undefined {
    return queries.validatorSet(state, epoch);
  }

  safetyResetEpoch(state: StateReader, nodeId: Uint8Array): number | undefined {
    return queries.safetyResetEpoch(state, nodeId);
  }

  async checkTransaction(
    state: StateReader,
    encoded: Uint8Array,
    context: BlockContext,
  ): Promise<Verdict<CheckedTransaction>> {
    let envelope: Envelope;
    try {
      envelope = checkEnvelope(this.chain, this.decoded, state, encoded, context);
      admit(this.signatures, this.chain, state, envelope);
    } catch (error) {
      const code = refusalCode(error);
      return isUnlucky(error) ? ignore(code, sentenceOf(code)) : fault(code, sentenceOf(code));
    }
    const { sender, nonce, kind, expiryHeight } = envelope.signed.transaction;
    const checked = { id: envelope.id, sender, nonce, kind, expiryHeight };
    // What comes before it in the pool may be what makes it right: only the next one is judged by its kind.
    if (nonce > nextNonce(state, sender)) return valid(checked);
    try {
      await envelope.rule.check(this.contextOf(new StateWriter(state), envelope, context, []));
      return valid(checked);
    } catch (error) {
      const code = refusalCode(error);
      return ignore(code, sentenceOf(code));
    }
  }

  async checkPayload(state: StateReader, block: Block): Promise<Verdict> {
    const { transactions, facts } = block.payload;
    const sizeBytes = transactions.reduce((sum, each) => sum + each.length + OFFSET_SIZE_BYTES, 0);
    if (sizeBytes > this.chain.blockPayloadBytes || facts.length > limits.factsPerBlock)
      return fault("TX_TOO_MANY", sentenceOf("TX_TOO_MANY"));
    try {
      const envelopes = this.openEnvelopes(state, transactions, block.header.height);
      for (const envelope of envelopes) admit(this.signatures, this.chain, state, envelope);
      return valid(undefined);
    } catch (error) {
      const code = refusalCode(error);
      return fault(code, sentenceOf(code));
    }
  }

  async buildPayload(
    state: StateReader,
    candidates: Iterable<Uint8Array>,
    context: BuildContext,
  ): Promise<BlockPayload> {
    const maxBytes = Math.min(context.maxBytes ?? this.chain.blockPayloadBytes, this.chain.blockPayloadBytes);
    const run = new SenderRun(state);
    const transactions: Uint8Array[] = [];
    let sizeBytes = 0;
    for (const encoded of candidates) {
      if (transactions.length >= limits.transactionsPerBlock) break;
      if (sizeBytes + encoded.length + OFFSET_SIZE_BYTES > maxBytes) continue;
      if (!this.isIncludable(state, encoded, context, run)) continue;
      transactions.push(encoded);
      sizeBytes += encoded.length + OFFSET_SIZE_BYTES;
    }
    return { transactions, facts: [...(context.facts ?? [])] };
  }

  private isIncludable(
    state: StateReader,
    encoded: Uint8Array,
    context: BlockContext,
    run: SenderRun,
  ): boolean {
    try {
      const envelope = checkEnvelope(this.chain, this.decoded, state, encoded, context, run.nextNonce);
      run.check(envelope);
      admit(this.signatures, this.chain, state, envelope);
      run.take(envelope);
      return true;
    } catch (error) {
      refusalCode(error);
      return false;
    }
  }

  async applyBlock(parent: StateReader, block: Block): Promise<Execution> {
    const { header } = block;
    const { height, timestampMs } = header;
    const context = { height, timestampMs };
    const before = queries.tip(parent);
    if (queries.chainInfo(parent) === undefined || height !== before.height + 1)
      throw badBlock("Apply the blocks of a chain in order, from its genesis.", height);
    const state = new StateWriter(parent);
    const events: LedgerEvent[] = [];
    const step = this.stepOf(state, header, events);
    const { epochLengthHeights } = this.chain;
    const start = { ...step, parent, facts: block.payload.facts };
    if (step.epoch > 0 && isFirstOfEpoch(height, epochLengthHeights)) startEpoch(start);
    await this.definition.startBlock?.(start);
    const results: TransactionOutcome[] = [];
    for (const envelope of this.envelopesOf(parent, block)) {
      const code = await this.execute(state, envelope, context, events);
      results.push({ id: envelope.id, code });
    }
    rotateResults(
      state,
      height,
      results.map(({ id }) => id),
    );
    state.putValue(keyOf(prefixes.tip), Tip, context);
    if (isBoundaryHeight(height, epochLengthHeights)) this.definition.endEpoch?.(step);
    return finish(parent, state, results, events);
  }

  private stepOf(state: StateWriter, header: BlockHeader, events: LedgerEvent[]): BlockEnd {
    const { chain } = this;
    const { pool } = this.definition;
    const { height, timestampMs } = header;
    const emit = (event: LedgerEvent): void => void events.push(event);
    const epoch = epochOfHeight(height, chain.epochLengthHeights);
    return { chain, state, pool, block: { height, timestampMs }, header, epoch, emit };
  }

  /** Runs one transaction; a refusal leaves its code and the used nonce, and nothing else. */
  private async execute(
    state: StateWriter,
    envelope: Envelope,
    block: BlockContext,
    events: LedgerEvent[],
  ): Promise<LedgerCode> {
    const own = new StateWriter(state);
    const emitted: LedgerEvent[] = [];
    let code: LedgerCode;
    try {
      code = await envelope.rule.execute(this.contextOf(own, envelope, block, emitted));
      state.merge(own);
      events.push(...emitted);
    } catch (error) {
      code = refusalCode(error);
    }
    const { sender, nonce } = envelope.signed.transaction;
    state.putCounter(keyOf(prefixes.envelopeNonce, sender), nonce + 1);
    storeResult(state, envelope, block.height, code);
    return code;
  }

  private envelopesOf(state: StateReader, block: Block): Envelope[] {
    try {
      return this.openEnvelopes(state, block.payload.transactions, block.header.height);
    } catch (error) {
      throw badBlock(sentenceOf(refusalCode(error)), block.header.height);
    }
  }

  /** Judges the envelopes of a block together: the state before it, and nonces that run on inside it. */
  private openEnvelopes(state: StateReader, transactions: readonly Uint8Array[], height: number): Envelope[] {
    const run = new SenderRun(state);
    return transactions.map((encoded) => {
      const envelope = checkEnvelope(this.chain, this.decoded, state, encoded, { height }, run.nextNonce);
      ensure(envelope.signed.transaction.nonce < Number.MAX_SAFE_INTEGER, "TX_FUTURE_NONCE");
      run.check(envelope);
      run.take(envelope);
      return envelope;
    });
  }

  private contextOf(
    state: StateWriter,
    envelope: Envelope,
    block: BlockContext,
    events: LedgerEvent[],
  ): RuleContext<unknown> {
    const { chain } = this;
    const { pool, verifier } = this.definition;
    const { id, sender, payload } = envelope;
    const { transaction } = envelope.signed;
    const emit = (event: LedgerEvent): void => void events.push(event);
    const epoch = epochOfHeight(block.height, chain.epochLengthHeights);
    const verify = this.signatures.verify.bind(this.signatures);
    const ports = { pool, verifier, verify };
    return { chain, state, ...ports, block, epoch, transaction, id, sender, payload, emit };
  }
}

function finish(
  parent: StateReader,
  state: StateWriter,
  results: readonly TransactionOutcome[],
  events: readonly LedgerEvent[],
): Execution {
  const values = state.changes();
  const tree = updateTree(parent, values);
  return { changes: [...values, ...tree.changes], stateRoot: tree.root, results, events };
}

const badBlock = (sentence: string, height: number): ConsiliumError =>
  new ConsiliumError("LEDGER_BAD_BLOCK", sentence, { height });
