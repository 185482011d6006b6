/**
 * How many blocks a second a node without a chain takes by range sync: a whole driver that follows, and the code that
 * serves it, in one process over memory ports and stores, so that only proofs, execution and the protocol itself cost
 * time. Blocks are small, one transaction each.
 *
 * Usage: node scripts/ts.mjs packages/driver/bench/sync.ts [--blocks N] [--json]
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { InlineCryptoPool, loadCurve } from "@consilium/crypto/curve";
import { createAllianceLedger } from "@consilium/ledger";
import { SignedTransaction, StakeVote, TransactionKind, transactionIdOf } from "@consilium/protocol";
import { Actor } from "../../ledger/test/support/actors.js";
import { ChainDriver } from "../src/index.js";
import { encodeMessage } from "../src/messages/codec.js";
import { MemoryStore, nextCountingNonce } from "../src/testing/index.js";
import { seededRandom, silentLog } from "../test/harness.js";
import { type ChainSetup, MadeChain } from "../test/sync/made-chain.js";
import { SyncWorld } from "../test/sync/sync-harness.js";

const MEMBERS = 5;
const PEERS = ["a", "b", "c"];
const NEWCOMER = "newcomer";
/** Of simulated time. */
const LIMIT_MS = 600_000;

interface Result {
  readonly application: string;
  readonly blocks: number;
  readonly seconds: number;
  readonly blocksPerSecond: number;
}

/** Members with real keys; with each block one of them, in turn, spreads its stake anew. */
async function allianceSetup(): Promise<ChainSetup> {
  const pool = new InlineCryptoPool(await loadCurve({ backend: "mcl" }));
  const members = Array.from({ length: MEMBERS }, (_, index) => new Actor(`member ${index}`));
  return {
    nodeKeys: members.map(({ key }) => key),
    application: (genesis) => createAllianceLedger(genesis, pool),
    transactionsOf: (chainId, height) => {
      const member = members[height % MEMBERS]!;
      const votes = [{ candidate: member.key, stake: 1 }];
      return [member.transaction(chainId, TransactionKind.stakeVote, StakeVote, { votes })];
    },
  };
}

/** Builds the chain first; only catching up is timed. All blocks are of one epoch: peers keep every finalization. */
async function measure(application: string, blocks: number, setup?: ChainSetup): Promise<Result> {
  const shape = { lengthHeights: 2 * blocks, blocks };
  const chain = await MadeChain.create(setup === undefined ? shape : { ...shape, setup });
  const world = new SyncWorld(chain);
  const ports = [];
  for (const name of PEERS) ports.push(await world.peer(name));
  const driver = new ChainDriver({
    genesis: chain.genesis,
    application: chain.application,
    identity: { nodeId: new Uint8Array(32).fill(1) },
    store: new MemoryStore(),
    transport: world.network.join(NEWCOMER),
    verifier: chain.verifier,
    clock: world.clock,
    random: seededRandom(3),
    log: silentLog,
    ...(setup === undefined ? { nextNonce: nextCountingNonce } : {}),
  });
  await driver.start();
  const startMs = performance.now();
  const certificate = chain.store.finalizationAt(blocks)!;
  ports[0]!.send(NEWCOMER, encodeMessage({ kind: "certificate", certificate }));
  await world.clock.runUntil(() => driver.finalized().height === blocks, LIMIT_MS);
  const seconds = (performance.now() - startMs) / 1_000;
  if (driver.counters.blocksSynced !== blocks)
    throw new Error(`range sync brought ${driver.counters.blocksSynced} blocks`);
  requireEffects(driver, chain, blocks);
  await driver.stop();
  return { application, blocks, seconds, blocksPerSecond: blocks / seconds };
}

/** A chain whose transactions were refused would be quick to execute and prove nothing. */
function requireEffects(driver: ChainDriver, chain: MadeChain, height: number): void {
  for (const encoded of chain.store.block(height)!.payload.transactions) {
    const { transaction } = SignedTransaction.deserialize(encoded);
    const code = driver.transactionResult(transactionIdOf(transaction))?.code;
    if (code !== "OK") throw new Error(`the last transaction ended with ${code}`);
  }
}

const { values } = parseArgs({
  options: { blocks: { type: "string", default: "2000" }, json: { type: "boolean", default: false } },
});
const blocks = Number(values.blocks);
if (!Number.isSafeInteger(blocks) || blocks < 1) throw new Error("--blocks takes a number of blocks, from 1");
const results = [
  await measure("counting", blocks),
  await measure("alliance ledger", blocks, await allianceSetup()),
];
const processors = cpus();
const machine = {
  processor: processors[0]?.model ?? "unknown",
  cores: processors.length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
};
if (values.json) {
  console.log(JSON.stringify({ machine, results }, null, 2));
} else {
  console.log(Object.values(machine).join(", "));
  for (const { application, seconds, blocksPerSecond } of results)
    console.log(
      `${application}: ${blocks} blocks in ${seconds.toFixed(2)} s, ${blocksPerSecond.toFixed(0)} blocks/s`,
    );
}
