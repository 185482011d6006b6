/**
 * The switch to new shares, with a public test that they work (Consilium CS01 §13.4, "Switch"). The test uses made-up
 * inputs only: on a real capsule or a user's identity it would publish what opens records.
 */
import { concat, equalBytes, type Reader, u16, utf8 } from "../bytes.js";
import type { Curve, G1Point } from "../curve/curve.js";
import { decodeG1, encodePoint } from "../curve/encoding.js";
import { ConsiliumError } from "../errors.js";
import { checkPartial, combinePartials, extractUnchecked } from "../extraction.js";
import { answerFragment, type FragmentContext, splitFragment, verifyFragment } from "../fragment.js";
import { hashToScalar } from "../hash.js";
import { lagrangeCoefficients, selectLowestIndices } from "../lagrange.js";
import type { NonceSource } from "../proofs.js";
import { DKG_MESSAGE, encodeHeader, openHeader } from "./messages.js";
import { DKG_PURPOSE, type DkgPurpose } from "./params.js";
import type { DkgState } from "./state.js";
import type { DkgResult } from "./transcript.js";

/** One member's answer to the test: D ‖ c ‖ y (112 bytes) for z, d (48 bytes) for s. */
export interface DkgTestShare {
  /** k, from 1. */
  readonly index: number;
  readonly answer: Uint8Array;
}

/** Length of one answer to the test. */
export function dkgTestShareSizeBytes(purpose: DkgPurpose): number {
  return purpose === DKG_PURPOSE.proxy ? 112 : 48;
}

/**
 * The answer of member k with its new share (32 bytes, secret). The nonce is used for z only. Throws
 * `DKG_WRONG_PHASE` unless the run is ACTIVE.
 */
export function dkgMakeTestShare(
  curve: Curve,
  state: DkgState,
  input: { readonly member: number; readonly share: Uint8Array; readonly nonce: NonceSource },
): DkgTestShare {
  const { transcript, verificationKeys } = activeResult(state);
  const { member, share, nonce } = input;
  if (state.params.purpose === DKG_PURPOSE.keyCentre) {
    return { index: member, answer: extractUnchecked(curve, { share, identity: testIdentity(transcript) }) };
  }
  const context = testContext(state, transcript, member, verificationKeys[member - 1] ?? new Uint8Array(0));
  const u1 = [encodePoint(curve.g1, testPoint(curve, transcript))];
  return { index: member, answer: answerFragment(curve, { context, share, u1, proof: nonce }).plain };
}

/** Checks one member's answer under its verification key. Throws `SWITCH_BAD_TEST`, `DKG_WRONG_PHASE`. */
export function dkgCheckTestShare(curve: Curve, state: DkgState, share: DkgTestShare): void {
  const { transcript, verificationKeys } = activeResult(state);
  const verificationKey = verificationKeys[share.index - 1];
  if (verificationKey === undefined) throw badTest();
  asBadTest(() => {
    if (state.params.purpose === DKG_PURPOSE.keyCentre) {
      checkPartial(curve, { partial: share.answer, identity: testIdentity(transcript), verificationKey });
      return;
    }
    const context = testContext(state, transcript, share.index, verificationKey);
    const u1 = [encodePoint(curve.g1, testPoint(curve, transcript))];
    verifyFragment(curve, { context, u1, plain: share.answer });
  });
}

/**
 * The switch message (0x34) from answers that each passed {@link dkgCheckTestShare}: those with the t lowest indices.
 * Throws `TOO_FEW_SHARES`, `DUPLICATE_INDEX`, `DKG_WRONG_PHASE`.
 */
export function dkgMakeSwitch(state: DkgState, shares: readonly DkgTestShare[]): Uint8Array {
  const { transcript } = activeResult(state);
  const chosen = selectLowestIndices(shares, state.params.threshold);
  const header = concat(encodeHeader(DKG_MESSAGE.switch, state.sid), transcript, u16(chosen.length));
  return concat(header, ...chosen.flatMap(({ index, answer }) => [u16(index), answer]));
}

/**
 * Checks a switch message: t answers of distinct members, in ascending order, each valid under its verification key
 * and all together under the group key. Throws `DKG_WRONG_PHASE`, `BAD_ENCODING`, `DKG_WRONG_SID`, `BAD_LENGTH`,
 * `SWITCH_BAD_TEST`.
 */
export function dkgCheckSwitch(curve: Curve, state: DkgState, body: Uint8Array): void {
  const result = activeResult(state);
  const shares = parseSwitch(state, result, body);
  for (const share of shares) dkgCheckTestShare(curve, state, share);
  checkCombined(curve, state, result, shares);
}

function parseSwitch(state: DkgState, result: DkgResult, body: Uint8Array): DkgTestShare[] {
  const reader: Reader = openHeader(body, DKG_MESSAGE.switch, state.sid);
  const isCurrent = equalBytes(reader.take(32, "transcript"), result.transcript);
  const { threshold, purpose } = state.params;
  if (!isCurrent || reader.u16("threshold") !== threshold) throw badTest();
  const shares = Array.from({ length: threshold }, () => ({
    index: reader.u16("index"),
    answer: reader.take(dkgTestShareSizeBytes(purpose), "answer"),
  }));
  reader.end("switch");
  if (shares.some(({ index }, place) => place > 0 && index <= shares[place - 1]!.index)) throw badTest();
  return shares;
}

function checkCombined(
  curve: Curve,
  state: DkgState,
  result: DkgResult,
  shares: readonly DkgTestShare[],
): void {
  const { purpose, threshold } = state.params;
  const groupKey = result.commitments[0]!;
  asBadTest(() => {
    if (purpose === DKG_PURPOSE.keyCentre) {
      const parts = shares.map(({ index, answer }) => ({ index, partial: answer }));
      combinePartials(curve, { parts, threshold, identity: testIdentity(result.transcript), groupKey });
      return;
    }
    const points = shares.map(({ answer }) => decodeG1(curve, splitFragment(answer, 1).answers[0]!));
    const combined = curve.g1.multiScalar(points, lagrangeCoefficients(shares.map(({ index }) => index)));
    // The scalar of the made-up point is public, so z times that point is known to all: no pairing needed.
    const expected = curve.g1.multiply(decodeG1(curve, groupKey), testScalar(result.transcript));
    if (!curve.g1.equals(combined, expected)) throw badTest();
  });
}

function testScalar(transcript: Uint8Array): bigint {
  return hashToScalar("SWITCH-TEST", transcript);
}

function testPoint(curve: Curve, transcript: Uint8Array): G1Point {
  return curve.g1.multiplyGenerator(testScalar(transcript));
}

/** "S" ‖ th: no T, U or E identity starts with S, so no key anyone has a right to is published. */
function testIdentity(transcript: Uint8Array): Uint8Array {
  return concat(utf8("S"), transcript);
}

function testContext(
  state: DkgState,
  transcript: Uint8Array,
  index: number,
  verificationKey: Uint8Array,
): FragmentContext {
  const { chain, keyNo, epoch } = state.params;
  return { chain, requestId: transcript, generation: { keyNo, shareEpoch: epoch }, index, verificationKey };
}

function activeResult(state: DkgState): DkgResult {
  if (state.phase === "ACTIVE" && state.result !== null) return state.result;
  throw new ConsiliumError("DKG_WRONG_PHASE", "Only a run that became ACTIVE can be switched to.");
}

function asBadTest(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof ConsiliumError) throw badTest();
    throw error;
  }
}

function badTest(): ConsiliumError {
  return new ConsiliumError(
    "SWITCH_BAD_TEST",
    "This switch does not show that the new shares work; collect test answers from other members.",
  );
}
