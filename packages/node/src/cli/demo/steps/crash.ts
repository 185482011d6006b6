import { ConsiliumError } from "@consilium/crypto";
import { LIAR, OTHER_HOSPITAL, STEP_TIMEOUT_MS, type Story } from "../context.js";
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
  const victim = story.hospital(OTHER_HOSPITAL);
  const grantId = await grantNow(story, [known.grantId]);
  story.state.keep({ secondGrantId: grantId });
  note(`killing ${victim.member.name}`);
  await victim.process.killHard();
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
