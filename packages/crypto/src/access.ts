import { concat } from "./bytes.js";
import { checkCapsule, type DecodedCapsule } from "./capsule.js";
import type { Curve } from "./curve/curve.js";
import { decodeG1, encodePoint } from "./curve/encoding.js";
import { ConsiliumError, codeOf } from "./errors.js";
import { answerDecoded, type FragmentContext, verifyDecoded } from "./fragment.js";
import { openFragment, sealFragment } from "./fragment-seal.js";
import type { KeyGeneration } from "./identity.js";
import type { NonceSource } from "./proofs.js";
import {
  combinePoints,
  type DecodedRecoveryGrant,
  decodeRecoveryGrant,
  type PlainPart,
  type RecoveryGrant,
  recoverFromPoints,
} from "./recover.js";

/** One access as whole steps (Consilium CS01 §10.2 for the proxy, §10.3 for the recipient). */

/** A record as both sides see it on the chain. */
export interface SharedRecord {
  readonly capsule: Uint8Array;
  /** ctx, from {@link capsuleContext}. */
  readonly context: Uint8Array;
}

/** A record left out, by its place in the request, with the code that says why. */
export interface LeftOut {
  readonly position: number;
  readonly code: string;
}

interface CheckedRecords {
  readonly valid: { readonly position: number; readonly capsule: DecodedCapsule }[];
  readonly leftOut: LeftOut[];
}

/** Runs Valid on each record: one invalid record is left out and does not void the others. */
function checkRecords(curve: Curve, records: readonly SharedRecord[]): CheckedRecords {
  const result: CheckedRecords = { valid: [], leftOut: [] };
  records.forEach((record, position) => {
    try {
      result.valid.push({ position, capsule: checkCapsule(curve, record) });
    } catch (error) {
      if (codeOf(error) === "INTERNAL") throw error;
      result.leftOut.push({ position, code: codeOf(error) });
    }
  });
  return result;
}

/** What a proxy needs to answer a request whose chain checks it has made. */
export interface RespondInput {
  readonly context: FragmentContext;
  /** z_k, 32 bytes: secret. */
  readonly share: Uint8Array;
  /** The request's records in request order. */
  readonly records: readonly SharedRecord[];
  readonly requestKey: Uint8Array;
  readonly proof: NonceSource;
  /** 32 fresh random bytes. */
  readonly ephemeralSecret: Uint8Array;
  /** Ed25519 seed of the proxy's node: secret. */
  readonly signingSecret: Uint8Array;
}

/**
 * A proxy's whole answer: Valid on every record before the share touches it, the answer, its proof, seal and signature.
 * Throws the code of the first record when none is valid; decoding codes, `HPKE_BAD_KEY`.
 */
export function respondToRequest(curve: Curve, input: RespondInput): SealedAnswer {
  return sealAnswer(curve, input, (plain) => plain);
}

/**
 * Only for demonstrations and tests of blame: the answer of {@link respondToRequest} with g1 added to its first point
 * and the proof kept, sealed and signed as it should be. Whoever combines it gets a wrong key, and VerFrag names the
 * proxy. It reveals no more than an honest answer does. Throws as {@link respondToRequest}.
 */
export function respondFalselyForDemonstration(curve: Curve, input: RespondInput): SealedAnswer {
  return sealAnswer(curve, input, (plain) => {
    const { g1 } = curve;
    const first = decodeG1(curve, plain.slice(0, g1.sizeBytes));
    return concat(encodePoint(g1, g1.add(first, g1.generator)), plain.slice(g1.sizeBytes));
  });
}

/** A proxy's sealed answer, and the records it does not answer for. */
export interface SealedAnswer {
  readonly sealed: Uint8Array;
  readonly leftOut: readonly LeftOut[];
}

function sealAnswer(
  curve: Curve,
  input: RespondInput,
  alter: (plain: Uint8Array) => Uint8Array,
): SealedAnswer {
  const { valid, leftOut } = checkRecords(curve, input.records);
  if (valid.length === 0) {
    throw new ConsiliumError(leftOut[0]?.code ?? "REQ_BAD_SIZE", "No record of the request can be served.");
  }
  const { plain } = answerDecoded(curve, {
    context: input.context,
    share: input.share,
    u1: valid.map(({ capsule }) => capsule.u1Bytes),
    points: valid.map(({ capsule }) => capsule.u1),
    proof: input.proof,
  });
  const sent = alter(plain);
  const sealed = sealFragment({ ...input, plain: sent });
  plain.fill(0);
  sent.fill(0);
  return { sealed, leftOut };
}

/** One proxy's sealed answer as the recipient got it. */
export interface ReceivedFragment {
  readonly index: number;
  readonly nodeKey: Uint8Array;
  readonly verificationKey: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What a recipient needs to recover the payload keys of a request's records. */
export interface RecoverInput {
  readonly chain: Uint8Array;
  readonly requestId: Uint8Array;
  readonly generation: KeyGeneration;
  readonly threshold: number;
  /** skReq, 32 bytes: secret; never revealed for a request to all proxies. */
  readonly requestSecret: Uint8Array;
  readonly grant: RecoveryGrant;
  /** The request's records in request order, with their commitments. */
  readonly records: readonly (SharedRecord & { readonly commitment: Uint8Array })[];
  readonly fragments: readonly ReceivedFragment[];
}

/** The outcome for one record: its key (secret), or the code that says why there is none. */
export type RecoveredKey = { readonly key: Uint8Array } | { readonly code: string };

/**
 * A fragment that was no use. With a shared secret it opened and its proof failed: OPENED blame can be proven with it.
 * Without one it did not open, and only a CHALLENGE can prove anything.
 */
export interface FragmentFault {
  readonly index: number;
  readonly code: string;
  readonly sharedSecret?: Uint8Array;
}

interface OpenedPart extends PlainPart {
  readonly fragment: ReceivedFragment;
  readonly sharedSecret: Uint8Array;
}

/**
 * Opens, combines and recovers (§10.3). Optimistic: any τ fragments that open are combined without checking proofs; if
 * a commitment differs, every fragment is verified, bad ones are dropped and reported, and the rest combined again.
 * A record whose commitment still differs is `BAD_RECORD`; too few good fragments give `TOO_FEW_SHARES` per record.
 * Throws decoding codes of the grant, `DUPLICATE_INDEX`. The caller erases the request secret after use.
 */
export function recoverRecords(
  curve: Curve,
  input: RecoverInput,
): { readonly keys: readonly RecoveredKey[]; readonly faults: readonly FragmentFault[] } {
  requireDistinctIndices(input.fragments);
  const grant = decodeRecoveryGrant(curve, input.grant);
  const { valid, leftOut } = checkRecords(curve, input.records);
  const keys: RecoveredKey[] = input.records.map(() => ({ code: "TOO_FEW_SHARES" }));
  for (const { position, code } of leftOut) keys[position] = { code };
  const faults: FragmentFault[] = [];
  if (valid.length === 0) return { keys, faults };
  const opened = openAll(input, valid.length, faults);
  let attempt = tryCombine(curve, input, grant, valid, opened);
  if (attempt.some((key) => "code" in key)) {
    const good = dropUnproven(curve, input, valid, opened, faults);
    const trusted = tryCombine(curve, input, grant, valid, good);
    attempt = trusted.map((key) =>
      "code" in key && key.code === "KEY_COMMITMENT" ? { code: "BAD_RECORD" } : key,
    );
  }
  const accused = new Set(faults.map((fault) => fault.index));
  for (const part of opened) {
    part.plain.fill(0);
    if (!accused.has(part.index)) part.sharedSecret.fill(0);
  }
  valid.forEach(({ position }, r) => {
    keys[position] = attempt[r]!;
  });
  return { keys, faults };
}

function requireDistinctIndices(fragments: readonly ReceivedFragment[]): void {
  if (new Set(fragments.map((fragment) => fragment.index)).size !== fragments.length) {
    throw new ConsiliumError("DUPLICATE_INDEX", "Give one fragment per proxy.");
  }
}

function contextOf(input: RecoverInput, fragment: ReceivedFragment): FragmentContext {
  const { chain, requestId, generation } = input;
  return { chain, requestId, generation, index: fragment.index, verificationKey: fragment.verificationKey };
}

function openAll(input: RecoverInput, records: number, faults: FragmentFault[]): OpenedPart[] {
  return input.fragments.flatMap((fragment) => {
    try {
      const { nodeKey, sealed } = fragment;
      const { requestSecret } = input;
      const context = contextOf(input, fragment);
      const { plaintext, sharedSecret } = openFragment({ context, sealed, records, nodeKey, requestSecret });
      return [{ index: fragment.index, plain: plaintext, fragment, sharedSecret }];
    } catch (error) {
      if (codeOf(error) === "INTERNAL") throw error;
      faults.push({ index: fragment.index, code: codeOf(error) });
      return [];
    }
  });
}

function tryCombine(
  curve: Curve,
  input: RecoverInput,
  grant: DecodedRecoveryGrant,
  valid: CheckedRecords["valid"],
  parts: readonly OpenedPart[],
): RecoveredKey[] {
  return attemptAll(valid, () => {
    const combined = combinePoints(curve, { parts, records: valid.length, threshold: input.threshold });
    return valid.map(({ capsule, position }, r) => {
      const { commitment } = input.records[position]!;
      return attemptOne(() =>
        recoverFromPoints(curve, { grant, capsule, combined: combined[r]!, commitment }),
      );
    });
  });
}

function attemptOne(recover: () => Uint8Array): RecoveredKey {
  try {
    return { key: recover() };
  } catch (error) {
    if (codeOf(error) === "INTERNAL") throw error;
    return { code: codeOf(error) };
  }
}

/** A combination that fails as a whole (too few shares, a point off the curve) fails for every record. */
function attemptAll(valid: CheckedRecords["valid"], combine: () => RecoveredKey[]): RecoveredKey[] {
  try {
    return combine();
  } catch (error) {
    if (codeOf(error) === "INTERNAL") throw error;
    return valid.map(() => ({ code: codeOf(error) }));
  }
}

function dropUnproven(
  curve: Curve,
  input: RecoverInput,
  valid: CheckedRecords["valid"],
  opened: readonly OpenedPart[],
  faults: FragmentFault[],
): OpenedPart[] {
  const u1 = valid.map(({ capsule }) => capsule.u1Bytes);
  const points = valid.map(({ capsule }) => capsule.u1);
  return opened.filter((part) => {
    const context = contextOf(input, part.fragment);
    try {
      const verificationKey = decodeG1(curve, context.verificationKey);
      verifyDecoded(curve, { context, u1, points, verificationKey }, part.plain);
      return true;
    } catch (error) {
      if (codeOf(error) === "INTERNAL") throw error;
      faults.push({ index: part.index, code: codeOf(error), sharedSecret: part.sharedSecret });
      return false;
    }
  });
}
