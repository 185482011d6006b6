import {
  type BlockHeader,
  type Certificate,
  toEpoch,
  toView,
  type Vote,
  VoteKind,
  type VoteSubject,
  valid,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import type { Effect, Input, TimerKind } from "../../src/engine/index.js";
import { canSign, emptySafetyRecord, recordVote } from "../../src/safety-record.js";
import { sameSubject } from "../../src/subjects.js";
import {
  Bench,
  blockOf,
  certify,
  chainId,
  finalize,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

/** A small multiplicative generator (Park and Miller 1988): enough to vary schedules, the same ones each time. */
function draws(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % below;
  };
}

const blocks: BlockHeader[] = [1, 2, 3, 4, 5, 6].flatMap((view) => [
  blockOf(view),
  blockOf(view, undefined, { timestampMs: 5_000 }),
  blockOf(view, blockOf(1)),
]);
const timers: TimerKind[] = ["interval", "heartbeat", "propose", "advance", "rebroadcast", "retry"];

/** Something that may reach an engine, mostly nonsense, always well typed. */
function randomInput(draw: (below: number) => number, bench: Bench): Input {
  const view = draw(2) === 0 ? bench.state.view : 1 + draw(6);
  const voter = (bench.self + 1 + draw(3)) % 4;
  const block = blocks[draw(blocks.length)]!;
  const parentView = draw(view);
  const subjects: VoteSubject[] = [
    notarize(view, block, parentView),
    nullify(view),
    finalize(view, block, parentView),
  ];
  const subject = subjects[draw(3)]!;
  const from = nodeId(draw(4));
  const certificate: Certificate = certify(subject);
  const epoch = toEpoch(draw(12) === 0 ? 1 : 0);
  const inputs: Input[] = [
    { kind: "vote", vote: voteBy(voter, subject), from },
    { kind: "vote", vote: voteBy(voter, subject), from },
    { kind: "certificate", certificate, from },
    {
      kind: "proposal",
      proposal: proposalOf(view, block, parentView, draw(2) ? { nullifications: [certify(nullify(1))] } : {}),
      from,
    },
    { kind: "timeout", epoch, view: toView(view), timer: timers[draw(timers.length)]! },
    { kind: "bodyArrived", header: block },
    { kind: "payloadBuilt", epoch, view: toView(view), header: block },
    { kind: "payloadChecked", epoch, view: toView(view), digest: subject.digest, verdict: valid(undefined) },
    { kind: "workKnown", work: draw(2) === 0 },
  ];
  return inputs[draw(inputs.length)]!;
}

/** Runs one schedule; the signer answers at once. */
function run(seed: number): Effect[] {
  const draw = draws(seed);
  const bench = new Bench(seed % 4);
  const all: Effect[] = [];
  for (let count = 0; count < 60; count++) {
    bench.feed(randomInput(draw, bench));
    for (; bench.effects.length > 0; ) {
      const asked = bench.of("sign");
      all.push(...bench.effects);
      bench.effects = asked.flatMap(({ subject }) => {
        const vote: Vote = voteBy(bench.self, subject);
        return [...bench.feed({ kind: "signed", subject, vote })];
      });
    }
  }
  return all;
}

const schedules = Array.from({ length: 300 }, (_, index) => run(index + 1));

describe("any schedule", () => {
  it("gives the same effects for the same inputs", () => {
    for (const seed of [1, 17, 99]) expect(run(seed)).toEqual(schedules[seed - 1]);
  });

  it("never makes the engine ask for a vote that its safety record would refuse", () => {
    for (const effects of schedules) {
      let record = emptySafetyRecord(chainId);
      for (const effect of effects) {
        if (effect.kind !== "sign") continue;
        expect(canSign(record, effect.subject).kind).toBe("valid");
        expect(record.votes.some((vote) => sameSubject(vote, effect.subject))).toBe(false);
        record = recordVote(record, effect.subject);
      }
    }
  });

  it("makes the certificates of all earlier views it acts on durable before it votes in a later view", () => {
    for (const effects of schedules) {
      let durableView = 0;
      for (const effect of effects) {
        if (effect.kind === "persist") {
          for (const record of effect.records) {
            if (record.kind === "certificate") durableView = Math.max(durableView, record.certificate.view);
          }
        }
        if (effect.kind === "sign") expect(effect.subject.view).toBeLessThanOrEqual(durableView + 1);
      }
    }
  });

  it("makes the body durable before its notarize vote is signed", () => {
    for (const effects of schedules) {
      const durable = new Set<Uint8Array>();
      for (const effect of effects) {
        if (effect.kind === "persist") {
          for (const record of effect.records) if (record.kind === "body") durable.add(record.digest);
        }
        if (effect.kind !== "sign" || effect.subject.kind !== VoteKind.notarize) continue;
        const { digest } = effect.subject;
        expect([...durable].some((each) => Buffer.compare(each, digest) === 0)).toBe(true);
      }
    }
  });

  it("tries every effect but sync and forwarding at least once", () => {
    const kinds = new Set(schedules.flat().map(({ kind }) => kind));
    for (const kind of [
      "persist",
      "sign",
      "broadcast",
      "send",
      "setTimer",
      "assemble",
      "fetch",
      "buildPayload",
      "checkPayload",
      "finalize",
      "reportFault",
    ]) {
      expect(kinds, kind).toContain(kind);
    }
  });
});
