/** Known-answer operations of the key generation. */
import {
  type Curve,
  dkgAdvance,
  dkgApply,
  dkgCheckEncryptionKey,
  dkgFinalShare,
  dkgMakeConfirm,
  dkgMakeDeal,
  dkgMakeDispute,
  dkgMakeEncryptionKey,
  dkgOpenShare,
} from "../src/curve/index.js";
import {
  codeOf,
  type DkgParams,
  type DkgState,
  decodeDkgState,
  dkgOpen,
  dkgQualified,
  dkgSid,
  dkgWindowBlocksMin,
  encodeDkgState,
  fromHex,
  toHex,
} from "../src/index.js";
import type { KatInput, KatOperation } from "./ops-committee.js";

/** Frozen parameters of a case; known answers use the shortest window allowed. */
function paramsOf(input: KatInput): DkgParams {
  const { old } = input;
  const frozen = {
    chain: fromHex(input.chain),
    purpose: input.purpose,
    mode: input.mode,
    keyNo: input.key_no,
    epoch: input.epoch,
    attempt: input.attempt,
    startHeight: input.h0,
    threshold: input.t,
    windowBlocks: dkgWindowBlocksMin(input.members.length),
    previousTranscript: fromHex(input.prev),
    members: (input.members as KatInput[]).map(({ node_id, ek }) => ({
      nodeId: fromHex(node_id),
      encryptionKey: fromHex(ek),
    })),
  };
  if (old == null) return frozen;
  return {
    ...frozen,
    old: {
      threshold: old.t,
      nodeIds: (old.node_ids as string[]).map(fromHex),
      verificationKeys: (old.vk as string[]).map(fromHex),
      key: fromHex(old.key),
    },
  };
}

function ownerOf({ chain, purpose, node_id }: KatInput) {
  return { chain: fromHex(chain), purpose, nodeId: fromHex(node_id) };
}

/** Resulting share of each member, or null for one that cannot build its share from these deals. */
function sharesOf(curve: Curve, state: DkgState, secrets: readonly (string | null)[]): (string | null)[] {
  return secrets.map((secret, index) => {
    try {
      return secret === null ? null : toHex(dkgFinalShare(curve, state, index + 1, fromHex(secret)));
    } catch (error) {
      if (codeOf(error) === "DKG_BAD_SHARE") return null;
      throw error;
    }
  });
}

function runAnswer(curve: Curve, state: DkgState, secrets: readonly (string | null)[] | null | undefined) {
  const { result } = state;
  const shares =
    secrets != null && state.phase === "ACTIVE" ? { shares: sharesOf(curve, state, secrets) } : {};
  const outcome = result && {
    used: result.used,
    key: toHex(result.commitments[0]!),
    commitments: result.commitments.map(toHex),
    vk: result.verificationKeys.map(toHex),
    transcript: toHex(result.transcript),
  };
  return {
    state: state.phase,
    qual: dkgQualified(state),
    slashed_dealers: state.slashedDealers,
    slashed_members: state.slashedMembers,
    ...(state.activeFromHeight === null ? {} : { active_from: state.activeFromHeight }),
    ...(state.abortReason === null ? {} : { reason: state.abortReason }),
    ...outcome,
    ...shares,
  };
}

export const dkgOperations: Readonly<Record<string, KatOperation>> = {
  dkg_sid(_, { params }) {
    const parsed = paramsOf(params);
    return { sid: toHex(dkgSid(parsed)), window: parsed.windowBlocks };
  },
  dkg_ek: (curve, input) => ({
    msg: toHex(dkgMakeEncryptionKey(curve, ownerOf(input), fromHex(input.e), { nonce: fromHex(input.k) })),
  }),
  dkg_ek_check: (curve, input) => ({
    ek: toHex(dkgCheckEncryptionKey(curve, ownerOf(input), fromHex(input.msg))),
  }),
  dkg_deal(curve, { params, i, a, rho, alpha, beta }) {
    const secrets = {
      coefficients: (a as string[]).map(fromHex),
      ephemeralSecret: fromHex(rho),
      coefficientNonce: { nonce: fromHex(alpha) },
      ephemeralNonce: { nonce: fromHex(beta) },
    };
    return { body: toHex(dkgMakeDeal(curve, paramsOf(params), i, secrets)) };
  },
  dkg_open_share: (curve, { params, body, j, e }) => ({
    share: toHex(dkgOpenShare(curve, paramsOf(params), fromHex(body), j, fromHex(e))),
  }),
  dkg_dispute(curve, { params, body, j, e, k }) {
    const nonce = { nonce: fromHex(k) };
    return { body: toHex(dkgMakeDispute(curve, paramsOf(params), fromHex(body), j, fromHex(e), nonce)) };
  },
  dkg_confirm: (curve, { params, j, transcript, s_j, k, next_ek }) => ({
    body: toHex(
      dkgMakeConfirm(curve, paramsOf(params), {
        member: j,
        transcript: fromHex(transcript),
        share: fromHex(s_j),
        nextEncryptionKey: fromHex(next_ek),
        nonce: { nonce: fromHex(k) },
      }),
    ),
  }),
  dkg_run(curve, { params, messages, e, end_height }) {
    let state = dkgOpen(paramsOf(params));
    const status = (messages as KatInput[]).map(({ height, sender, body }) => {
      const step = dkgApply(curve, state, { height, sender: fromHex(sender), body: fromHex(body) });
      // Every step survives storage: what a ledger reads back is what it wrote.
      state = decodeDkgState(encodeDkgState(step.state));
      return step.status;
    });
    return { status, ...runAnswer(curve, dkgAdvance(curve, state, end_height), e) };
  },
};
