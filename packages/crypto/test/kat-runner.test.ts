import { expect, it } from "vitest";
import { runKatCase } from "../kat/runner.js";
import { nobleCurve } from "../src/curve/noble-curve.js";

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
