import { concat, toHex } from "@consilium/crypto";
import type { FinalizedBlockEvent } from "@consilium/driver";
import { createAllianceLedger } from "@consilium/ledger";
import {
  type BlockHeader,
  Certificate,
  ConsensusMessageTag,
  digestOf,
  type Genesis,
  payloadRootOf,
  type StateReader,
  Vote,
  ZERO_32,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import type { CheckerContext } from "../src/checkers/checker.js";
import { Findings } from "../src/checkers/findings.js";
import { Idle } from "../src/checkers/idle.js";
import { Checkers } from "../src/checkers/index.js";
import { liveBoundMs } from "../src/checkers/liveness.js";
import { checkMemory, sizesOf } from "../src/checkers/memory.js";
import { contradict } from "../src/checkers/punishment.js";
import { rootOfEntries } from "../src/checkers/state-roots.js";
import { digestOfHeader } from "../src/checkers/wire.js";
import { seededRandom } from "../src/random.js";
import { makeGenesis, simulatedParameters } from "../src/world/genesis.js";
import { makeNodeKeys } from "../src/world/node-keys.js";
import { simulatedPool } from "../src/world/pool.js";
import { standInVoteKeys } from "../src/world/vote-keys.js";

const random = seededRandom("checkers");
const keys = makeNodeKeys(4, random.fork("keys"));
const genesis: Genesis = makeGenesis({
  founders: keys,
  voteKeys: standInVoteKeys(4, random.fork("votes")),
  seats: 4,
  parameters: simulatedParameters,
  random: random.fork("genesis"),
});
const application = createAllianceLedger(genesis, simulatedPool);

/** Machines in the order of their seats, so that machine i is validator i. */
async function fresh(idle = false): Promise<Checkers> {
  const { changes } = await application.genesisChanges();
  const values = new Map(changes.map(({ key, value }) => [toHex(key), value]));
  const state: StateReader = { get: (key) => values.get(toHex(key)) };
  const seats = application.validatorSet(state, 0)!;
  const names = seats.map(({ nodeId }) => toHex(nodeId));
  const checkers = new Checkers({ genesis, application, names, honest: () => true, idle });
  await checkers.begin();
  return checkers;
}

const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const vote = (change: Partial<Vote> = {}): Uint8Array =>
  concat(
    Uint8Array.of(ConsensusMessageTag.vote),
    Vote.serialize({
      ...{ kind: 1, epoch: 0, view: 5, parentView: 4, digest: digest(1), validator: 0 },
      signature: new Uint8Array(96),
      ...change,
    }),
  );
const certificate = (change: Partial<Certificate> = {}): Uint8Array =>
  concat(
    Uint8Array.of(ConsensusMessageTag.certificate),
    Certificate.serialize({
      ...{ kind: 1, epoch: 0, view: 5, parentView: 4, digest: digest(1), bitmap: Uint8Array.of(0b0111) },
      signature: new Uint8Array(96),
      ...change,
    }),
  );

/** A block that became final, without transactions. */
function final(height: number, change: Partial<BlockHeader> = {}): FinalizedBlockEvent {
  const payload = { transactions: [], facts: [] };
  const header: BlockHeader = {
    ...{ version: 1, chainId: application.chainId, epoch: 0, height, timestampMs: height },
    ...{ parentDigest: ZERO_32, author: ZERO_32, stateRoot: digest(height - 1), nextSetRoot: ZERO_32 },
    payloadRoot: payloadRootOf(payload),
    ...change,
  };
  const tip = {
    ...{ height, digest: digestOf(header), stateRoot: digest(height), timestampMs: height, epoch: 0 },
    view: height,
  };
  return { tip, block: { header, payload }, results: [], events: [] };
}

const emptyState: StateReader = { get: () => undefined };

/** What the checkers say of messages of machine 0. */
async function said(...messages: Uint8Array[]): Promise<string[]> {
  const checkers = await fresh();
  for (const message of messages) checkers.sent(0, message);
  return checkers.findings.violations.map(({ invariant }) => invariant);
}

describe("checkers of votes and certificates", () => {
  it("accepts notarize, then nullify", async () => {
    expect(await said(vote(), vote({ kind: 2, parentView: 0, digest: ZERO_32 }))).toEqual([]);
  });

  it("reports two notarize votes of one view for different blocks", async () => {
    expect(await said(vote(), vote({ digest: digest(2) }))).toEqual(["votes once"]);
  });

  it("tells views of different epochs apart", async () => {
    expect(await said(vote(), vote({ epoch: 1, digest: digest(2) }))).toEqual([]);
  });

  it("reports notarize after nullify, and nullify with finalize in either order", async () => {
    const nullify = vote({ kind: 2, parentView: 0, digest: ZERO_32 });
    expect(await said(nullify, vote())).toEqual(["votes once"]);
    expect(await said(nullify, vote({ kind: 3 }))).toEqual(["votes once"]);
    expect(await said(vote({ kind: 3 }), nullify.slice())).toEqual(["votes once"]);
  });

  it("reports a node that votes with another's number", async () => {
    expect(await said(vote({ validator: 2 }))).toEqual(["votes once"]);
  });

  it("reports a certificate with too few signers, or with one outside the set", async () => {
    expect(await said(certificate({ bitmap: Uint8Array.of(0b0011) }))).toEqual(["signers"]);
    expect(await said(certificate({ bitmap: Uint8Array.of(0b10111) }))).toEqual(["signers"]);
  });

  it("reports two quorums for different blocks in a view", async () => {
    expect(await said(certificate(), certificate({ digest: digest(2) }))).toEqual(["conflicting quorums"]);
  });

  it("reports a view that is both final and nullified", async () => {
    const nullified = certificate({ kind: 2, parentView: 0, digest: ZERO_32 });
    expect(await said(certificate({ kind: 3 }), nullified)).toEqual(["final or nullified"]);
  });

  it("reports what does not decode", async () => {
    expect(await said(Uint8Array.of(2, 1, 2, 3))).toEqual(["wire"]);
  });
});

describe("checkers of the finalized chain", () => {
  const reported = (checkers: Checkers): string[] =>
    checkers.findings.violations.map(({ invariant }) => invariant);

  it("reports a second block at a height", async () => {
    const checkers = await fresh();
    checkers.finalized(0, final(1), emptyState, 0);
    checkers.finalized(1, final(1, { timestampMs: 7 }), emptyState, 0);
    expect(reported(checkers)).toContain("one block per height");
  });

  it("reports a gap, and a block that does not follow the last", async () => {
    const checkers = await fresh();
    checkers.finalized(0, final(1), emptyState, 0);
    checkers.finalized(0, final(3), emptyState, 0);
    expect(reported(checkers)).toEqual(["ancestry"]);
    const other = await fresh();
    other.finalized(0, final(1), emptyState, 0);
    other.finalized(0, final(2, { parentDigest: digest(9) }), emptyState, 0);
    expect(reported(other)).toEqual(["ancestry"]);
  });

  it("reports a skipped view that nobody nullified", async () => {
    const checkers = await fresh();
    const block = final(1);
    checkers.finalized(0, block, emptyState, 0);
    checkers.sent(0, certificate({ kind: 3, view: 2, parentView: 0, digest: block.tip.digest }));
    await checkers.finish();
    expect(reported(checkers)).toContain("ancestry");
  });

  it("reports another state root after the same height, and a header that carries another root", async () => {
    const checkers = await fresh();
    const block = final(1);
    checkers.finalized(0, block, emptyState, 0);
    checkers.finalized(1, { ...block, tip: { ...block.tip, stateRoot: digest(9) } }, emptyState, 0);
    expect(reported(checkers)).toEqual(["state roots"]);
    const other = await fresh();
    other.finalized(0, block, emptyState, 0);
    other.finalized(0, final(2, { parentDigest: block.tip.digest, stateRoot: digest(8) }), emptyState, 0);
    expect(reported(other)).toEqual(["state roots"]);
  });

  it("reports a boundary block that commits to another set than the next", async () => {
    const checkers = await fresh();
    const height = simulatedParameters.epochLengthHeights;
    checkers.finalized(0, final(height, { nextSetRoot: digest(3) }), emptyState, 0);
    expect(reported(checkers)).toContain("validator sets");
  });

  it("reports a set named before the epoch's end", async () => {
    const checkers = await fresh();
    checkers.finalized(0, final(1, { nextSetRoot: digest(3) }), emptyState, 0);
    expect(reported(checkers)).toEqual(["validator sets"]);
  });

  it("reports the conviction of an honest member, and one without evidence in its block", async () => {
    const checkers = await fresh();
    const block = final(1);
    const node = keys[0]!.publicKey;
    const convicted = { type: "validator-convicted", node, epoch: 0, view: 1, stakeLost: 1 } as const;
    checkers.finalized(0, { ...block, events: [convicted] }, emptyState, 0);
    expect(reported(checkers)).toEqual(["punishment", "punishment"]);
  });

  it("reports a transaction that was final and is no longer known, or that has another result", async () => {
    const checkers = await fresh();
    const id = digest(5);
    const result = { id, height: 1, index: 0, code: "OK", timestampMs: 1 };
    checkers.finalized(0, { ...final(1), results: [result] }, emptyState, 0);
    checkers.ask({ node: 1, height: 1, fromHeight: 0, result: () => undefined });
    checkers.ask({ node: 2, height: 1, fromHeight: 0, result: () => ({ height: 1, code: "TX_EXPIRED" }) });
    checkers.ask({ node: 3, height: 0, fromHeight: 0, result: () => undefined });
    expect(reported(checkers)).toEqual(["nothing lost", "nothing lost"]);
  });

  it("reports a nullify vote on an idle chain", async () => {
    const checkers = await fresh(true);
    checkers.sent(0, vote({ kind: 2, parentView: 0, digest: ZERO_32 }));
    expect(reported(checkers)).toEqual(["idle"]);
  });

  it("reports a proof that names another block than the tip", async () => {
    const checkers = await fresh();
    const proof = certificate({ kind: 3 }).slice(1);
    checkers.proof(0, proof, digest(2));
    expect(reported(checkers)).toEqual(["ancestry"]);
  });
});

describe("what checkers compute for themselves", () => {
  it("hashes headers as the protocol does", () => {
    const { header, payload: _payload } = final(7, {
      author: digest(3),
      timestampMs: 1_700_000_000_123,
    }).block;
    expect(digestOfHeader(header)).toBe(toHex(digestOf(header)));
  });

  it("builds the tree of the genesis state from nothing", async () => {
    const { changes, stateRoot } = await application.genesisChanges();
    const entries = changes.flatMap(({ key, value }) =>
      value !== undefined && key[0]! < 0x70 ? [[key, value] as const] : [],
    );
    expect(rootOfEntries(entries)).toBe(toHex(stateRoot));
  });

  it("knows contradicting votes from legal pairs", () => {
    const at = { epoch: 1, view: 2, validator: 3, parentView: 1, digest: digest(1) };
    expect(contradict({ ...at, kind: 1 }, { ...at, kind: 1, digest: digest(2) })).toBe(true);
    expect(contradict({ ...at, kind: 2 }, { ...at, kind: 3 })).toBe(true);
    expect(contradict({ ...at, kind: 1 }, { ...at, kind: 2 })).toBe(false);
    expect(contradict({ ...at, kind: 1 }, { ...at, kind: 1 })).toBe(false);
    expect(contradict({ ...at, kind: 1 }, { ...at, kind: 1, view: 3, digest: digest(2) })).toBe(false);
  });

  it("finds a collection that grew without bound, however deep", () => {
    const findings = new Findings();
    const context = { report: (...said) => findings.report(...said) } as CheckerContext;
    const inner = { waiting: new Map([["one", { votes: Array.from({ length: 5_000 }, () => 1) }]]) };
    expect(checkMemory(context, 0, { inner, clock: { timers: Array.from({ length: 9_000 }) } })).toBe(5_000);
    expect(findings.violations).toHaveLength(1);
    expect([...sizesOf({ inner }).values()]).toEqual([1, 5_000]);
  });

  it("asks for progress within a few views of the largest Δ", () => {
    const bound = (deltaMs: number, validators: number): number =>
      liveBoundMs({ deltaMs, validators, blockIntervalMs: 300, heartbeatMs: 2_000 });
    expect(bound(400, 4)).toBeLessThan(bound(800, 4));
    expect(bound(400, 4)).toBeLessThan(bound(400, 7));
  });

  it("reports lost credit of an idle chain", () => {
    const findings = new Findings();
    const idle = new Idle({ report: (...said) => findings.report(...said) } as CheckerContext);
    idle.checkCredit(emptyState);
    expect(findings.violations).toEqual([]);
  });
});
