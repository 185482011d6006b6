import { contradicts } from "@consilium/consensus";
import type { Log, Vote } from "@consilium/protocol";

/** Pairs remembered, so that each is handed on once. Far above what the validators of a few epochs can make. */
const REMEMBERED_MAX = 1_024;

/** Hands on two verified votes of one validator that contradict, once per validator and epoch: more convicts nobody. */
export class EvidenceDesk {
  private readonly seen = new Set<string>();

  constructor(
    private readonly log: Log,
    private readonly onEvidence: ((first: Vote, second: Vote) => void) | undefined,
  ) {}

  report(first: Vote, second: Vote): void {
    const { epoch, validator, view } = first;
    if (second.validator !== validator || !contradicts(first, second)) return;
    const name = `${epoch} ${validator}`;
    if (this.seen.has(name)) return;
    const oldest = this.seen.size >= REMEMBERED_MAX ? this.seen.values().next().value : undefined;
    if (oldest !== undefined) this.seen.delete(oldest);
    this.seen.add(name);
    this.log.warn(
      { epoch, view, validator },
      "a validator contradicts itself: both votes are kept as evidence",
    );
    try {
      this.onEvidence?.(first, second);
    } catch (error) {
      // Votes are counted where this is called from: a listener's defect must not stop them.
      this.log.error({ epoch, validator, error: String(error) }, "evidence not handed on");
    }
  }
}
