import { ConsiliumError } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";

const HEARTBEATS = 3;

/**
 * A node whose finalized tip is older than three heartbeats may have missed a revocation or a retirement, so it uses no
 * share (Consilium CS01 §7, §10.1).
 * @throws ConsiliumError `TIP_STALE`.
 */
export function requireFreshTip(chain: Chain, nowMs: number): void {
  const heartbeatMs = queries.chainInfo(chain.state())?.heartbeatMs ?? 0;
  const ageMs = nowMs - chain.finalized().timestampMs;
  if (ageMs < HEARTBEATS * heartbeatMs) return;
  throw new ConsiliumError(
    "TIP_STALE",
    "This node has seen no new block for a while; ask another one, or try again when it has caught up.",
    { ageMs, limitMs: HEARTBEATS * heartbeatMs },
  );
}
