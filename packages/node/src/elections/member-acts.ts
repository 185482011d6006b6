import type { MemberAct, ProposalBody } from "@consilium/client";
import { ConsiliumError, type CryptoPool, codeOf, fromHex, utf8 } from "@consilium/crypto";
import type { Chain, TransactionResult } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  CandidateRegister,
  CandidateResign,
  type Clock,
  type Log,
  MemberApprove,
  MemberPropose,
  ProposalAction,
  SafetyReset,
  StakeVote,
  TransactionKind,
  ZERO_32,
} from "@consilium/protocol";
import { hasFreshTip } from "../committee/index.js";
import type { KeyPair } from "../keys/index.js";
import type { TransactionSender } from "../records/index.js";

export interface MemberActPorts {
  readonly alliance: Chain;
  readonly sender: Pick<TransactionSender, "send">;
  readonly nodeKey: Uint8Array;
  /** BLS key that a candidate registers; its secret proves possession. */
  readonly voteKey: KeyPair;
  readonly pool: CryptoPool;
  readonly clock: Clock;
  readonly log: Log;
}

/** An act that was submitted. */
export interface SubmittedAct {
  readonly transaction: Uint8Array;
  /** Resolves when it is final and took effect; rejects with the chain's code. */
  readonly done: Promise<TransactionResult>;
}

interface Draft {
  readonly kind: TransactionKind;
  readonly payload: Uint8Array;
  /** For what names an epoch: the last height of that epoch. */
  readonly lastHeight?: number;
}

/** How long an act waits for a node that is catching up. */
const READY_WITHIN_MS = 25_000;
/** An act that names the epoch is made anew when the epoch turns before it is final. */
const EPOCH_ATTEMPTS = 3;
const EPOCH_TURNED = new Set(["EPOCH_NOT_PRESENT", "TX_EXPIRED"]);

/** What an operator lets the node say to the alliance in the member's name. */
export class MemberActs {
  constructor(private readonly ports: MemberActPorts) {}

  /**
   * Signs and submits one act; resolves once the chain has admitted it here.
   * @throws ConsiliumError `NOT_READY`, `NOT_A_MEMBER`, and the chain's code when it is refused at once.
   */
  async submit(act: MemberAct): Promise<SubmittedAct> {
    await this.#ready();
    return new Promise((resolve, reject) => {
      const done = this.#send(act, (transaction) => resolve({ transaction, done }));
      // Whoever waits for the act hears of its failure; nobody may be waiting any more.
      done.catch((error: unknown) => {
        this.ports.log.warn({ act: act.act, code: codeOf(error) }, "member.act-failed");
        reject(error);
      });
    });
  }

  /** Signs by the newest state: an old one has neither the epoch nor the nonce that the alliance is at. */
  async #ready(): Promise<void> {
    const { alliance, clock, nodeKey } = this.ports;
    try {
      const isFresh = () => (hasFreshTip(alliance, clock.nowMs()) ? true : undefined);
      await alliance.waitFor(isFresh, { timeoutMs: READY_WITHIN_MS });
    } catch (error) {
      if (codeOf(error) !== "WAIT_TIMEOUT") throw error;
      const sentence = "The node has not caught up with the alliance; see its status, and try again then.";
      throw new ConsiliumError("NOT_READY", sentence, { height: alliance.finalized().height });
    }
    if (queries.isMember(alliance.state(), nodeKey)) return;
    const sentence = "Only members act in the alliance; have this node admitted with its member.json.";
    throw new ConsiliumError("NOT_A_MEMBER", sentence);
  }

  async #send(act: MemberAct, onSubmitted: (id: Uint8Array) => void): Promise<TransactionResult> {
    for (let attempt = 1; ; attempt++) {
      const { kind, payload, lastHeight } = await this.#draft(act);
      try {
        const options = lastHeight === undefined ? { onSubmitted } : { onSubmitted, lastHeight };
        const result = await this.ports.sender.send(kind, payload, options);
        this.ports.log.info({ act: act.act, height: result.height }, "member.acted");
        return result;
      } catch (error) {
        const again = lastHeight !== undefined && EPOCH_TURNED.has(codeOf(error));
        if (!again || attempt === EPOCH_ATTEMPTS) throw error;
      }
    }
  }

  async #draft(act: MemberAct): Promise<Draft> {
    const { epoch, boundaryHeight: lastHeight } = queries.epochInfo(this.ports.alliance.state());
    switch (act.act) {
      case "vote": {
        const votes = act.votes.map(({ candidate, stake }) => ({ candidate: fromHex(candidate), stake }));
        return { kind: TransactionKind.stakeVote, payload: StakeVote.serialize({ votes }) };
      }
      case "register":
        return this.#register();
      case "resign":
        return {
          kind: TransactionKind.candidateResign,
          payload: CandidateResign.serialize({ epoch }),
          lastHeight,
        };
      case "reset-safety-record":
        return { kind: TransactionKind.safetyReset, payload: SafetyReset.serialize({ epoch }), lastHeight };
      case "propose":
        return { kind: TransactionKind.memberPropose, payload: proposalPayload(act.proposal) };
      case "approve": {
        const payload = MemberApprove.serialize({ proposalId: fromHex(act.proposal) });
        return { kind: TransactionKind.memberApprove, payload };
      }
    }
  }

  async #register(): Promise<Draft> {
    const { pool, voteKey } = this.ports;
    const votePossession = await pool.run("votePossessionProof", { secretKey: voteKey.secretKey });
    const payload = CandidateRegister.serialize({ voteKey: voteKey.publicKey, votePossession });
    return { kind: TransactionKind.candidateRegister, payload };
  }
}

function proposalPayload(proposal: ProposalBody): Uint8Array {
  const none = { subject: ZERO_32, stake: 0, seats: 0, newcomer: null };
  switch (proposal.action) {
    case "admit": {
      const { name, nodeId, exchangeKey, voteKey, votePossession } = proposal.newcomer;
      const newcomer = {
        name: utf8(name),
        nodeKey: fromHex(nodeId),
        exchangeKey: fromHex(exchangeKey),
        voteKey: fromHex(voteKey),
        votePossession: fromHex(votePossession),
      };
      return MemberPropose.serialize({
        ...none,
        action: ProposalAction.admit,
        stake: proposal.stake,
        newcomer,
      });
    }
    case "set-stake": {
      const subject = fromHex(proposal.member);
      const { stake } = proposal;
      return MemberPropose.serialize({ ...none, action: ProposalAction.setStake, subject, stake });
    }
    case "set-seats":
      return MemberPropose.serialize({ ...none, action: ProposalAction.setSeats, seats: proposal.seats });
    default: {
      const action = ProposalAction[proposal.action];
      return MemberPropose.serialize({ ...none, action, subject: fromHex(proposal.member) });
    }
  }
}
