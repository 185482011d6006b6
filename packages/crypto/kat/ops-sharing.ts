import {
  answerFragment,
  checkCapsule,
  checkOwnerRegistration,
  checkPartial,
  checkSealedPartial,
  combineFragments,
  combinePartials,
  encapsulateKey,
  encapsulationSecret,
  extractPartial,
  judgeChallengeBlame,
  judgeGrant,
  judgeOpenedBlame,
  makeGrant,
  openGrant,
  openSealedPartials,
  openValidCapsuleAsOwner,
  ownerDecryptionKey,
  parseGrant,
  recoverKey,
  registerOwner,
  sealCapsule,
  sealPartial,
  verifyFragment,
} from "../src/curve/index.js";
import { capsuleContext, openFragment, sealFragment, sha256 } from "../src/index.js";
import {
  accessRequest,
  bytes,
  bytesOf,
  fragmentContext,
  grantTerms,
  hex,
  recordFacts,
  scalarHex,
} from "./fields.js";
import type { KatInput, KatOperation } from "./ops-committee.js";
import { identityOperations } from "./ops-identity.js";

/** Known-answer operations of owners, key centres, authors, recipients and proxies. */

function ownerContext(input: KatInput) {
  return {
    chain: bytes(input.chain),
    kgcKeyNo: input.kgc_key_no,
    ownerKeyNo: input.owner_key_no,
    pid: bytes(input.pid),
    signKey: bytes(input.sign_pk),
    groupKey: bytes(input.P),
  };
}

const ownerOperations: Readonly<Record<string, KatOperation>> = {
  owner_register: (curve, input) => ({
    msg: hex(
      registerOwner(curve, {
        context: ownerContext(input),
        factor: bytes(input.x),
        proof: { nonce: bytes(input.k) },
      }),
    ),
  }),
  owner_check(curve, input) {
    const message = bytes(input.msg);
    const { factorKey, ownerKey } = checkOwnerRegistration(curve, { context: ownerContext(input), message });
    return { X: hex(factorKey), owner_key: hex(ownerKey) };
  },
  owner_key_full: (curve, { d, x }) => ({
    D: hex(ownerDecryptionKey(curve, { typeKey: bytes(d), factor: bytes(x) })),
  }),
};

const extractionOperations: Readonly<Record<string, KatOperation>> = {
  extract_partial: (curve, { s_k, id }) => ({
    d: hex(extractPartial(curve, { share: bytes(s_k), identity: bytes(id) })),
  }),
  extract_partial_check(curve, { d, id, vk }) {
    checkPartial(curve, { partial: bytes(d), identity: bytes(id), verificationKey: bytes(vk) });
    return { valid: true };
  },
  extract_combine(curve, { parts, t, id, P }) {
    const decoded = (parts as KatInput[]).map((part) => ({ index: part.k, partial: bytes(part.d) }));
    return {
      d: hex(
        combinePartials(curve, {
          parts: decoded,
          threshold: t,
          identity: bytes(id),
          groupKey: bytes(P),
        }),
      ),
    };
  },
  extract_enc_partial: (curve, { s_k, id, T, a }) => ({
    out: hex(
      sealPartial(curve, {
        share: bytes(s_k),
        identity: bytes(id),
        transportKey: bytes(T),
        blinding: { nonce: bytes(a) },
      }),
    ),
  }),
  extract_enc_check(curve, { part, id, T, vk }) {
    checkSealedPartial(curve, {
      sealed: bytes(part),
      identity: bytes(id),
      transportKey: bytes(T),
      verificationKey: bytes(vk),
    });
    return { valid: true };
  },
  extract_enc_open(curve, { parts, t, id, P, tau }) {
    const { combined, key } = openSealedPartials(curve, {
      parts: (parts as KatInput[]).map((part) => ({ index: part.k, sealed: bytes(part.part) })),
      threshold: t,
      identity: bytes(id),
      groupKey: bytes(P),
      transportSecret: bytes(tau),
    });
    return { combined: hex(combined), d: hex(key) };
  },
};

const capsuleOperations: Readonly<Record<string, KatOperation>> = {
  encap(curve, { id, owner_key, r, meta }) {
    const input = { identity: bytes(id), ownerKey: bytes(owner_key), randomness: bytes(r) };
    const { key, commitment } = encapsulateKey(curve, input);
    const context = capsuleContext(recordFacts(meta), commitment);
    const capsule = sealCapsule(curve, { randomness: input.randomness, context });
    return {
      gamma_sha256: hex(sha256(curve.gtToBytes(encapsulationSecret(curve, input)))),
      K: hex(key),
      com: hex(commitment),
      ctx: hex(context),
      capsule: hex(capsule),
    };
  },
  capsule_validate(curve, { capsule, meta, com }) {
    const context = capsuleContext(recordFacts(meta), bytes(com));
    checkCapsule(curve, { capsule: bytes(capsule), context });
    return { valid: true, ctx: hex(context) };
  },
  capsule_open_owner: (curve, { capsule, id, owner_key, D, com }) => ({
    K: hex(
      openValidCapsuleAsOwner(curve, {
        capsule: bytes(capsule),
        identity: bytes(id),
        ownerKey: bytes(owner_key),
        decryptionKey: bytes(D),
        commitment: bytes(com),
      }),
    ),
  }),
};

const grantOperations: Readonly<Record<string, KatOperation>> = {
  grant_make(curve, { grant, P, id, salt, D, rnd }) {
    const { context, body, wrapKey, mask } = makeGrant(curve, {
      terms: grantTerms(grant),
      groupKey: bytes(P),
      identity: bytes(id),
      salt: bytes(salt),
      decryptionKey: bytes(D),
      randomness: {
        x1: bytes(rnd.X1),
        sigma: bytes(rnd.sigma),
        y: bytes(rnd.y),
        ...(rnd.X2 == null ? {} : { x2: bytes(rnd.X2) }),
        ...(rnd.sk_e == null ? {} : { hpkeEphemeralSecret: bytes(rnd.sk_e) }),
      },
    });
    return { gctx: hex(context), X: hex(wrapKey), kappa: scalarHex(mask), body: hex(body) };
  },
  grant_parse(curve, { grant, body }) {
    const parsed = parseGrant(curve, { terms: grantTerms(grant), body: bytes(body) });
    return { M: hex(parsed.maskedKeyBytes), Y2: hex(parsed.y2Bytes), flag: parsed.flag };
  },
  grant_open(curve, { grant, body, d_user, sk_x }) {
    const opened = openGrant(curve, {
      terms: grantTerms(grant),
      body: bytes(body),
      userKey: bytes(d_user),
      ...(sk_x == null ? {} : { recipientSecret: bytes(sk_x) }),
    });
    return {
      id: hex(opened.identity),
      salt: hex(opened.salt),
      M_prime: hex(opened.unmaskedKey),
      Y2: hex(opened.y2),
      sigma: hex(opened.sigma),
      X1: hex(opened.x1),
      ...(opened.sharedSecret === undefined ? {} : { shared_secret: hex(opened.sharedSecret) }),
    };
  },
  grant_judge: (curve, { grant, P, body, sigma, X1, shared_secret }) => ({
    verdict: judgeGrant(curve, {
      terms: grantTerms(grant),
      groupKey: bytes(P),
      body: bytes(body),
      sigma: bytes(sigma),
      x1: bytes(X1),
      ...(shared_secret == null ? {} : { sharedSecret: bytes(shared_secret) }),
    }),
  }),
};

const fragmentOperations: Readonly<Record<string, KatOperation>> = {
  fragment_answer(curve, { ctx, z_k, U1, a }) {
    const { transcript, weights, plain } = answerFragment(curve, {
      context: fragmentContext(ctx),
      share: bytes(z_k),
      u1: bytesOf(U1),
      proof: { nonce: bytes(a) },
    });
    return {
      transcript: hex(transcript),
      rho: weights.map((weight) => weight.toString(16).padStart(32, "0")),
      plain: hex(plain),
    };
  },
  fragment_seal: (_, { ctx, pk_req, sk_e, plain, ed_sk }) => ({
    sealed: hex(
      sealFragment({
        context: fragmentContext(ctx),
        requestKey: bytes(pk_req),
        ephemeralSecret: bytes(sk_e),
        plain: bytes(plain),
        signingSecret: bytes(ed_sk),
      }),
    ),
  }),
  fragment_open(_, { ctx, sealed, m, ed_pk, sk_req }) {
    const { plaintext, sharedSecret } = openFragment({
      context: fragmentContext(ctx),
      sealed: bytes(sealed),
      records: m,
      nodeKey: bytes(ed_pk),
      requestSecret: bytes(sk_req),
    });
    return { plain: hex(plaintext), shared_secret: hex(sharedSecret) };
  },
  fragment_verify: (curve, { ctx, U1, plain }) => ({
    D: verifyFragment(curve, { context: fragmentContext(ctx), u1: bytesOf(U1), plain: bytes(plain) }).map(
      hex,
    ),
  }),
  fragment_combine(curve, { parts, m, tau }) {
    const plainParts = (parts as KatInput[]).map((part) => ({ index: part.k, plain: bytes(part.plain) }));
    return { W: combineFragments(curve, { parts: plainParts, records: m, threshold: tau }).map(hex) };
  },
  recover: (curve, { M_prime, Y2, id, capsule, owner_key, W, com }) => ({
    K: hex(
      recoverKey(curve, {
        grant: {
          unmaskedKey: bytes(M_prime),
          y2: bytes(Y2),
          identity: bytes(id),
          ownerKey: bytes(owner_key),
        },
        capsule: bytes(capsule),
        combined: bytes(W),
        commitment: bytes(com),
      }),
    ),
  }),
};

function evidence(input: KatInput) {
  return {
    context: fragmentContext(input.ctx),
    u1: bytesOf(input.U1),
    nodeKey: bytes(input.ed_pk),
    sealed: bytes(input.sealed),
  };
}

const blameOperations: Readonly<Record<string, KatOperation>> = {
  blame_opened: (curve, input) => ({
    verdict: judgeOpenedBlame(curve, {
      ...evidence(input),
      sharedSecret: bytes(input.shared_secret),
    }),
  }),
  blame_challenge: (curve, input) => ({
    verdict: judgeChallengeBlame(curve, {
      ...evidence(input),
      request: accessRequest(input.request),
      requestSecret: bytes(input.sk_req),
    }),
  }),
};

/** By the name of the operation, as known-answer files spell it. */
export const sharingOperations: Readonly<Record<string, KatOperation>> = {
  ...identityOperations,
  ...ownerOperations,
  ...extractionOperations,
  ...capsuleOperations,
  ...grantOperations,
  ...fragmentOperations,
  ...blameOperations,
};
