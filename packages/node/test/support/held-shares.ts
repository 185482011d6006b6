import { fromHex, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { Purpose } from "@consilium/protocol";
import type { World } from "../../../ledger/test/support/people.js";
import type { CommitteeSecrets } from "../../src/committee/index.js";

/** The shares of one member of a test world, as its keystores would give them. Members are named by index from 1. */
export function heldShares(world: World, member: number): Pick<CommitteeSecrets, "shareOfSession"> {
  const actors = { [Purpose.keyCentre]: world.centre, [Purpose.proxy]: world.proxies };
  return {
    shareOfSession(purpose, sessionId) {
      const run = queries.ceremony(world.chain.state, fromHex(sessionId));
      if (run?.purpose !== purpose) return undefined;
      const share = actors[purpose].share(member);
      return {
        sessionId: toHex(run.sessionId),
        keyNo: run.keyNo,
        shareEpoch: run.shareEpoch,
        index: member,
        share,
      };
    },
  };
}
