import { Purpose } from "@consilium/protocol";
import type { BlockStart } from "../../ledger.js";
import * as queries from "../../queries.js";
import { storeStep } from "./store.js";

/** Moves the open runs on by height, at the start of a block and before its transactions (CS01 §13.3). */
export async function advanceCeremonies({ state, pool, block, emit }: BlockStart): Promise<void> {
  for (const purpose of [Purpose.keyCentre, Purpose.proxy]) {
    const open = queries.openCeremony(state, purpose);
    const before = open && queries.ceremonyState(state, open.sessionId);
    if (before === undefined) continue;
    const after = await pool.run("dkgAdvance", { state: before, height: block.height });
    if (after.phase !== before.phase) storeStep(state, before, after, block.height, emit);
  }
}
