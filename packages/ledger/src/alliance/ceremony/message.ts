import { DKG_MESSAGE, type DkgState, type DkgStep } from "@consilium/crypto";
import { CeremonyMessage, type LedgerCode, ledgerCodes, TransactionKind } from "@consilium/protocol";
import { countCredit } from "../../elections/tallies.js";
import * as queries from "../../queries.js";
import { ensure, type Rule, type RuleContext, refuse } from "../../rules.js";
import { storeStep } from "./store.js";

interface Found {
  readonly before: DkgState;
  readonly step: DkgStep;
}

const SESSION_OFFSET = 2;
const HEADER_SIZE_BYTES = 34;
/** Results of the state machine that mean the message took effect as its sender wished. */
const ACCEPTED: readonly string[] = ["DEAL_ACCEPTED", "DISPUTE_UPHELD", "CONFIRM_ACCEPTED"];

/**
 * A message of a run, judged by the state machine of CS01 §13.3. What is refused leaves no trace, except convictions:
 * a second, different deal and a false dispute keep their code and their mark.
 */
function messageRule(kind: number, type: number): Rule<CeremonyMessage, Found> {
  return {
    kind,
    payload: CeremonyMessage,
    sender: "member",
    costly: true,

    async check(context) {
      const { payload, sender, pool, block } = context;
      const before = runOf(context, type);
      const message = { height: block.height, sender: sender!.member, body: payload.body };
      const step = await pool.run("dkgApply", { state: before, message });
      if (!ACCEPTED.includes(step.status) && step.slashes.length === 0) refuse(codeOfStep(step));
      return { before, step };
    },

    async apply({ state, block, sender, emit }, { before, step }) {
      storeStep(state, before, step.state, block.height, emit);
      const { purpose } = step.state.params;
      const sessionId = step.state.sid;
      if (step.status === "CONFIRM_ACCEPTED") countCredit(state, sender!.member, "ceremoniesConfirmed");
      for (const { nodeId } of step.slashes) countCredit(state, nodeId, "disputesUpheld");
      emit({ type: "ceremony-message", purpose, sessionId, code: step.status, sender: sender!.member });
      return ACCEPTED.includes(step.status) ? "OK" : codeOfStep(step);
    },
  };
}

/** The run that a message names, with the type its transaction's kind promises. */
export function runOf({ payload, state }: RuleContext<CeremonyMessage>, type: number): DkgState {
  const { body } = payload;
  ensure(body.length >= HEADER_SIZE_BYTES, "BAD_LENGTH");
  ensure(body[0] === type, "BAD_ENCODING");
  const run = queries.ceremonyState(state, body.slice(SESSION_OFFSET, HEADER_SIZE_BYTES));
  return run ?? refuse("DKG_WRONG_SID");
}

function codeOfStep({ status }: DkgStep): LedgerCode {
  if (Object.hasOwn(ledgerCodes, status)) return status as LedgerCode;
  throw new Error(`The ledger has no code ${status}.`);
}

export const ceremonyDeal: Rule<CeremonyMessage, Found> = messageRule(
  TransactionKind.ceremonyDeal,
  DKG_MESSAGE.deal,
);
export const ceremonyDispute: Rule<CeremonyMessage, Found> = messageRule(
  TransactionKind.ceremonyDispute,
  DKG_MESSAGE.dispute,
);
export const ceremonyConfirm: Rule<CeremonyMessage, Found> = messageRule(
  TransactionKind.ceremonyConfirm,
  DKG_MESSAGE.confirm,
);
