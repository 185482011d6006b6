import type { FinalizedTip as EngineTip } from "@consilium/consensus";
import { type Certificate, toHeight, toView } from "@consilium/protocol";
import type { FinalizedTip } from "../chain.js";

/** The tip as the engine of an epoch sees it: a block of an epoch before is its first parent, at view 0. */
export function engineTip(
  { digest, height, timestampMs, epoch, view }: FinalizedTip,
  finalization: Certificate | undefined,
  atWork: number,
): EngineTip {
  return {
    digest,
    height: toHeight(height),
    timestampMs,
    view: toView(epoch === atWork ? view : 0),
    finalization,
  };
}
