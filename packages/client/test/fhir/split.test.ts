import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, sha256, toHex, utf8 } from "@consilium/crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeContainer, encodeContainer, readBundle, splitBundle } from "../../src/index.js";

const fixture = readFileSync(new URL("../../fixtures/synthetic-bundle.json", import.meta.url));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Every resource of the bundle stands in exactly one record, with the bytes it has in the file. */
function expectFaithful(file: Uint8Array): void {
  const { records } = splitBundle(file);
  const inRecords = records.flatMap(({ plaintext }) =>
    decodeContainer(plaintext).items.map(({ bytes }) => toHex(sha256(bytes))),
  );
  const inFile = readBundle(file).resources.map(({ bytes }) => toHex(sha256(bytes)));
  expect(inRecords.sort()).toEqual(inFile.sort());
}

describe("the synthetic bundle", () => {
  it("is marked as synthetic in every resource", () => {
    const { resources } = readBundle(fixture);
    expect(resources.length).toBeGreaterThanOrEqual(20);
    for (const { bytes } of resources) expect(text(bytes)).toContain('"code": "HTEST"');
  });

  it("splits into these records", () => {
    const { records } = splitBundle(fixture);
    expect(records.map(({ type, resourceCount }) => `${type} ${resourceCount}`)).toMatchInlineSnapshot(`
      [
        "demographics 1",
        "allergy 1",
        "problem 2",
        "medication 2",
        "immunization 2",
        "laboratory 9",
        "vital-signs 3",
        "imaging 2",
        "procedure 1",
        "encounter 2",
        "assessment 1",
        "social-history 1",
        "care-plan 1",
        "billing 1",
        "mental-health 2",
        "other 2",
      ]
    `);
  });

  it("keeps 1.50, 7.0 and 6.30E+3 as they were written", () => {
    const laboratory = splitBundle(fixture).records.find(({ type }) => type === "laboratory")!;
    const plaintext = text(laboratory.plaintext);
    for (const number of ["1.50", "7.0", "142.00", "6.30E+3"])
      expect(plaintext).toContain(`"value": ${number},`);
  });

  it("loses and changes nothing", () => {
    expectFaithful(fixture);
  });

  it("splits into the same records each time", () => {
    expect(splitBundle(fixture)).toEqual(splitBundle(fixture));
  });
});

const sampleData = process.env.CONSILIUM_SAMPLE_DATA;
const samples =
  sampleData === undefined
    ? []
    : readdirSync(join(sampleData, "fhir-r4")).filter((name) => name.endsWith(".json"));
if (sampleData === undefined)
  console.warn("Skipped: real bundles; set CONSILIUM_SAMPLE_DATA to the folder that holds fhir-r4/.");

describe.skipIf(samples.length === 0)("bundles of other makers", () => {
  it.each(samples)("%s is split without losing or changing a byte", (name) => {
    const file = readFileSync(join(sampleData!, "fhir-r4", name));
    expectFaithful(file);
    const { records } = splitBundle(file);
    expect(records.map(({ type }) => type)).toContain("laboratory");
    expect(records.map(({ type }) => type)).not.toContain("genetics");
  });
});

describe("the record container", () => {
  const item = fc.record({
    fullUrl: fc.string({ unit: "binary" }),
    bytes: fc.uint8Array({ maxLength: 200 }),
  });
  const container = fc.record({
    catalogueVersion: fc.nat(65_535),
    type: fc.string(),
    items: fc.array(item, { maxLength: 6 }),
  });

  it("gives back what went in (property)", () => {
    fc.assert(
      fc.property(container, (value) => {
        const decoded = decodeContainer(encodeContainer(value));
        expect(decoded).toEqual({
          ...value,
          items: value.items.map(({ fullUrl, bytes }) => ({ fullUrl, bytes: Uint8Array.from(bytes) })),
        });
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it("has exactly the documented bytes", () => {
    const bytes = encodeContainer({
      catalogueVersion: 1,
      type: "x",
      items: [{ fullUrl: "u", bytes: utf8("{}") }],
    });
    expect(toHex(bytes)).toBe(`${toHex(utf8("CSR1"))}01000100017800000001000175000000027b7d`);
  });

  it("is refused when it is cut off, longer, or of another version", () => {
    const bytes = encodeContainer({
      catalogueVersion: 1,
      type: "x",
      items: [{ fullUrl: "", bytes: utf8("{}") }],
    });
    const codeOfDecoding = (value: Uint8Array): string => {
      try {
        decodeContainer(value);
        return "read";
      } catch (error) {
        return codeOf(error);
      }
    };
    for (let end = 0; end < bytes.length; end++) {
      expect(codeOfDecoding(bytes.subarray(0, end))).toMatch(/^(BAD_LENGTH|CONTAINER_UNKNOWN)$/);
    }
    expect(codeOfDecoding(Uint8Array.of(...bytes, 0))).toBe("BAD_LENGTH");
    const other = bytes.slice();
    other[4] = 2;
    expect(codeOfDecoding(other)).toBe("CONTAINER_UNKNOWN");
  });
});
