/** What happened in a block, for services of a node that react: all of it can be read back from the state. */
export type LedgerEvent =
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
