import { profiles } from "../profiles.js";
import { simulate } from "../simulation.js";

/** Seeds that benchmarks run; none of them is one of the unmemoised ones. */
const FIRST_SEED = 1;

/** Simulated seconds per second of one core, for each profile and on average, after a run that warms the engine up. */
export async function bench(
  { nodes, seeds }: { readonly nodes: number; readonly seeds: number },
  print: (line: string) => void,
): Promise<void> {
  await simulate({ seed: FIRST_SEED, nodes });
  let simulatedMs = 0;
  let usedMs = 0;
  for (const { name } of profiles) {
    let [profileMs, profileUsedMs] = [0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
      const before = process.cpuUsage();
      const result = await simulate({ seed, nodes, profile: name });
      const { user, system } = process.cpuUsage(before);
      profileMs += result.simulatedMs;
      profileUsedMs += (user + system) / 1_000;
    }
    simulatedMs += profileMs;
    usedMs += profileUsedMs;
    print(`${name.padEnd(16)}${(profileMs / profileUsedMs).toFixed(1).padStart(8)}`);
  }
  print(
    `${"all".padEnd(16)}${(simulatedMs / usedMs).toFixed(1).padStart(8)} simulated seconds per second, ${nodes} nodes`,
  );
}
