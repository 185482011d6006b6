import { expect } from "vitest";
import { fromHex } from "../../src/bytes.js";
import type { Curve, Group } from "../../src/curve/curve.js";
import { loadMclCurve } from "../../src/curve/mcl-curve.js";
import { codeOf } from "../../src/errors.js";

export const curve: Curve = await loadMclCurve();

/** The code with which an action is refused; `ANSWERED` when it is not. */
export async function codeFor(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return codeOf(error);
  }
  return "ANSWERED";
}

/** Expects every action to be refused with one code. */
export async function expectCode(
  code: string,
  actions: Readonly<Record<string, () => unknown>>,
): Promise<void> {
  for (const [name, action] of Object.entries(actions)) {
    expect.soft(await codeFor(action), name).toBe(code);
  }
}

/** A copy with part of it replaced. */
export function replaced(bytes: Uint8Array, offset: number, part: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(part, offset);
  return copy;
}

/** A copy with one bit turned over. */
export function flipped(bytes: Uint8Array, offset: number, mask = 1): Uint8Array {
  return replaced(bytes, offset, Uint8Array.of(bytes[offset]! ^ mask));
}

/** The encoded sum of an encoded point and another. */
export function plus<Point>(group: Group<Point>, encoded: Uint8Array, other: Point): Uint8Array {
  return group.toBytes(group.add(group.fromCheckedBytes(encoded)!, other));
}

/** The encoded multiple of an encoded point. */
export function times<Point>(group: Group<Point>, encoded: Uint8Array, factor: bigint): Uint8Array {
  return group.toBytes(group.multiply(group.fromCheckedBytes(encoded)!, factor));
}

/** On the curve and outside the subgroup: x = 4 in G1, x = 2 in G2. */
export const OUTSIDE_G1 = fromHex(`80${"00".repeat(46)}04`);
export const OUTSIDE_G2 = fromHex(`a0${"00".repeat(94)}02`);
export const INFINITY_G1 = fromHex(`c0${"00".repeat(47)}`);
export const INFINITY_G2 = fromHex(`c0${"00".repeat(95)}`);
