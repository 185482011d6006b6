import { describe, expect, it } from "vitest";
import { expectedTrace, goldenNames, traceOf } from "../../src/golden/index.js";
import { parseScript } from "../../src/golden/script.js";

describe("golden scenarios", () => {
  it.each(goldenNames())("%s happens as it is kept, and breaks no invariant", async (name) => {
    const trace = await traceOf(name);
    expect(trace).toBe(expectedTrace(name));
    expect(trace).toContain("all invariants hold");
    expect(trace).not.toContain("VIOLATED");
  });

  it("refuses a statement that it does not know, by its line", () => {
    expect(() => parseScript("nodes 4\nat 10 explode 3\nuntil 20")).toThrow("line 2: at 10 explode 3");
    expect(() => parseScript("nodes 4")).toThrow("until when");
    expect(() => parseScript("actor 1 nobody\nuntil 1")).toThrow("there is no actor nobody");
  });
});
