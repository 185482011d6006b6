import { toHex } from "@consilium/crypto";
import { type Chain, candidacyView, decideCandidacy } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  CandidateReady,
  EvidenceConsensus,
  MemberApprove,
  SafetyReset,
  type StateReader,
  TransactionKind,
  type Vote,
} from "@consilium/protocol";
import type { MemberSender } from "./member-sender.js";

/** Reasons to follow that a reset of the safety record cures. */
const CURED_BY_RESET = new Set(["SAFETY_RECORD_MISSING", "SAFETY_RECORD_CORRUPT", "OWN_VOTE_UNKNOWN"]);

/**
 * What a member's node and its operator owe the alliance, decided after every block: to say that it is up, to approve
 * what is proposed, to hand in evidence, and after a loss of its folder to ask for a reset.
 */
export class MemberDuties {
  private readonly done = new Set<string>();

  constructor(
    private readonly chain: Chain,
    private readonly sender: MemberSender,
    private readonly nodeId: Uint8Array,
    /** The operator asks for resets only where the folder was really lost. */
    private readonly mayReset: () => boolean,
  ) {
    chain.onFinalized(() => this.look());
  }

  look(): void {
    const state = this.chain.state();
    if (!queries.isMember(state, this.nodeId)) return;
    for (const act of decideCandidacy(candidacyView(state, this.nodeId))) {
      const payload = CandidateReady.serialize({ epoch: act.epoch });
      this.once(act.key, TransactionKind.candidateReady, payload);
    }
    this.approve(state);
    this.reset(state);
  }

  evidence(first: Vote, second: Vote): void {
    const name = `evidence ${first.epoch} ${first.validator}`;
    this.once(name, TransactionKind.evidenceConsensus, EvidenceConsensus.serialize({ first, second }));
  }

  private approve(state: StateReader): void {
    for (const { id, approvals } of queries.openProposals(state)) {
      const own = toHex(this.nodeId);
      if (approvals.some((member) => toHex(member) === own)) continue;
      const payload = MemberApprove.serialize({ proposalId: id });
      this.once(`approve ${toHex(id)}`, TransactionKind.memberApprove, payload);
    }
  }

  private reset(state: StateReader): void {
    const reason = this.chain.status().followReason;
    if (reason === undefined || !CURED_BY_RESET.has(reason) || !this.mayReset()) return;
    const epoch = queries.presentEpoch(state);
    const last = queries.safetyResetEpoch(state, this.nodeId);
    // The last one still has to take effect; a later loss needs a reset of its own.
    if (last !== undefined && epoch <= last + 1) return;
    this.once(`reset ${epoch}`, TransactionKind.safetyReset, SafetyReset.serialize({ epoch }));
  }

  private once(name: string, kind: TransactionKind, payload: Uint8Array): void {
    if (this.done.has(name)) return;
    this.done.add(name);
    this.sender.send(kind, payload);
  }
}
