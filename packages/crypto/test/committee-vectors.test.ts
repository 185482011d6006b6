import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { committeeOperations, type KatInput } from "../kat/ops-committee.js";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { codeOf } from "../src/errors.js";

interface KnownAnswerFile {
  readonly op: string;
  readonly cases: readonly {
    readonly name: string;
    readonly input: KatInput;
    readonly expected?: Readonly<Record<string, unknown>>;
    readonly error?: string;
  }[];
}

const VECTORS = new URL("../vectors/", import.meta.url);
const backends = [await loadMclCurve(), nobleCurve];
/** Of no use on a second backend: these touch no curve of BLS12-381, and scrypt takes its time. */
const CURVE_FREE = /^(ed25519|hpke|payload|keystore)_/;

function knownAnswerFiles(folder: string): KnownAnswerFile[] {
  const names = readdirSync(new URL(`${folder}/`, VECTORS)).filter((name) => name.endsWith(".json"));
  return names
    .map((name) => JSON.parse(readFileSync(new URL(`${folder}/${name}`, VECTORS), "utf8")) as KnownAnswerFile)
    .filter((file) => file.op in committeeOperations);
}

async function answerOf(action: () => unknown): Promise<unknown> {
  try {
    return { expected: await action() };
  } catch (error) {
    if (codeOf(error) === "INTERNAL") throw error;
    return { error: codeOf(error) };
  }
}

describe.each(backends)("known answers on $name", (curve) => {
  describe.each(["public", "external"])("%s", (folder) => {
    for (const { op, cases } of knownAnswerFiles(folder)) {
      if (curve === nobleCurve && CURVE_FREE.test(op)) continue;
      it.each(cases)(`${op}: $name`, async ({ input, expected, error }) => {
        const answer = await answerOf(() => committeeOperations[op]!(curve, input));
        expect(answer).toMatchObject(error === undefined ? { expected } : { error });
      });
    }
  });
});
