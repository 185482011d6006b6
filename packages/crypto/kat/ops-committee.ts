/**
 * Known-answer operations of the committee half: signatures, votes, HPKE, payloads, keystores and key generation.
 * Each takes the JSON input of a case and returns the JSON of its answer, or throws with the code of the case.
 */
import {
  type Curve,
  createCurveVoteSuite,
  voteCheckPossession,
  votePossessionProof,
} from "../src/curve/index.js";
import {
  checkVoteCertificate,
  concat,
  ed25519CheckKey,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  fromHex,
  hpkeOpen,
  hpkeSeal,
  type Keystore,
  type KeystoreKind,
  keystoreDecrypt,
  keystoreEncrypt,
  makeVoteCertificate,
  PAYLOAD_HEADER_SIZE_BYTES,
  payloadOpen,
  payloadSeal,
  sha256,
  toHex,
  VOTE_KINDS,
  type VoteKind,
  voteMessage,
} from "../src/index.js";
import { dkgOperations } from "./ops-dkg.js";

/** Fields of a case's input: JSON whose shape the operation knows. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of known answers is checked by comparing the results.
export type KatInput = Readonly<Record<string, any>>;
export type KatOperation = (curve: Curve, input: KatInput) => unknown;

const ed25519Operations: Readonly<Record<string, KatOperation>> = {
  ed25519_sign(_, { sk, msg }) {
    const secret = fromHex(sk);
    return { pk: toHex(ed25519PublicKey(secret)), sig: toHex(ed25519Sign(secret, fromHex(msg))) };
  },
  ed25519_verify: (_, { pk, msg, sig }) => ({
    valid: ed25519Verify(fromHex(pk), fromHex(msg), fromHex(sig)),
  }),
  ed25519_key(_, { pk }) {
    ed25519CheckKey(fromHex(pk));
    return { valid: true };
  },
};

const voteOperations: Readonly<Record<string, KatOperation>> = {
  bls_sign(curve, { sk, msg }) {
    const suite = createCurveVoteSuite(curve);
    const secret = fromHex(sk);
    return {
      pk: toHex(suite.publicKey(secret)),
      pop: toHex(votePossessionProof(curve, secret)),
      sig: toHex(suite.sign(secret, fromHex(msg))),
    };
  },
  bls_pop_check: (curve, { pk, pop }) => ({ valid: voteCheckPossession(curve, fromHex(pk), fromHex(pop)) }),
  vote_bytes(_, { chain, epoch, view, kind, parentView, block }) {
    const name = (Object.keys(VOTE_KINDS) as VoteKind[]).find((key) => VOTE_KINDS[key] === kind);
    const digest = fromHex(block);
    return {
      msg: toHex(voteMessage({ chain: fromHex(chain), epoch, view, kind: name!, parentView, digest })),
    };
  },
  vote_aggregate(curve, { n, signers, sigs }) {
    const votes = (signers as number[]).map((validator, index) => ({
      validator,
      signature: fromHex(sigs[index]),
    }));
    const { bitmap, signature } = makeVoteCertificate(createCurveVoteSuite(curve), n, votes);
    return { sig: toHex(signature), bitmap: toHex(bitmap) };
  },
  vote_cert(curve, { pks, quorum, msg, bitmap, sig }) {
    const keys = (pks as string[]).map(fromHex);
    const certificate = { bitmap: fromHex(bitmap), signature: fromHex(sig) };
    return {
      signers: checkVoteCertificate(createCurveVoteSuite(curve), keys, quorum, fromHex(msg), certificate),
    };
  },
};

const hpkeOperations: Readonly<Record<string, KatOperation>> = {
  hpke_seal(_, { pk_r, sk_e, info, aad, pt }) {
    const sealed = hpkeSeal({
      recipientKey: fromHex(pk_r),
      ephemeralSecret: fromHex(sk_e),
      info: fromHex(info),
      aad: fromHex(aad),
      plaintext: fromHex(pt),
    });
    return {
      enc: toHex(sealed.enc),
      shared_secret: toHex(sealed.sharedSecret),
      ct: toHex(sealed.ciphertext),
    };
  },
  hpke_open(_, { sk_r, enc, info, aad, ct }) {
    const { plaintext } = hpkeOpen({
      recipientSecret: fromHex(sk_r),
      enc: fromHex(enc),
      info: fromHex(info),
      aad: fromHex(aad),
      ciphertext: fromHex(ct),
    });
    return { pt: toHex(plaintext) };
  },
};

/** The text of a payload case: byte i is (31·i + seed) mod 251. */
function payloadText({ pt_len, pt_seed }: KatInput): Uint8Array {
  return Uint8Array.from({ length: pt_len }, (_, index) => (31 * index + pt_seed) % 251);
}

function sealPayloadCase(input: KatInput) {
  return payloadSeal(payloadText(input), {
    key: fromHex(input.K),
    salt: fromHex(input.salt),
    chunkLog2: input.log2_chunk,
  });
}

/** Applies what a hostile storage did to a file. A position below zero counts from the end. */
function mutatePayload(file: Uint8Array, mutate: KatInput | null | undefined, chunkLog2: number): Uint8Array {
  if (!mutate) return file;
  if (mutate.kind === "truncate") return file.slice(0, mutate.at);
  if (mutate.kind === "append") return concat(file, fromHex(mutate.bytes));
  if (mutate.kind === "flip") {
    const at = mutate.at < 0 ? file.length + mutate.at : mutate.at;
    return file.map((byte, index) => (index === at ? byte ^ 1 : byte));
  }
  if (mutate.kind !== "swap") throw new RangeError(`unknown mutation ${mutate.kind}`);
  const [first, second] = [PAYLOAD_HEADER_SIZE_BYTES, PAYLOAD_HEADER_SIZE_BYTES + 2 ** chunkLog2 + 16];
  const third = second + 2 ** chunkLog2 + 16;
  // The second chunk may be the short last one, so chunks trade places by joining, not by overwriting.
  return concat(
    file.slice(0, first),
    file.slice(second, third),
    file.slice(first, second),
    file.slice(third),
  );
}

const payloadOperations: Readonly<Record<string, KatOperation>> = {
  payload_encrypt(_, input) {
    const { file, lengthBytes, digest } = sealPayloadCase(input);
    const hex = toHex(file);
    return {
      ct_len: lengthBytes,
      ct_sha256: toHex(digest),
      ct_head: hex.slice(0, 128),
      ct_tail: hex.slice(-32),
      ct: hex,
    };
  },
  payload_decrypt(_, input) {
    const file = mutatePayload(sealPayloadCase(input).file, input.mutate, input.log2_chunk);
    const text = payloadOpen(file, { key: fromHex(input.K_open ?? input.K) });
    return { pt_len: text.length, pt_sha256: toHex(sha256(text)) };
  },
};

const keystoreOperations: Readonly<Record<string, KatOperation>> = {
  async keystore_encrypt(_, { password, secret, kind, pub, salt, nonce, n }) {
    const keystore: Keystore = await keystoreEncrypt({
      password,
      secret: fromHex(secret),
      kind: kind as KeystoreKind,
      publicPart: fromHex(pub),
      salt: fromHex(salt),
      nonce: fromHex(nonce),
      ...(n == null ? {} : { n }),
    });
    return { keystore };
  },
  keystore_decrypt: async (_, { keystore, password }) => ({
    secret: toHex(await keystoreDecrypt(keystore, password)),
  }),
};

/** By the name of the operation, as known-answer files spell it. */
export const committeeOperations: Readonly<Record<string, KatOperation>> = {
  ...ed25519Operations,
  ...voteOperations,
  ...hpkeOperations,
  ...payloadOperations,
  ...keystoreOperations,
  ...dkgOperations,
};
