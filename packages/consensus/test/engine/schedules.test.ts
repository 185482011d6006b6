import { toHex } from "@consilium/crypto";
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
import { draws } from "./cluster-parts.js";
import {
  Bench,
  blockOf,
  certify,
  chainId,
  epochOf,
  finalize,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

const timers: TimerKind[] = ["interval", "heartbeat", "propose", "advance", "rebroadcast", "retry"];

/** Blocks that may stand on the bench's tip: three on it, and one on each of them, by the proposer of the view. */
function blocksOf(draw: (below: number) => number, bench: Bench, view: number): BlockHeader {
  const { tip, epoch } = bench.state;
  const on = { epoch: epoch.epoch, parentDigest: tip.digest, height: tip.height + 1 };
  const first = (of: number) => blockOf(of, undefined, { ...on, timestampMs: tip.timestampMs + 10 });
  const rival = () => blockOf(view, undefined, { ...on, timestampMs: tip.timestampMs + 4_000 });
  const second = () => blockOf(view, first(1), { epoch: epoch.epoch });
  // The first two views' blocks come up often, so that later views propose them again.
  return [
    () => first(view),
    () => first(1 + draw(2)),
    rival,
    second,
    () => blockOf(2, first(1), { epoch: epoch.epoch }),
  ][draw(5)]!();
}

/** Something that may reach an engine, mostly nonsense, always well typed. */
function randomInput(draw: (below: number) => number, bench: Bench): Input {
  const view = draw(2) === 0 ? bench.state.view : 1 + draw(6);
  const voter = (bench.self + 1 + draw(3)) % 4;
  const block = blocksOf(draw, bench, view);
  const parentView = draw(view);
  const epoch = toEpoch(draw(12) === 0 ? 9 : bench.state.epoch.epoch);
  const subjects: VoteSubject[] = [
    notarize(view, block, parentView),
    nullify(view),
    finalize(view, block, parentView),
  ];
  const subject = { ...subjects[draw(3)]!, epoch };
  const from = nodeId(draw(4));
  const certificate: Certificate = certify(subject);
  const nullifications = draw(2) ? [{ ...certify(nullify(1)), epoch }] : [];
  const proposal = proposalOf(view, block, parentView, { nullifications });
  const inputs: Input[] = [
    { kind: "vote", vote: voteBy(voter, subject), from },
    { kind: "vote", vote: voteBy(voter, subject), from },
    { kind: "certificate", certificate, from },
    { kind: "proposal", proposal: { ...proposal, vote: { ...proposal.vote, epoch } }, from },
    { kind: "timeout", epoch, view: toView(view), timer: timers[draw(timers.length)]! },
    { kind: "bodyArrived", header: block },
    { kind: "payloadBuilt", epoch, view: toView(view), header: block },
    { kind: "payloadChecked", epoch, view: toView(view), digest: subject.digest, verdict: valid(undefined) },
    { kind: "workKnown", work: draw(2) === 0 },
  ];
  return inputs[draw(inputs.length)]!;
}

/** A certified boundary block, proposed again in the present view; undefined while there is none. */
function repeatedProposal({ state }: Bench): Input | undefined {
  for (const { view, notarization } of state.slots.values()) {
    const block = notarization && state.blocks.get(toHex(notarization.digest));
    if (block?.header.height !== state.epoch.lastHeight || view >= state.view) continue;
    const proposal = proposalOf(state.view, block.header, view);
    const nullifications = Array.from({ length: state.view - view - 1 }, (_, index) => ({
      ...certify(nullify(view + 1 + index)),
      epoch: state.epoch.epoch,
    }));
    const vote = { ...proposal.vote, epoch: state.epoch.epoch };
    return {
      kind: "proposal",
      proposal: { ...proposal, vote, nullifications },
      from: nodeId(vote.validator),
    };
  }
  return undefined;
}

/** The finalization of a block that this bench knows and has seen notarized. */
function matchingFinalization({ state }: Bench): Input | undefined {
  for (const { notarization } of state.slots.values()) {
    if (notarization === undefined || !state.blocks.get(toHex(notarization.digest))?.bodyHere) continue;
    const certificate = { ...notarization, kind: VoteKind.finalize };
    return { kind: "certificate", certificate, from: nodeId(0) };
  }
  return undefined;
}

function passedCheck({ state }: Bench): Input | undefined {
  const slot = [...state.slots.values()].find(({ check }) => check === "running");
  if (slot?.proposal === undefined) return undefined;
  const { digest } = slot.proposal.vote;
  return {
    kind: "payloadChecked",
    epoch: state.epoch.epoch,
    view: slot.view,
    digest,
    verdict: valid(undefined),
  };
}

/** Whether a notarize vote names the very block that its parent view certified. */
function votesAgain(effects: readonly Effect[]): boolean {
  const certified = new Set<string>();
  return effects.some((effect) => {
    if (effect.kind === "persist") {
      for (const record of effect.records) {
        if (record.kind !== "certificate" || record.certificate.kind !== VoteKind.notarize) continue;
        certified.add(`${record.certificate.view} ${toHex(record.certificate.digest)}`);
      }
    }
    if (effect.kind !== "sign" || effect.subject.kind !== VoteKind.notarize) return false;
    return certified.has(`${effect.subject.parentView} ${toHex(effect.subject.digest)}`);
  });
}

/** Now and then what nonsense would hardly hit upon. */
function guidedInput(draw: (below: number) => number, bench: Bench): Input | undefined {
  const { state } = bench;
  const unseen = [...state.blocks.values()].find(({ bodyHere }) => !bodyHere);
  const kind = draw(20);
  if (kind < 4) return repeatedProposal(bench);
  if (kind < 6 && unseen !== undefined) return { kind: "bodyArrived", header: unseen.header };
  if (kind < 9) return passedCheck(bench);
  return kind === 9 ? matchingFinalization(bench) : undefined;
}

const isOver = ({ state }: Bench): boolean => state.tip.height >= state.epoch.lastHeight;

/** The next epoch of two or three heights on the tip that ended this one. */
function nextEpoch(draw: (below: number) => number, { state }: Bench): Input {
  const { tip, epoch } = state;
  const next = epochOf(4, tip.height + 2 + draw(2), epoch.epoch + 1);
  return { kind: "newEpoch", epoch: next, tip: { ...tip, view: toView(0) }, mayVote: true };
}

/** Runs one schedule over small epochs; the signer answers at once, the driver's next epoch now and then later. */
function run(seed: number): Effect[] {
  const draw = draws(seed);
  const bench = new Bench(seed % 4, 4, { epoch: epochOf(4, 2 + draw(2)) });
  const all: Effect[] = [];
  for (let count = 0; count < 150; count++) {
    const wasOver = isOver(bench);
    const turns = wasOver && draw(3) === 0;
    const guided = guidedInput(draw, bench);
    bench.feed(turns ? nextEpoch(draw, bench) : (guided ?? randomInput(draw, bench)));
    if (wasOver && !turns) expect(bench.effects.filter(({ kind }) => !["send"].includes(kind))).toEqual([]);
    for (; bench.effects.length > 0; ) {
      const asked = bench.of("sign");
      all.push(...bench.effects);
      checkHeights(bench);
      bench.effects = asked.flatMap(({ subject }) => {
        const vote: Vote = voteBy(bench.self, subject);
        return [...bench.feed({ kind: "signed", subject, vote })];
      });
    }
  }
  return all;
}

/** Nothing above the epoch's last height is built, judged or finalized. */
function checkHeights(bench: Bench): void {
  const { lastHeight } = bench.state.epoch;
  for (const { parent } of bench.of("buildPayload")) expect(parent.height).toBeLessThan(lastHeight);
  for (const { header } of bench.of("checkPayload")) expect(header.height).toBeLessThanOrEqual(lastHeight);
  expect(bench.state.tip.height).toBeLessThanOrEqual(lastHeight);
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
      let epoch = 0;
      for (const effect of effects) {
        // Views start anew with each epoch, whose first parent is durable by then.
        if (effect.kind === "setTimer" && effect.epoch !== epoch) {
          epoch = effect.epoch;
          durableView = 0;
        }
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

  it("turns epochs, and votes for boundary blocks that are proposed again", () => {
    const effects = schedules.flat();
    const epochs = new Set(effects.flatMap((effect) => (effect.kind === "setTimer" ? [effect.epoch] : [])));
    expect(epochs.size).toBeGreaterThan(2);
    expect(schedules.filter(votesAgain).length).toBeGreaterThan(0);
  });
});
