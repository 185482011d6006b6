import { expect, it } from "vitest";
import { parseExactJson } from "../kat/exact-json.js";
import { runKatCase } from "../kat/runner.js";
import { toHex } from "../src/bytes.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { recordId } from "../src/identity.js";

const input = { uid: "00" };

it("passes a case whose stated fields match", async () => {
  const testCase = { name: "one byte", input, expected: { id: "55000100" } };
  expect(await runKatCase(nobleCurve, "user_id", testCase)).toEqual({ outcome: "passed" });
});

it("fails a case whose answer differs, and names the field", async () => {
  const testCase = { name: "one byte", input, expected: { id: "55000101" } };
  const result = await runKatCase(nobleCurve, "user_id", testCase);
  expect(result.outcome).toBe("failed");
  expect(result.detail).toMatch(/^id: /);
});

it("fails a case that should have been refused", async () => {
  const testCase = { name: "one byte", input, error: "BAD_IDENTITY" };
  expect((await runKatCase(nobleCurve, "user_id", testCase)).outcome).toBe("failed");
});

it("fails a case that is refused with another code", async () => {
  const testCase = { name: "empty", input: { uid: "" }, error: "BAD_LENGTH" };
  expect((await runKatCase(nobleCurve, "user_id", testCase)).outcome).toBe("failed");
});

it("fails a case that crashes without a code", async () => {
  const testCase = { name: "no input", input: {}, error: "INTERNAL" };
  expect((await runKatCase(nobleCurve, "user_id", testCase)).outcome).toBe("failed");
});

it("counts an operation it does not know as unsupported", async () => {
  const testCase = { name: "any", input, expected: {} };
  expect((await runKatCase(nobleCurve, "toString", testCase)).outcome).toBe("unsupported");
});

it("reads integers beyond the exact range of numbers, and nothing else, as bigints", () => {
  const text =
    '{"a":18446744073709551615,"b":[9007199254740991,-1,1.5,1e400],"18446744073709551615":"x\\"99999999999999999999"}';
  expect(parseExactJson(text)).toEqual({
    a: 18446744073709551615n,
    b: [9007199254740991, -1, 1.5, Number.POSITIVE_INFINITY],
    "18446744073709551615": 'x"99999999999999999999',
  });
  expect(() => parseExactJson("[1,]")).toThrow(SyntaxError);
});

it("passes a counter of 2^64 − 1 on without rounding it", async () => {
  const zero = new Uint8Array(32);
  const text = `{"chain":"${toHex(zero)}","author":"${toHex(zero)}","nonce":18446744073709551615}`;
  const input = parseExactJson(text) as Record<string, unknown>;
  const expected = { record_id: toHex(recordId(zero, zero, 2n ** 64n - 1n)) };
  expect(await runKatCase(nobleCurve, "record_id", { name: "largest", input, expected })).toEqual({
    outcome: "passed",
  });
});

it("swaps two chunks of which the second is the short last one", async () => {
  const input = {
    K: "07".repeat(32),
    salt: "01".repeat(16),
    log2_chunk: 16,
    pt_len: 65_537,
    pt_seed: 3,
    mutate: { kind: "swap" },
  };
  const testCase = { name: "swap", input, error: "STREAM_AUTH" };
  expect(await runKatCase(nobleCurve, "payload_decrypt", testCase)).toEqual({ outcome: "passed" });
});
