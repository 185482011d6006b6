import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { externalOperations } from "../kat/ops-external.js";
import { sharingOperations } from "../kat/ops-sharing.js";
import { type KatFile, listKatFiles, readKatFile, runKatCase } from "../kat/runner.js";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";

const own = { ...sharingOperations, ...externalOperations };
const files = listKatFiles([fileURLToPath(new URL("../vectors/", import.meta.url))])
  .map((path) => readKatFile(path) as KatFile)
  .filter((file) => file.op in own);

describe.each([await loadMclCurve(), nobleCurve])("known answers of record sharing on $name", (curve) => {
  it("has a file for every operation", () => {
    expect(new Set(files.map((file) => file.op))).toEqual(new Set(Object.keys(own)));
  });

  for (const { op, cases } of files) {
    it.each(cases)(`${op}: $name`, async (testCase) => {
      expect(await runKatCase(curve, op, testCase)).toEqual({ outcome: "passed" });
    });
  }
});
