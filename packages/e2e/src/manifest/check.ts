import { ConsiliumError, dkgWindowBlocksMin } from "@consilium/crypto";
import { faultBound } from "@consilium/protocol";
import { planOf, type Turn, turnsOf } from "../plan/plan.js";
import { nodeNames } from "./nodes.js";
import type { Manifest } from "./schema.js";

/** The founding members of one alliance, full nodes included. */
const NODES_MAX = 31;

/**
 * What the shape of a manifest cannot say.
 * @throws ConsiliumError `MANIFEST_TOO_MANY_NODES`, `MANIFEST_UNKNOWN_NODE`, `MANIFEST_TOO_LATE` for a perturbation that
 * outlasts the run, `MANIFEST_OVERLAP` when two acts would stop and start the same process at once,
 * `MANIFEST_TOO_MANY_FAULTS` when fewer validators than a quorum would be left to vote at the end.
 */
export function checkManifest(manifest: Manifest): void {
  const names = nodeNames(manifest);
  if (names.length > NODES_MAX) {
    refuse(
      "MANIFEST_TOO_MANY_NODES",
      `An alliance is founded by at most ${NODES_MAX} members; this has ${names.length}.`,
    );
  }
  const known = new Set(names);
  for (const name of namedIn(manifest)) {
    if (known.has(name)) continue;
    refuse(
      "MANIFEST_UNKNOWN_NODE",
      `There is no ${name} among the nodes; correct the name, or raise the number of nodes.`,
    );
  }
  const latestMs = Math.max(0, ...planOf(manifest).map((step) => step.atMs));
  if (latestMs > manifest.durationSeconds * 1_000) {
    const sentence = `The last perturbation ends after ${latestMs / 1_000} s; raise durationSeconds or begin it earlier.`;
    refuse("MANIFEST_TOO_LATE", sentence);
  }
  const windowMin = dkgWindowBlocksMin(manifest.validators);
  if ((manifest.chain.ceremonyWindowHeights ?? windowMin) < windowMin) {
    const sentence = `Ceremonies of ${manifest.validators} members need windows of ${windowMin} heights or more; raise chain.ceremonyWindowHeights.`;
    refuse("MANIFEST_BAD_VALUE", sentence);
  }
  checkOverlaps(manifest);
  checkFaults(manifest);
}

function namedIn({ late, byzantine, perturbations }: Manifest): string[] {
  const acted = perturbations.flatMap((each) =>
    each.act === "partition" ? each.groups.flat() : (each.nodes ?? []),
  );
  return [...Object.keys(late), ...Object.keys(byzantine), ...acted];
}

/** A process that is paused must not be killed by another act, nor one that is down started twice. */
function checkOverlaps(manifest: Manifest): void {
  const turns = turnsOf(manifest).filter(({ what }) => what.endsWith("process") || what === "clock");
  const last = new Map<string, Turn>();
  for (const turn of turns.sort((left, right) => left.fromMs - right.fromMs)) {
    const key = `${turn.node} ${turn.what}`;
    const before = last.get(key);
    if (before !== undefined && before.toMs > turn.fromMs) {
      refuse(
        "MANIFEST_OVERLAP",
        `Two perturbations act on the ${turn.what} of ${turn.node} at ${turn.fromMs / 1_000} s; begin the second after ${before.toMs / 1_000} s.`,
      );
    }
    last.set(key, turn);
  }
}

/** A validator without its safety record does not vote any more, and a Byzantine one cannot be counted on. */
function checkFaults({ validators, byzantine, perturbations }: Manifest): void {
  const wiped = perturbations.flatMap((each) => (each.act === "wipe" ? each.nodes : []));
  const gone = new Set([...wiped, ...Object.keys(byzantine)].filter((name) => name.startsWith("validator-")));
  const bound = faultBound(validators);
  if (gone.size <= bound) return;
  refuse(
    "MANIFEST_TOO_MANY_FAULTS",
    `${gone.size} of ${validators} validators are wiped or Byzantine, ${bound} may be: the rest would be no quorum for good.`,
  );
}

function refuse(code: string, sentence: string): never {
  throw new ConsiliumError(code, sentence);
}
