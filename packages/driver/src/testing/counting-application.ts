import { electGenesisSet, type ValidatorSet } from "@consilium/consensus";
import { ConsiliumError, concat, equalBytes, Reader, sha256, u64 } from "@consilium/crypto";
import {
  type Application,
  type BlockContext,
  type BuildContext,
  type Execution,
  updateTree,
} from "@consilium/ledger";
import {
  BLOCK_VERSION,
  type Block,
  type BlockPayload,
  chainIdOf,
  decodeStrict,
  emptyPayload,
  fault,
  type Genesis,
  ignore,
  payloadRootOf,
  SignedTransaction,
  type StateReader,
  type StoreChange,
  transactionIdOf,
  valid,
  ZERO_32,
} from "@consilium/protocol";

const NONCE_BUCKET = 0x01;
/** Holds a digest of all blocks so far: two histories never have the same root. */
const HISTORY_KEY = Uint8Array.of(0x02);
/** Where the authenticated tree's own keys begin. */
const TREE_KEYS_FROM = Uint8Array.of(0x70);
/** First payload byte of a transaction that stands in blocks but has no effect. */
export const FAILING_PAYLOAD = 0xff;

const nonceKey = (sender: Uint8Array): Uint8Array => concat(Uint8Array.of(NONCE_BUCKET), sender);

/** The next nonce of a sender in a {@link countingApplication}'s state. */
export function nextCountingNonce(state: StateReader, sender: Uint8Array): number {
  const bytes = state.get(nonceKey(sender));
  return bytes === undefined ? 0 : Number(new Reader(bytes).u64());
}

export interface CountingOptions {
  /** The set of an epoch; that of genesis where it has none. */
  readonly sets?: (epoch: number) => ValidatorSet | undefined;
}

/**
 * The smallest application with all that a driver relies on: sequential nonces, refusals with codes, an authenticated
 * state whose root depends on every block, and snapshots of it. A signature is good when its first byte is 1. For tests
 * of the driver alone.
 */
export function countingApplication(genesis: Genesis, { sets }: CountingOptions = {}): Application {
  const chainId = chainIdOf(genesis);
  const decode = (encoded: Uint8Array) => decodeStrict(SignedTransaction, encoded, "transaction");

  function judge(state: StateReader, encoded: Uint8Array, { height }: BlockContext) {
    let signed: SignedTransaction;
    try {
      signed = decode(encoded);
    } catch {
      return fault("BAD_ENCODING", "not a transaction");
    }
    const { transaction, signature } = signed;
    if (!equalBytes(transaction.chainId, chainId)) return fault("TX_WRONG_CHAIN", "of another chain");
    if (signature[0] !== 1) return fault("SIG_INVALID", "not signed");
    if (transaction.expiryHeight < height) return ignore("TX_EXPIRED", "expired");
    if (transaction.nonce < nextCountingNonce(state, transaction.sender))
      return ignore("TX_STALE_NONCE", "used");
    const { sender, nonce, kind, expiryHeight } = transaction;
    return valid({ id: transactionIdOf(transaction), sender, nonce, kind, expiryHeight });
  }

  return {
    chainId,
    genesisBlock: () => {
      const payload = emptyPayload();
      const zero = { parentDigest: ZERO_32, author: ZERO_32, stateRoot: ZERO_32, nextSetRoot: ZERO_32 };
      const header = {
        version: BLOCK_VERSION,
        chainId,
        epoch: 0,
        height: 0,
        ...zero,
        timestampMs: genesis.timeMs,
      };
      return { header: { ...header, payloadRoot: payloadRootOf(payload) }, payload };
    },
    genesisChanges: async () => finish({ get: () => undefined }, [{ key: HISTORY_KEY, value: chainId }], []),
    validatorSet: (_, epoch) => sets?.(epoch) ?? electGenesisSet(genesis),
    snapshot: { from: Uint8Array.of(0), to: TREE_KEYS_FROM, rebuild: updateTree },
    checkTransaction: async (state, encoded, context) => judge(state, encoded, context),
    checkPayload: async (state, block) => checkPayload(state, block),
    buildPayload: async (state, candidates, context) => buildPayload(state, candidates, context),
    applyBlock: async (state, block) => apply(state, block),
  };

  function checkPayload(state: StateReader, { header, payload }: Block) {
    const next = new Map<string, number>();
    for (const encoded of payload.transactions) {
      const verdict = judge(state, encoded, header);
      if (verdict.kind !== "valid")
        return verdict.kind === "fault" ? verdict : fault(verdict.code, verdict.reason);
      const name = String(verdict.value.sender);
      const expected = next.get(name) ?? nextCountingNonce(state, verdict.value.sender);
      if (verdict.value.nonce !== expected) return fault("TX_FUTURE_NONCE", "a nonce is missing");
      next.set(name, expected + 1);
    }
    return valid(undefined);
  }

  function buildPayload(
    state: StateReader,
    candidates: Iterable<Uint8Array>,
    context: BuildContext,
  ): BlockPayload {
    const transactions: Uint8Array[] = [];
    for (const encoded of candidates) {
      const tried = {
        header: { ...context },
        payload: { transactions: [...transactions, encoded], facts: [] },
      };
      if (checkPayload(state, tried as unknown as Block).kind === "valid") transactions.push(encoded);
    }
    return { transactions, facts: [...(context.facts ?? [])] };
  }

  function apply(state: StateReader, { header, payload }: Block): Execution {
    const before = state.get(HISTORY_KEY);
    if (before === undefined) throw new ConsiliumError("LEDGER_BAD_BLOCK", "There is no state to follow.");
    const nonces = new Map<string, StoreChange>();
    const results = payload.transactions.map((encoded) => {
      const { transaction } = decode(encoded);
      const key = nonceKey(transaction.sender);
      nonces.set(String(key), { key, value: u64(transaction.nonce + 1) });
      const code = transaction.payload[0] === FAILING_PAYLOAD ? "TEST_REFUSED" : "OK";
      return { id: transactionIdOf(transaction), code };
    });
    const history = sha256(before, u64(header.height), payloadRootOf(payload));
    return finish(state, [...nonces.values(), { key: HISTORY_KEY, value: history }], results);
  }
}

function finish(
  state: StateReader,
  values: readonly StoreChange[],
  results: Execution["results"],
): Execution {
  const tree = updateTree(state, values);
  return { changes: [...values, ...tree.changes], stateRoot: tree.root, results, events: [] };
}
