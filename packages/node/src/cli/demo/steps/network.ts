import { routes } from "@consilium/client";
import { createAlliance } from "../../../config/index.js";
import { type Hospital, STEP_TIMEOUT_MS, type Story } from "../context.js";
import { until } from "../node-process.js";
import type { StepResult } from "../progress.js";

const HOSPITALS = ["Hospital A", "Hospital B", "Hospital C", "Hospital D"];

/** scrypt cost of the demo's own keystores: the least the format allows, since eight of them are opened at each start. */
export const DEMO_KEYSTORE_COST = 2 ** 15;

/** Step 1: genesis, configs, keystores and data folders. */
export async function writeAlliance(story: Story): Promise<StepResult> {
  const { dir, basePort } = story.options;
  const alliance = await createAlliance({
    dir,
    name: "Consilium demonstration",
    members: HOSPITALS.map((name) => ({ name })),
    preset: "devnet",
    keystoreCost: DEMO_KEYSTORE_COST,
    allowFaults: true,
    ...(basePort === undefined ? {} : { basePort }),
  });
  await story.found(alliance);
  const detail = `${alliance.members.length} members in ${alliance.dir}, chain ${alliance.chainId.slice(0, 16)}`;
  return { detail, resumed: !alliance.created };
}

/** Step 2: one process per hospital, each answering on its API. */
export async function startNodes(story: Story, note: (text: string) => void): Promise<StepResult> {
  for (const hospital of story.hospitals) hospital.process.start();
  const pids: string[] = [];
  for (const { member, process, status } of story.hospitals) {
    note(`waiting for ${member.name}`);
    await until(`${member.name}'s API`, STEP_TIMEOUT_MS, status);
    pids.push(String(process.pid ?? "?"));
  }
  return { detail: `processes ${pids.join(", ")}` };
}

/** Step 3: a block above what stood there at the start is final on every node. */
export async function waitForFinality(story: Story, note: (text: string) => void): Promise<StepResult> {
  const before: number[] = [];
  for (const hospital of story.hospitals) before.push(await finalizedAbove(hospital, 0));
  const aim = Math.max(...before) + 1;
  const heights: number[] = [];
  for (const hospital of story.hospitals) {
    note(`waiting for height ${aim} on ${hospital.member.name}`);
    heights.push(await finalizedAbove(hospital, aim));
  }
  return { detail: `heights ${heights.join(", ")}` };
}

function finalizedAbove(hospital: Hospital, height: number): Promise<number> {
  return until(`finality of height ${height} on ${hospital.member.name}`, STEP_TIMEOUT_MS, async () => {
    const { finalizedHeight } = (await hospital.status()).alliance;
    return finalizedHeight >= height ? finalizedHeight : undefined;
  });
}

/** Step 4: both committees serve. The nodes hold the ceremonies by themselves; the demo watches. */
export async function watchCeremonies(story: Story, note: (text: string) => void): Promise<StepResult> {
  const { api } = story.hospital(0);
  let waited = false;
  const serving = await until("the key ceremonies", STEP_TIMEOUT_MS, async () => {
    const { keyCentre, proxy } = await api.call(routes.committees, {});
    if (keyCentre !== null && proxy !== null) return { keyCentre, proxy };
    waited = true;
    const { ceremonies } = await api.call(routes.ceremonies, {});
    note(
      ceremonies
        .map(
          (run) => `${run.purpose} ${run.state} (${run.deals.length} deals, ${run.confirms.length} confirms)`,
        )
        .join(", "),
    );
    return undefined;
  });
  for (const hospital of story.hospitals) {
    await until(`both committees on ${hospital.member.name}`, STEP_TIMEOUT_MS, async () => {
      const { keyCentre, proxy } = await hospital.api.call(routes.committees, {});
      return keyCentre !== null && proxy !== null ? true : undefined;
    });
  }
  const { keyCentre, proxy } = serving;
  const detail =
    `key centre ${keyCentre.threshold} of ${keyCentre.members.length} since height ${keyCentre.sinceHeight}, ` +
    `proxies ${proxy.threshold} of ${proxy.members.length} since height ${proxy.sinceHeight}`;
  return { detail, resumed: !waited };
}
