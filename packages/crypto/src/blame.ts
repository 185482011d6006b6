import { equalBytes } from "./bytes.js";
import type { Curve } from "./curve/curve.js";
import { ConsiliumError, codeOf } from "./errors.js";
import { type FragmentContext, fragmentStatement, verifyDecoded } from "./fragment.js";
import { checkSealedFragment, fragmentHpkeInfo } from "./fragment-seal.js";
import type { BlameVerdict } from "./grant.js";
import { hpkeOpen, hpkeOpenWithSharedSecret } from "./hpke.js";
import { type AccessRequest, requestId } from "./request.js";
import { x25519PublicKey } from "./x25519.js";

/** Public blame of a proxy (Consilium CS01 §10.4). Both forms name one proxy and one sealed fragment it signed. */

/** What both forms of blame show. */
export interface BlameEvidence {
  readonly context: FragmentContext;
  /** U1 of the request's records that are Valid, in request order, as every judge recomputes it. */
  readonly u1: readonly Uint8Array[];
  /** Ed25519 key of the proxy's node. */
  readonly nodeKey: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Runs `open`; undefined when the message does not open. Errors without a code are not swallowed. */
function tryOpen(open: () => Uint8Array): Uint8Array | undefined {
  try {
    return open();
  } catch (error) {
    if (codeOf(error) === "INTERNAL") throw error;
    return undefined;
  }
}

/** Checks what both forms share and returns the seal with a judge of the plain fragment. */
function prepare(curve: Curve, evidence: BlameEvidence) {
  const { context, sealed, nodeKey, u1 } = evidence;
  const records = u1.length;
  const seal = checkSealedFragment({ context, sealed, records, nodeKey, signedLengthIsEnough: true });
  const statement = fragmentStatement(curve, evidence);
  const info = fragmentHpkeInfo(context);
  const judge = (plain: Uint8Array): BlameVerdict => {
    try {
      verifyDecoded(curve, statement, plain);
      return "BLAME_REJECTED";
    } catch (error) {
      if (codeOf(error) === "INTERNAL") throw error;
      return "BLAME_UPHELD";
    }
  };
  return { seal, info, judge };
}

/**
 * OPENED blame: the recipient reveals the KEM output of this one message. It does not open: `BLAME_UNPROVEN`, counted
 * as an exposure like any other. Opens and fails VerFrag in any way: `BLAME_UPHELD`. Valid: `BLAME_REJECTED`.
 * Throws the codes of the sealed frame (`SIG_INVALID` among them): then there is no evidence at all.
 */
export function judgeOpenedBlame(
  curve: Curve,
  input: BlameEvidence & { readonly sharedSecret: Uint8Array },
): BlameVerdict {
  const { seal, info, judge } = prepare(curve, input);
  const { sharedSecret } = input;
  const { ciphertext } = seal;
  const plain = tryOpen(() =>
    hpkeOpenWithSharedSecret({ sharedSecret, info, aad: new Uint8Array(), ciphertext }),
  );
  return plain === undefined ? "BLAME_UNPROVEN" : judge(plain);
}

/**
 * CHALLENGE blame of the answer to a request that only one proxy could answer: the recipient reveals that request's
 * secret key. Failure to open or to verify is `BLAME_UPHELD`, a valid answer `BLAME_REJECTED`.
 * Throws the codes of the sealed frame, `BLAME_UNPROVEN` when the secret or the request does not match,
 * `BLAME_NOT_ALLOWED` when the request was not addressed to this proxy alone.
 */
export function judgeChallengeBlame(
  curve: Curve,
  input: BlameEvidence & { readonly request: AccessRequest; readonly requestSecret: Uint8Array },
): BlameVerdict {
  const { seal, info, judge } = prepare(curve, input);
  const { request, requestSecret, context } = input;
  if (!equalBytes(x25519PublicKey(requestSecret), request.requestKey)) {
    throw new ConsiliumError("BLAME_UNPROVEN", "Reveal the secret key of exactly this request.");
  }
  if (request.addressee !== context.index) {
    throw new ConsiliumError("BLAME_NOT_ALLOWED", "Blame this way only on a request to this proxy alone.");
  }
  if (!equalBytes(requestId(request), context.requestId)) {
    throw new ConsiliumError("BLAME_UNPROVEN", "Show the request that this fragment answers.");
  }
  const { enc, ciphertext } = seal;
  const plain = tryOpen(
    () =>
      hpkeOpen({ recipientSecret: requestSecret, enc, info, aad: new Uint8Array(), ciphertext }).plaintext,
  );
  return plain === undefined ? "BLAME_UPHELD" : judge(plain);
}
