import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { parseManifest } from "../src/manifest/load.js";
import { manifestText, randomManifest } from "../src/manifest/random.js";
import { planOf, turnsOf } from "../src/plan/plan.js";

const base = "name: a\nvalidators: 4\nfullNodes: 1\ndurationSeconds: 60\n";

/** The code and sentence of a manifest that is refused. */
function refusalOf(text: string): { readonly code: string; readonly message: string } {
  try {
    parseManifest(text, "a.yml");
  } catch (error) {
    return { code: codeOf(error), message: (error as Error).message };
  }
  throw new Error("the manifest was taken");
}

const withAct = (act: string) => `${base}perturbations:\n  - ${act}\n`;

describe("a manifest", () => {
  it("fills in what is left out", () => {
    const manifest = parseManifest(base, "a.yml");
    expect(manifest).toMatchObject({ seed: 1, resumeWithinSeconds: 60, perturbations: [], late: {} });
    expect(manifest.load).toEqual({ transactionsPerSecond: 2, kinds: { register: 1, request: 2 } });
  });

  it.each([
    ["names: a", "MANIFEST_UNKNOWN_KEY", /"names".*line 5/],
    ["load: { perSecond: 3 }", "MANIFEST_UNKNOWN_KEY", /"load\.perSecond".*line 5/],
    ["seed: [", "MANIFEST_BAD_YAML", /line/],
    ["links: { lossPercent: 101 }", "MANIFEST_BAD_VALUE", /links\.lossPercent.*at most 100.*line 5/],
    ["late: { full-2: 3 }", "MANIFEST_UNKNOWN_NODE", /full-2/],
    ["chain: { ceremonyWindowHeights: 10 }", "MANIFEST_BAD_VALUE", /windows of 20 heights/],
  ])("refuses %s with %s and says where", (line, code, sentence) => {
    const refusal = refusalOf(`${base}${line}\n`);
    expect(refusal.code).toBe(code);
    expect(refusal.message).toMatch(sentence);
  });

  it("names the key that is missing", () => {
    expect(refusalOf("name: a\nvalidators: 4\n")).toMatchObject({ code: "MANIFEST_MISSING_KEY" });
  });

  it.each([
    ["{ act: melt, at: 1, for: 1, nodes: [validator-1] }", "MANIFEST_BAD_VALUE"],
    ["{ act: kill, at: 1, for: 1, nodes: [] }", "MANIFEST_BAD_VALUE"],
    ["{ act: kill, at: 1, for: 1, nodes: [validator-5] }", "MANIFEST_UNKNOWN_NODE"],
    ["{ act: kill, at: 55, for: 6, nodes: [validator-1] }", "MANIFEST_TOO_LATE"],
    ["{ act: rolling, at: 1, for: 14 }", "MANIFEST_TOO_LATE"],
    ["{ act: wipe, at: 1, for: 1, nodes: [validator-1, validator-2] }", "MANIFEST_TOO_MANY_FAULTS"],
  ])("refuses the perturbation %s with %s", (act, code) => {
    expect(refusalOf(withAct(act)).code).toBe(code);
  });

  it("refuses two perturbations that stop the same process at once, and takes them one after the other", () => {
    const first = "{ act: kill, at: 1, for: 5, nodes: [validator-1] }";
    const second = (at: number) => `{ act: pause, at: ${at}, for: 2, nodes: [validator-1] }`;
    expect(refusalOf(withAct(`${first}\n  - ${second(4)}`)).code).toBe("MANIFEST_OVERLAP");
    expect(parseManifest(withAct(`${first}\n  - ${second(6)}`), "a.yml").perturbations).toHaveLength(2);
  });
});

describe("the plan", () => {
  it("undoes before it begins at the same moment", () => {
    const text = withAct(
      "{ act: kill, at: 6, for: 2, nodes: [validator-1] }\n  - { act: pause, at: 1, for: 5, nodes: [validator-1] }",
    );
    const steps = planOf(parseManifest(text, "a.yml")).map(
      ({ atMs, phase, act }) => `${atMs} ${phase} ${act.act}`,
    );
    expect(steps).toEqual(["1000 begin pause", "6000 end pause", "6000 begin kill", "8000 end kill"]);
  });

  it("rolls over all nodes, one after the other", () => {
    const manifest = parseManifest(withAct("{ act: rolling, at: 2, for: 4 }"), "a.yml");
    const turns = turnsOf(manifest).map(({ node, fromMs, toMs }) => `${node} ${fromMs}-${toMs}`);
    expect(turns).toEqual([
      "validator-1 2000-4000",
      "validator-2 6000-8000",
      "validator-3 10000-12000",
      "validator-4 14000-16000",
      "full-1 18000-20000",
    ]);
  });
});

describe("a random manifest", () => {
  const seeds = Array.from({ length: 40 }, (_, index) => index);

  it("is the same for the same seed, and another for another", () => {
    const texts = seeds.map((seed) => manifestText(randomManifest({ seed, durationSeconds: 600 })));
    const again = seeds.map((seed) => manifestText(randomManifest({ seed, durationSeconds: 600 })));
    expect(again).toEqual(texts);
    expect(new Set(texts).size).toBe(seeds.length);
  });

  it("is taken by the checks that manifests of people pass, and reads back from its own text", () => {
    for (const seed of seeds) {
      const manifest = randomManifest({ seed, durationSeconds: 600 });
      expect(parseManifest(manifestText(manifest), `${seed}.yml`)).toEqual(manifest);
    }
  });

  it("draws every kind of perturbation sooner or later", () => {
    const acts = seeds.flatMap((seed) =>
      randomManifest({ seed, durationSeconds: 600 }).perturbations.map(({ act }) => act),
    );
    const all = ["kill", "restart", "pause", "wipe", "disconnect", "partition", "slow", "skew", "rolling"];
    expect([...new Set(acts)].sort()).toEqual(all.sort());
  });
});
