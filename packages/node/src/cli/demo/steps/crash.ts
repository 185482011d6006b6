import { ConsiliumError } from "@consilium/crypto";
import { type Hospital, LIAR, OTHER_HOSPITAL, STEP_TIMEOUT_MS, type Story } from "../context.js";
import { until } from "../node-process.js";
import type { StepResult } from "../progress.js";
import { describe, grantNow, openAndCompare, requireAudited } from "./sharing.js";

/** Step 9: a node dies without warning, a record opens without it, and the node comes back and catches up. */
export async function survive(story: Story, note: (text: string) => void): Promise<StepResult> {
  await (await story.hospital(LIAR).desk()).setLying(false);
  const known = story.state.facts;
  if (known.openedWhileDown !== undefined && known.caughtUpHeight !== undefined) {
    await requireAudited(story, known.openedWhileDown.requestId);
    const height = await waitForEqualRoots(story, note);
    return {
      detail: `${describe(known.openedWhileDown)}; all roots equal at height ${height}`,
      resumed: true,
    };
  }
  const grantId = await grantNow(story, [known.grantId]);
  story.state.keep({ secondGrantId: grantId });
  const victim = await killOne(story, note);
  note(`opening while ${victim.member.name} is down`);
  const opened = await openAndCompare(story, grantId);
  story.state.keep({ openedWhileDown: opened });
  note(`starting ${victim.member.name} again`);
  victim.process.start();
  const height = await waitForEqualRoots(story, note);
  story.state.keep({ caughtUpHeight: height });
  return {
    detail: `${describe(opened)}; ${victim.member.name} caught up, all roots equal at height ${height}`,
  };
}

/** How long an API may go on answering after its process was killed, before somebody else must be running it. */
const DOWN_TIMEOUT_MS = 3_000;

/** Kills a node other than the author's and the clinician's, and makes sure that it is down. */
async function killOne(story: Story, note: (text: string) => void): Promise<Hospital> {
  for (const index of [OTHER_HOSPITAL, LIAR]) {
    const hospital = story.hospital(index);
    note(`killing ${hospital.member.name}`);
    await hospital.process.killHard();
    if (await isDown(hospital)) return hospital;
    // Somebody started this node by hand, and it goes on: it is not the demo's to kill.
    hospital.process.start();
  }
  throw new ConsiliumError("DEMO_NOT_KILLED", "No node could be killed: all are run by somebody else.");
}

async function isDown({ member, status }: Hospital): Promise<boolean> {
  try {
    await until(`the end of ${member.name}`, DOWN_TIMEOUT_MS, async () => {
      const isAnswering = await status().then(
        () => true,
        () => false,
      );
      return isAnswering ? undefined : true;
    });
    return true;
  } catch {
    return false;
  }
}

/** Every node at one height with one state root. While a block spreads heights differ for a moment. */
export async function waitForEqualRoots(story: Story, note: (text: string) => void): Promise<number> {
  return until("equal state roots on all nodes", STEP_TIMEOUT_MS, async () => {
    const all = await Promise.all(story.hospitals.map(async ({ status }) => (await status()).alliance));
    note(`heights ${all.map(({ finalizedHeight }) => finalizedHeight).join(", ")}`);
    const [first, ...others] = all;
    if (first === undefined) throw new ConsiliumError("DEMO_ORDER", "There are no nodes.");
    const isEqual = others.every(
      ({ finalizedHeight, stateRoot }) =>
        finalizedHeight === first.finalizedHeight && stateRoot === first.stateRoot,
    );
    return isEqual ? first.finalizedHeight : undefined;
  });
}
