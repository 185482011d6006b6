import { planOf, type Scenario } from "../scenario.js";
import { type SimulationResult, simulate } from "../simulation.js";

export interface Shrunk {
  readonly scenario: Scenario;
  readonly result: SimulationResult;
  readonly runs: number;
}

const SMALLEST_ALLIANCE = 4;
const TIME_STEP_MS = 4_000;

/**
 * Makes a failing scenario smaller while it still breaks one of the same invariants: less rough time, fewer nodes,
 * then fewer faults, halves first and single ones last. Undefined when the scenario does not fail.
 */
export async function shrink(scenario: Scenario, say: (line: string) => void): Promise<Shrunk | undefined> {
  let result = await simulate(scenario);
  let best = scenario;
  let runs = 1;
  if (result.violations.length === 0) return undefined;
  const broken = new Set(result.violations.map(({ invariant }) => invariant));
  const attempt = async (candidate: Scenario, what: string): Promise<boolean> => {
    runs += 1;
    const tried = await simulate(candidate);
    if (!tried.violations.some(({ invariant }) => broken.has(invariant))) return false;
    best = candidate;
    result = tried;
    say(`still fails with ${what}`);
    return true;
  };
  const full = { ...scenario, profile: planOf(scenario).profile.name };
  for (let nodes = SMALLEST_ALLIANCE; nodes < scenario.nodes; nodes++) {
    if (await attempt({ ...full, nodes }, `${nodes} nodes`)) break;
  }
  await dropFaults(() => best, attempt);
  await shorten(() => best, attempt);
  return { scenario: best, result, runs };
}

type Attempt = (candidate: Scenario, what: string) => Promise<boolean>;

/** Leaves out faults by delta debugging (Zeller and Hildebrandt 2002), complements only. */
async function dropFaults(best: () => Scenario, attempt: Attempt): Promise<void> {
  const planned = planOf(best()).faults.length;
  let kept = Array.from({ length: planned }, (_, place) => place).filter(
    (place) => best().drop?.includes(place) !== true,
  );
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      const drop = Array.from({ length: planned }, (_, place) => place).filter(
        (place) => !fewer.includes(place),
      );
      if (await attempt({ ...best(), drop }, `${fewer.length} of ${planned} faults`)) kept = fewer;
      else at += size;
    }
  }
}

/** The plan depends on the rough time, so only the end of the run moves: what happens before it stays the same. */
async function shorten(best: () => Scenario, attempt: Attempt): Promise<void> {
  for (let totalMs = TIME_STEP_MS; totalMs < 60_000; totalMs += TIME_STEP_MS) {
    if (await attempt({ ...best(), totalMs }, `${totalMs} ms`)) return;
  }
}
