import { ConsiliumError } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";

const HEARTBEATS = 3;

/**
 * A node whose finalized tip is older than three heartbeats may have missed a revocation or a retirement, so it uses no
 * share (Consilium CS01 §7, §10.1). Neither does one whose tip lies as far in its future: voters let no block run ahead
 * of their clocks like that, so its own clock is wrong and cannot tell how old the tip is.
 * @throws ConsiliumError `TIP_STALE`, `CLOCK_WRONG`.
 */
export function requireFreshTip(chain: Chain, nowMs: number): void {
  const heartbeatMs = queries.chainInfo(chain.state())?.heartbeatMs ?? 0;
  const ageMs = nowMs - chain.finalized().timestampMs;
  const limitMs = HEARTBEATS * heartbeatMs;
  if (-ageMs > limitMs) {
    throw new ConsiliumError(
      "CLOCK_WRONG",
      "This node's clock is far behind the chain's; set it, and ask another node meanwhile.",
      { behindMs: -ageMs, limitMs },
    );
  }
  if (ageMs < limitMs) return;
  throw new ConsiliumError(
    "TIP_STALE",
    "This node has seen no new block for a while; ask another one, or try again when it has caught up.",
    { ageMs, limitMs },
  );
}

/** The same as a question, for what a node does on its own account. */
export function hasFreshTip(chain: Chain, nowMs: number): boolean {
  try {
    requireFreshTip(chain, nowMs);
    return true;
  } catch {
    return false;
  }
}
