/** What happened in a block, for services of a node that react: all of it can be read back from the state. */
export type LedgerEvent =
  /** The first block of an epoch: its validators in order of their vote indices. */
  | {
      readonly type: "epoch-started";
      readonly epoch: number;
      readonly height: number;
      readonly validators: readonly Uint8Array[];
    }
  /** The set of the next epoch; `changed` when members or keys differ from the present one's. */
  | {
      readonly type: "set-elected";
      readonly epoch: number;
      readonly changed: boolean;
      readonly validators: readonly Uint8Array[];
    }
  /** The old set stays: an election found too few, or lost more than a third. Operators must hear of it. */
  | { readonly type: "election-refused"; readonly epoch: number; readonly reason: string }
  | {
      readonly type: "proposal-made";
      readonly id: Uint8Array;
      readonly action: number;
      readonly member: Uint8Array;
    }
  | { readonly type: "proposal-approved"; readonly id: Uint8Array; readonly member: Uint8Array }
  /** Two thirds of the stake approve: it takes effect at the end of this epoch. */
  | { readonly type: "proposal-passed"; readonly id: Uint8Array; readonly action: number }
  /** It took effect, failed with a code because the state changed meanwhile, or lapsed (`status`, a ProposalStatus). */
  | {
      readonly type: "proposal-closed";
      readonly id: Uint8Array;
      readonly action: number;
      readonly status: number;
      readonly code: string;
    }
  | { readonly type: "stake-voted"; readonly member: Uint8Array }
  | { readonly type: "candidate-registered"; readonly node: Uint8Array; readonly voteKey: Uint8Array }
  | { readonly type: "candidate-ready"; readonly node: Uint8Array; readonly epoch: number }
  | { readonly type: "candidate-resigned"; readonly node: Uint8Array }
  | { readonly type: "safety-reset"; readonly node: Uint8Array; readonly epoch: number }
  | {
      readonly type: "validator-convicted";
      readonly node: Uint8Array;
      readonly epoch: number;
      readonly view: number;
      readonly stakeLost: number;
    }
  | { readonly type: "identity-registered"; readonly account: Uint8Array; readonly member: Uint8Array }
  | { readonly type: "label-closed"; readonly owner: Uint8Array; readonly label: Uint8Array }
  | { readonly type: "dealing-key"; readonly purpose: number; readonly node: Uint8Array }
  | { readonly type: "ceremony-announced"; readonly purpose: number; readonly sessionId: Uint8Array }
  /** The run entered a phase: DISPUTE, CONFIRM, ACTIVE or ABORTED. `reason` is the abort's code, or empty. */
  | {
      readonly type: "ceremony-phase";
      readonly purpose: number;
      readonly sessionId: Uint8Array;
      readonly phase: string;
      readonly reason: string;
    }
  /** A deal, dispute or confirm that counted, by its stable code. */
  | {
      readonly type: "ceremony-message";
      readonly purpose: number;
      readonly sessionId: Uint8Array;
      readonly code: string;
      readonly sender: Uint8Array;
    }
  | {
      readonly type: "committee-serving";
      readonly purpose: number;
      readonly keyNo: number;
      readonly shareEpoch: number;
    }
  | {
      readonly type: "anchored";
      readonly member: Uint8Array;
      readonly chainId: Uint8Array;
      readonly height: number;
    }
  | {
      readonly type: "record-indexed";
      readonly recordId: Uint8Array;
      readonly owner: Uint8Array;
      readonly custodian: Uint8Array;
    }
  | {
      readonly type: "access-requested";
      readonly id: Uint8Array;
      readonly owner: Uint8Array;
      readonly recipient: Uint8Array;
    }
  | {
      readonly type: "grant-created";
      readonly grantId: Uint8Array;
      readonly owner: Uint8Array;
      readonly recipient: Uint8Array;
    }
  | {
      readonly type: "grant-revoked";
      readonly grantId: Uint8Array;
      readonly owner: Uint8Array;
      readonly recipient: Uint8Array;
    }
  | {
      readonly type: "access-opened";
      readonly requestId: Uint8Array;
      readonly grantId: Uint8Array;
      readonly owner: Uint8Array;
      readonly recipient: Uint8Array;
    }
  | { readonly type: "record-put"; readonly recordId: Uint8Array };

export type LedgerEventType = LedgerEvent["type"];
