import { DKG_MESSAGE } from "@consilium/crypto";
import { CeremonyMessage, type StateReader, TransactionKind } from "@consilium/protocol";
import * as queries from "../../queries.js";
import { ensure, type Rule, type RuleContext } from "../../rules.js";
import { committeeKey, keyOf, prefixes } from "../../state/keys.js";
import { CeremonyRun, Committee, Serving } from "../../state/values.js";
import type { StateWriter } from "../../state/writer.js";
import { runOf } from "./message.js";

/** Starts serving: t answers to a public test show that the new shares work. ACTIVE alone means only that they exist. */
export const ceremonySwitch: Rule<CeremonyMessage, CeremonyRun> = {
  kind: TransactionKind.ceremonySwitch,
  payload: CeremonyMessage,
  sender: "member",
  costly: true,

  async check(context) {
    const { payload, state, pool, block } = context;
    const run = runOf(context, DKG_MESSAGE.switch);
    const summary = queries.ceremony(state, run.sid)!;
    const isActive = run.phase === "ACTIVE" && block.height >= run.activeFromHeight!;
    ensure(isActive && summary.switched === 0 && isNewest(state, summary), "SWITCH_NOT_DUE");
    await pool.run("dkgCheckSwitch", { state: run, body: payload.body });
    return summary;
  },

  async apply(context, summary) {
    const { state, emit } = context;
    const { purpose, keyNo, shareEpoch, sessionId } = summary;
    const before = queries.serving(state, purpose);
    if (before !== undefined) retire(context, purpose, before);
    startServing(context, summary);
    state.putValue(keyOf(prefixes.serving, Uint8Array.of(purpose)), Serving, {
      keyNo,
      shareEpoch,
      previousKeyNo: before?.keyNo ?? 0,
      previousShareEpoch: before?.shareEpoch ?? 0,
    });
    state.putValue(keyOf(prefixes.ceremony, sessionId), CeremonyRun, { ...summary, switched: 1 });
    emit({ type: "committee-serving", purpose, keyNo, shareEpoch });
    return "OK";
  },
};

/** A generation older than the serving one can never come back. */
function isNewest(state: StateReader, run: CeremonyRun): boolean {
  const now = queries.serving(state, run.purpose);
  if (now === undefined || run.keyNo !== now.keyNo) return now === undefined || run.keyNo > now.keyNo;
  return run.shareEpoch > now.shareEpoch;
}

function startServing({ state, block }: RuleContext<unknown>, run: CeremonyRun): void {
  const key = committeeKey(run.purpose, run.keyNo, run.shareEpoch);
  const committee = queries.committee(state, run.purpose, run.keyNo, run.shareEpoch)!;
  const { height, timestampMs } = block;
  state.putValue(key, Committee, { ...committee, servingHeight: height, servingSinceMs: timestampMs });
  storePublicKey(state, committee);
}

/** The public key by key number alone: it is the same for every generation. */
function storePublicKey(state: StateWriter, { purpose, keyNo, publicKey }: Committee): void {
  state.put(queries.publicKeyKey(purpose, keyNo), publicKey);
}

function retire({ state, block }: RuleContext<unknown>, purpose: number, before: Serving): void {
  const committee = queries.committee(state, purpose, before.keyNo, before.shareEpoch)!;
  const key = committeeKey(purpose, before.keyNo, before.shareEpoch);
  state.putValue(key, Committee, { ...committee, replacedAtMs: block.timestampMs });
}
