import type { VoteVerifier } from "@consilium/consensus";
import { country } from "../profiles.js";
import { seededRandom } from "../random.js";
import { type Experiment, mean, pointsOf, type Row, rounded } from "./experiment.js";
import { pbftRound } from "./models/pbft.js";
import {
  allianceMining,
  bitcoinLike,
  hashesPerBlock,
  joulesPerBlock,
  orphanRate,
  type ProofOfWork,
  settlementMs,
} from "./models/proof-of-work.js";
import { measureSignatureCosts, type SignatureCosts } from "./signature-costs.js";
import { requireSound, runWorld } from "./world-run.js";

const DELEGATES = [7, 21] as const;
const MEMBERS = [4, 7, 13, 21, 31, 61, 101] as const;
const PBFT_MEMBERS = [4, 7, 13, 21, 31, 61, 101, 200, 500] as const;
const PARAMETERS = { blockIntervalMs: 500, deltaMs: 1_000, epochLengthHeights: 400 } as const;
const WARM_UP_BLOCKS = 3;
/** A desktop processor under load; joules of a protocol are its processor time times this. */
const PROCESSOR_WATTS = 65;
/** Header, facts and one anchor. */
const MODEL_BLOCK_BYTES = 1_024;

/** What one block costs: Consilium beside PBFT with all members voting and proof of work, after Zhai, Wang and Chen 2020. */
export const comparison: Experiment = {
  name: "comparison",
  about: "Cost of one block: DPoS with Simplex, PBFT, proof of work",
  async run({ quick, seed, progress }) {
    progress("cost of signatures on this machine");
    const costs = await measureSignatureCosts(quick ? 2 : 30);
    const rows: Row[] = [];
    const durationMs = quick ? 5_000 : 9_000;
    for (const delegates of quick ? DELEGATES.slice(0, 1) : DELEGATES) {
      for (const members of quick ? [4, 7] : MEMBERS) {
        if (members < delegates && delegates !== DELEGATES[0]) continue;
        progress(`${Math.min(delegates, members)} delegates of ${members} members`);
        rows.push(await measureSimplex({ members, delegates, seed, durationMs, costs }));
      }
    }
    for (const members of PBFT_MEMBERS) rows.push(modelPbft(members, seed, costs));
    for (const members of PBFT_MEMBERS) rows.push(modelMining(allianceMining(members), members));
    rows.push(modelMining(bitcoinLike, undefined));
    return {
      parameters: {
        ...{ ...PARAMETERS, durationMs, line: country, processorWatts: PROCESSOR_WATTS, costs },
        ...{ modelBlockBytes: MODEL_BLOCK_BYTES, bitcoinLike, allianceMiningOf4: allianceMining(4) },
      },
      assumptions: [
        "DPoS with Simplex is run: production nodes of all members, of which the delegates vote; everything that travels is counted, blocks and transactions and gossip included.",
        "PBFT is a model: the normal case of Castro and Liskov 1999 with Ed25519 signatures on every message and nothing batched, all members replicas, full mesh.",
        "Proof of work is a model: expected hashes at the stated rate and interval, energy by joules a hash, orphans by 1 - e^(-propagation/interval).",
        "Processor time is the number of signature checks times their cost measured on this machine; nothing else that a processor does is counted. Energy is that time at 65 W, and for proof of work hashes times joules a hash.",
      ],
      rows,
      panels: panelsOf(rows),
    };
  },
};

function panelsOf(rows: readonly Row[]) {
  const lines = [
    ...DELEGATES.map(
      (count) => [`DPoS+Simplex, ${count} delegates`, `up to ${count} delegates (run)`, false] as const,
    ),
    ["PBFT", "PBFT, all members vote (model)", true] as const,
  ];
  const work = [
    "proof of work, one processor a member",
    "proof of work, a processor a member (model)",
    true,
  ] as const;
  const panel = (column: string, yLabel: string, drawn: readonly (readonly [string, string, boolean])[]) => ({
    ...{ title: yLabel, xLabel: "members of the alliance", yLabel },
    ...({ xScale: "log", yScale: "log" } as const),
    series: drawn
      .map(([protocol, name, dashed]) => ({
        ...{ name, dashed },
        points: pointsOf(rows, "members", column, (row) => row.protocol === protocol),
      }))
      .filter(({ points }) => points.length > 0),
  });
  return [
    panel("messages", "messages per block", lines),
    panel("KiB", "KiB per block", lines),
    panel("signature checks ms", "milliseconds of signature checks per block", lines),
    panel("joules", "joules per block", [...lines, work]),
  ];
}

interface SimplexPoint {
  readonly members: number;
  readonly delegates: number;
  readonly seed: number;
  readonly durationMs: number;
  readonly costs: SignatureCosts;
}

async function measureSimplex({ members, delegates, seed, durationMs, costs }: SimplexPoint): Promise<Row> {
  const counts = { messages: 0, bytes: 0, certificates: 0, votes: 0, blocks: 0 };
  const latencies: number[] = [];
  let counting = false;
  const world = await runWorld({
    ...{ seed, durationMs, nodes: members, quality: country, busy: true, parameters: PARAMETERS },
    seats: Math.min(delegates, members),
    plant: (options) => ({ ...options, verifier: counted(options.verifier, () => counting, counts) }),
    travelled(_now, _from, _to, sizeBytes) {
      if (!counting) return;
      counts.messages += 1;
      counts.bytes += sizeBytes;
    },
    finalized({ node, event, latencyMs }) {
      if (counting) latencies.push(latencyMs);
      if (node !== 0) return;
      if (counting) counts.blocks += 1;
      if (event.tip.height >= WARM_UP_BLOCKS) counting = true;
    },
  });
  requireSound(world);
  const per = (count: number): number => count / Math.max(1, counts.blocks);
  const checksMs = counts.certificates * costs.blsVerifyMs + counts.votes * costs.blsBatchedVoteMs;
  return {
    protocol: `DPoS+Simplex, ${delegates} delegates`,
    kind: "run",
    members,
    voters: Math.min(delegates, members),
    blocks: counts.blocks,
    messages: rounded(per(counts.messages)),
    KiB: rounded(per(counts.bytes) / 1_024),
    "signature checks": rounded(per(counts.certificates + counts.votes)),
    "signature checks ms": rounded(per(checksMs)),
    joules: rounded((per(checksMs) / 1_000) * PROCESSOR_WATTS),
    "latency ms": rounded(mean(latencies)),
  };
}

/** Counts the curve work that a driver asks for. */
function counted(
  inner: VoteVerifier,
  counting: () => boolean,
  counts: { certificates: number; votes: number },
): VoteVerifier {
  return {
    verifyBatch(votes) {
      if (counting()) counts.votes += votes.length;
      return inner.verifyBatch(votes);
    },
    verify(publicKeys, message, signature) {
      if (counting()) counts.certificates += 1;
      return inner.verify(publicKeys, message, signature);
    },
    aggregate: (signatures) => inner.aggregate(signatures),
  };
}

function modelPbft(members: number, seed: number, costs: SignatureCosts): Row {
  const { messages, bytes, verifications, latencyMs } = pbftRound(
    members,
    MODEL_BLOCK_BYTES,
    country,
    seededRandom(`pbft ${seed} ${members}`),
  );
  const checksMs = verifications * costs.ed25519VerifyMs;
  return {
    ...{ protocol: "PBFT", kind: "model", members, voters: members, messages },
    KiB: rounded(bytes / 1_024),
    "signature checks": verifications,
    "signature checks ms": rounded(checksMs),
    joules: rounded((checksMs / 1_000) * PROCESSOR_WATTS),
    "latency ms": rounded(latencyMs),
  };
}

function modelMining(model: ProofOfWork, members: number | undefined): Row {
  return {
    ...{ protocol: model.name, kind: "model", members },
    hashes: hashesPerBlock(model),
    joules: rounded(joulesPerBlock(model)),
    "orphan rate": rounded(orphanRate(model)),
    "latency ms": settlementMs(model),
  };
}
