import { describe, expect, it } from "vitest";
import { mutants } from "../../src/mutants/catalogue.js";
import { runMutant, scenarioOf } from "../../src/mutants/run.js";
import { locate } from "../../src/mutants/source.js";
import { MutantWorker } from "../../src/mutants/worker.js";

const named = (name: string) => mutants.find((mutant) => mutant.name === name)!;

describe("mutants", () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "%s fits the code as it is",
    (_name, mutant) => {
      const { edits, places } = locate(mutant);
      expect(edits).toHaveLength(mutant.edits.length);
      for (const place of places) expect(place).toMatch(/^packages\/.*\.ts:\d+/);
    },
  );

  it("says which mutant is out of date when the code has moved on", () => {
    const [edit] = mutants[0]!.edits;
    const stale = { ...mutants[0]!, edits: [{ ...edit!, find: "no such text" }] };
    expect(() => locate(stale)).toThrow(expect.objectContaining({ code: "MUTANT_STALE" }));
  });

  it("finds a safety record that forgets, in a seed that passes without the bug", async () => {
    const report = await runMutant(named("safety-record-forgets"), { firstSeed: 1, seeds: 4 });
    expect(report.caught).toMatchObject({ cleanWithout: true });
  });

  it("ends the process whose code an edit does not fit, instead of running it unchanged", async () => {
    const [{ edits }] = [locate(named("certificate-of-few"))];
    const worker = new MutantWorker(edits.map((edit) => ({ ...edit, find: "no such text" })));
    const outcome = await worker.run(scenarioOf(named("certificate-of-few"), 1));
    await worker.stop();
    expect(outcome).toMatchObject({ died: expect.stringContaining("The snippet to change") });
  });
});
