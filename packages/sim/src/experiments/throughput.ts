import { accountId, ed25519Sign, equalBytes } from "@consilium/crypto";
import type { ChainDriverOptions } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  ChainAnchor,
  limits,
  SignedTransaction,
  type StateReader,
  type Transaction,
  TransactionKind,
  transactionSigningBytes,
} from "@consilium/protocol";
import { country } from "../profiles.js";
import type { NodeKey } from "../world/node-keys.js";
import { type Experiment, pointsOf, type Row, rounded } from "./experiment.js";
import { runWorld } from "./world-run.js";

const KIB = 1_024;
const BLOCK_BYTES = [16 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB] as const;
const UPLINKS: readonly (readonly [string, number])[] = [
  ["100 Mbit/s", 12_500_000],
  ["20 Mbit/s", 2_500_000],
  ["5 Mbit/s", 625_000],
];
const VALIDATORS = 4;
const PARAMETERS = { blockIntervalMs: 200, deltaMs: 1_000, epochLengthHeights: 400 } as const;
/** Connections are made before that. */
const WARM_UP_MS = 2_000;

/** How much becomes final a second when every block is as full as the chain allows. */
export const throughput: Experiment = {
  name: "throughput",
  about: "Throughput against block size and uplink",
  async run({ quick, seed, progress }) {
    const durationMs = quick ? 6_000 : 7_000;
    const rows: Row[] = [];
    for (const [uplink, bytesPerSecond] of quick ? UPLINKS.slice(0, 1) : UPLINKS) {
      for (const blockBytes of quick ? BLOCK_BYTES.slice(0, 2) : BLOCK_BYTES) {
        progress(`${uplink}, blocks of ${blockBytes / KIB} KiB`);
        rows.push({ uplink, ...(await measure({ bytesPerSecond, blockBytes, seed, durationMs })) });
      }
    }
    const panel = (column: string, yLabel: string) => ({
      title: yLabel,
      xLabel: "largest payload of a block, KiB",
      yLabel,
      series: UPLINKS.map(([name]) => ({
        name: `uplink ${name}`,
        points: pointsOf(rows, "block KiB", column, (row) => row.uplink === name),
      })).filter(({ points }) => points.length > 0),
    });
    return {
      parameters: { ...PARAMETERS, validators: VALIDATORS, durationMs, warmUpMs: WARM_UP_MS, line: country },
      assumptions: [
        "Transactions are real, signed anchors of about 300 bytes; proposers make them as they build, so pools and clients are no bottleneck.",
        "Processors take no simulated time and vote signatures are stand-ins: the network bounds these figures, a slow machine may bound yours.",
      ],
      rows,
      panels: [
        panel("transactions per second", "final transactions per second"),
        panel("block ms", "milliseconds between blocks"),
      ],
    };
  },
};

interface Point {
  readonly bytesPerSecond: number;
  readonly blockBytes: number;
  readonly seed: number;
  readonly durationMs: number;
}

async function measure({ bytesPerSecond, blockBytes, seed, durationMs }: Point): Promise<Row> {
  let [transactions, bytes, blocks] = [0, 0, 0];
  let keys: readonly NodeKey[] = [];
  await runWorld({
    ...{ seed, durationMs, nodes: VALIDATORS, quality: country, busy: true },
    parameters: { ...PARAMETERS, blockPayloadBytes: blockBytes },
    plant: (options, index) => fillingBlocks(options, () => keys[index]!),
    prepared(world) {
      keys = world.keys;
      for (const { index } of world.nodes) world.network.uplinks.set(index, bytesPerSecond);
    },
    finalized({ node, nowMs, event }) {
      if (node !== 0 || nowMs < WARM_UP_MS) return;
      blocks += 1;
      transactions += event.results.length;
      bytes += event.block.payload.transactions.reduce((sum, { length }) => sum + length, 0);
    },
  });
  const seconds = (durationMs - WARM_UP_MS) / 1_000;
  return {
    "block KiB": blockBytes / KIB,
    blocks,
    "transactions per second": rounded(transactions / seconds),
    "KiB per second": rounded(bytes / KIB / seconds),
    "block ms": rounded((1_000 * seconds) / Math.max(1, blocks)),
  };
}

/** The driver's own application, given more candidates than a block takes whenever it builds one. */
function fillingBlocks(options: ChainDriverOptions, keyOf: () => NodeKey): ChainDriverOptions {
  const { application } = options;
  const filling: typeof application = Object.create(application);
  filling.buildPayload = (state, candidates, context) => {
    const more = withAnchors(candidates, application.chainId, keyOf(), state, context);
    return application.buildPayload(state, more, context);
  };
  return { ...options, application: filling };
}

/** What the pool has, and then the proposer's own anchors until no block takes more. */
function* withAnchors(
  candidates: Iterable<Uint8Array>,
  chainId: Uint8Array,
  key: NodeKey,
  state: StateReader,
  { height, maxBytes = limits.blockPayloadBytes }: { readonly height: number; readonly maxBytes?: number },
): Generator<Uint8Array> {
  const sender = accountId(chainId, key.publicKey);
  let nonce = queries.nextNonces(state, sender).envelope;
  for (const candidate of candidates) {
    if (equalBytes(SignedTransaction.deserialize(candidate).transaction.sender, sender)) nonce += 1;
    yield candidate;
  }
  let sizeBytes = 0;
  for (let count = 0; count < limits.transactionsPerBlock && sizeBytes < maxBytes; count++, nonce++) {
    const anchor = { chainId: key.publicKey, height: nonce + 1, digest: key.publicKey };
    const transaction: Transaction = {
      ...{ chainId, sender, kind: TransactionKind.chainAnchor, nonce },
      expiryHeight: height + 100,
      payload: ChainAnchor.serialize(anchor),
    };
    const signature = ed25519Sign(key.secretKey, transactionSigningBytes(transaction));
    const encoded = SignedTransaction.serialize({ transaction, signature });
    sizeBytes += encoded.length;
    yield encoded;
  }
}
