import { nodeNames } from "../manifest/nodes.js";
import type { Manifest, Perturbation } from "../manifest/schema.js";

/** One thing done to one part of the network, or its undoing. */
export interface Step {
  readonly atMs: number;
  /** Steps of the same perturbation share it; its undoing names what to undo. */
  readonly id: number;
  readonly phase: "begin" | "end";
  readonly act: Act;
}

type LinkActs = Extract<Perturbation, { act: "disconnect" | "partition" | "slow" }>;

/** What the runner knows how to do. `rolling` is a row of restarts; a late joiner's beginning is nothing. */
export type Act =
  | { readonly act: "kill" | "restart" | "pause" | "late"; readonly nodes: readonly string[] }
  | { readonly act: "wipe"; readonly nodes: readonly string[]; readonly reset: boolean }
  | { readonly act: "skew"; readonly nodes: readonly string[]; readonly milliseconds: number }
  | LinkActs;

/** A span in which a perturbation holds one part of one node. */
export interface Turn {
  readonly node: string;
  readonly what: "process" | "clock" | "link";
  readonly fromMs: number;
  readonly toMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly act: Act;
}

/** All steps of a run in order of time: a function of the manifest alone. */
export function planOf(manifest: Manifest): Step[] {
  const steps = spansOf(manifest).flatMap(({ fromMs, toMs, act }, id): Step[] => [
    { atMs: fromMs, id, phase: "begin", act },
    { atMs: toMs, id, phase: "end", act },
  ]);
  return steps.sort(byTime);
}

/** What ends makes room for what begins at the same moment. */
function byTime(left: Step, right: Step): number {
  if (left.atMs !== right.atMs) return left.atMs - right.atMs;
  if (left.phase !== right.phase) return left.phase === "end" ? -1 : 1;
  return left.id - right.id;
}

/** Which perturbation holds what, for {@link checkManifest}. */
export function turnsOf(manifest: Manifest): Turn[] {
  return spansOf(manifest).flatMap(({ fromMs, toMs, act }) => {
    const what = act.act === "skew" ? "clock" : isLinkAct(act) ? "link" : "process";
    const nodes = act.act === "partition" ? act.groups.flat() : act.nodes;
    return nodes.map((node) => ({ node, what, fromMs, toMs }));
  });
}

/** One line for people: when, what, to whom. */
export function describeStep({ atMs, phase, act }: Step): string {
  const whom =
    act.act === "partition" ? act.groups.map((group) => group.join(",")).join(" | ") : act.nodes.join(", ");
  const how =
    act.act === "skew"
      ? ` by ${act.milliseconds} ms`
      : act.act === "disconnect"
        ? ` (${act.how}, ${act.direction})`
        : act.act === "slow"
          ? ` (+${act.delayMs}±${act.jitterMs} ms, ${act.lossPercent}% loss)`
          : "";
  return `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${phase === "begin" ? "begin" : "end  "}  ${act.act} ${whom}${how}`;
}

export const isLinkAct = (act: Act): act is LinkActs =>
  act.act === "disconnect" || act.act === "partition" || act.act === "slow";

function spansOf(manifest: Manifest): Span[] {
  const late = Object.entries(manifest.late).map(
    ([name, seconds]): Span => ({
      fromMs: 0,
      toMs: Math.round(seconds * 1_000),
      act: { act: "late", nodes: [name] },
    }),
  );
  return [...late, ...manifest.perturbations.flatMap((each) => spansOfOne(manifest, each))];
}

function spansOfOne(manifest: Manifest, perturbation: Perturbation): Span[] {
  const fromMs = Math.round(perturbation.at * 1_000);
  const lastsMs = Math.round(perturbation.for * 1_000);
  if (perturbation.act !== "rolling") return [{ fromMs, toMs: fromMs + lastsMs, act: perturbation }];
  const nodes = perturbation.nodes ?? nodeNames(manifest);
  return nodes.map((node, index): Span => {
    const beginMs = fromMs + index * lastsMs;
    return {
      fromMs: beginMs,
      toMs: beginMs + Math.round(lastsMs / 2),
      act: { act: "restart", nodes: [node] },
    };
  });
}
