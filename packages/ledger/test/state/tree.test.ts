import { concat, sha256, toHex, utf8 } from "@consilium/crypto";
import type { StoreChange } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { prove, updateTree, verifyProof } from "../../src/state/tree.js";
import { MemoryState } from "../support/memory-state.js";

const EMPTY = new Uint8Array(32);

/** The definition, written the slow way: from the set of keys alone. */
function naiveRoot(entries: readonly [Uint8Array, Uint8Array][], depth = 0): Uint8Array {
  if (entries.length === 0) return EMPTY;
  if (entries.length === 1) return sha256(Uint8Array.of(0), sha256(entries[0]![0]), sha256(entries[0]![1]));
  const isRight = ([key]: readonly [Uint8Array, Uint8Array]): boolean => {
    const bits = [...sha256(key)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    return bits[depth] === "1";
  };
  const left = naiveRoot(
    entries.filter((entry) => !isRight(entry)),
    depth + 1,
  );
  const right = naiveRoot(entries.filter(isRight), depth + 1);
  return sha256(Uint8Array.of(1), left, right);
}

/** A small generator with a fixed seed, so that a failure replays. */
function generator(seed: number): () => number {
  let value = seed;
  return () => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    return value;
  };
}

const keyNamed = (n: number): Uint8Array => concat(Uint8Array.of(0x40), utf8(`key ${n}`));

function churn(rounds: number, seed: number) {
  const next = generator(seed);
  const state = new MemoryState();
  const model = new Map<string, [Uint8Array, Uint8Array]>();
  const roots: { root: Uint8Array; expected: Uint8Array }[] = [];
  for (let round = 0; round < rounds; round++) {
    const changes = new Map<number, StoreChange>();
    for (let count = next() % 9; count >= 0; count--) {
      const n = (next() >>> 8) % 60;
      const value = (next() >>> 8) % 3 === 0 ? undefined : utf8(`value ${next()}`);
      changes.set(n, { key: keyNamed(n), value });
    }
    const update = updateTree(state, [...changes.values()]);
    state.apply(update.changes);
    for (const { key, value } of changes.values()) {
      if (value === undefined) model.delete(toHex(key));
      else model.set(toHex(key), [key, value]);
    }
    roots.push({ root: update.root, expected: naiveRoot([...model.values()]) });
  }
  return { state, model, roots };
}

describe("the state tree", () => {
  it("has the root of its definition after any sequence of sets and removals", () => {
    const { roots } = churn(120, 7);
    for (const { root, expected } of roots) expect(toHex(root)).toBe(toHex(expected));
  });

  it("keeps nothing but the root once every key is gone", () => {
    const { state, model } = churn(30, 11);
    const update = updateTree(
      state,
      [...model.values()].map(([key]) => ({ key, value: undefined })),
    );
    state.apply(update.changes);
    expect(toHex(update.root)).toBe("00".repeat(32));
    expect(state.entries.size).toBe(1);
  });

  it("proves each key it holds, and refuses the proof for another value, key or root", () => {
    const { state, model, roots } = churn(60, 3);
    const root = roots.at(-1)!.root;
    expect(model.size).toBeGreaterThan(10);
    for (const [key, value] of model.values()) {
      const proof = prove(state, key);
      expect(verifyProof(root, key, value, proof)).toBe(true);
      expect(verifyProof(root, key, utf8("another"), proof)).toBe(false);
      expect(verifyProof(root, key, undefined, proof)).toBe(false);
      expect(verifyProof(root, keyNamed(999), value, proof)).toBe(false);
      expect(verifyProof(sha256(root), key, value, proof)).toBe(false);
    }
  });

  it("proves the absence of keys it does not hold, and never the absence of one it holds", () => {
    const { state, model, roots } = churn(60, 5);
    const root = roots.at(-1)!.root;
    const proofs = Array.from({ length: 40 }, (_, n) => prove(state, keyNamed(1_000 + n)));
    proofs.forEach((proof, n) => {
      expect(verifyProof(root, keyNamed(1_000 + n), undefined, proof)).toBe(true);
      expect(verifyProof(root, keyNamed(1_000 + n), utf8("x"), proof)).toBe(false);
    });
    for (const [key] of model.values()) {
      for (const proof of proofs) expect(verifyProof(root, key, undefined, proof)).toBe(false);
    }
  });

  it("refuses malformed proofs without throwing", () => {
    const { state, model, roots } = churn(20, 9);
    const root = roots.at(-1)!.root;
    const [key, value] = [...model.values()][0]!;
    const { siblings } = prove(state, key);
    expect(verifyProof(root, key, value, { siblings: siblings.slice(1) })).toBe(false);
    expect(verifyProof(root, key, value, { siblings: [...siblings, new Uint8Array(31)] })).toBe(false);
    expect(verifyProof(root, key, value, { siblings: new Array(300).fill(EMPTY) })).toBe(false);
    const short = { keyHash: new Uint8Array(3), valueHash: EMPTY };
    expect(verifyProof(root, keyNamed(999), undefined, { siblings, otherLeaf: short })).toBe(false);
  });

  it("gives the empty state a root of zeros under which every key is absent", () => {
    const state = new MemoryState();
    expect(verifyProof(EMPTY, keyNamed(1), undefined, prove(state, keyNamed(1)))).toBe(true);
    expect(verifyProof(EMPTY, keyNamed(1), utf8("x"), prove(state, keyNamed(1)))).toBe(false);
  });
});
