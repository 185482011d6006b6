import { codeOf, toHex, utf8 } from "@consilium/crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonScanner, readBundle } from "../../src/index.js";

const bundle = (entries: string, head = '"resourceType":"Bundle","type":"collection"') =>
  utf8(`{${head},"entry":[${entries}]}`);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const codeOfReading = (file: Uint8Array): string => {
  try {
    readBundle(file);
    return "read";
  } catch (error) {
    return codeOf(error);
  }
};

describe("readBundle", () => {
  it("keeps each resource exactly as it was written: numbers, escapes, spaces, order of keys", () => {
    const first = '{ "resourceType" : "Observation",\n\t"value":1.50, "low": 7.0,"big":1.0E+2,"z":-0.0 }';
    const second = '{"note":"\\u00e9\\/\\"}{\\\\", "resourceType":"Basic", "é":"\u{1f600}"}';
    const read = readBundle(bundle(` {"fullUrl":"urn:x:1","resource": ${first} } , {"resource":${second}}`));
    expect(read.resources.map(({ bytes }) => text(bytes))).toEqual([first, second]);
    expect(read.resources.map(({ fullUrl }) => fullUrl)).toEqual(["urn:x:1", ""]);
  });

  it.each(["transaction", "batch", "collection", "document"])("reads a bundle of type %s", (type) => {
    const file = bundle('{"resource":{"resourceType":"Basic"}}', `"resourceType":"Bundle","type":"${type}"`);
    expect(readBundle(file).type).toBe(type);
  });

  it("finds the entries wherever they stand and whatever else the bundle holds", () => {
    const file = utf8(
      '{"entry":[{"search":{"resource":{"resourceType":"No"}},"resource":{"resourceType":"Basic"}}],"signature":{"entry":[1]},"type":"batch","resourceType":"Bundle"}',
    );
    expect(readBundle(file).resources.map(({ fields }) => fields.resourceType)).toEqual(["Basic"]);
  });

  it("counts entries without a resource and skips a byte order mark", () => {
    const plain = bundle(
      '{"request":{"method":"DELETE","url":"Basic/1"}},{"resource":{"resourceType":"Basic"}}',
    );
    const marked = Uint8Array.of(0xef, 0xbb, 0xbf, ...plain);
    expect(readBundle(marked).entriesWithoutResource).toBe(1);
    expect(readBundle(marked).resources).toHaveLength(1);
  });

  it.each([
    ["BUNDLE_BAD_JSON", "{"],
    ["BUNDLE_BAD_JSON", ""],
    ["BUNDLE_BAD_JSON", '{"resourceType":"Bundle"} x'],
    ["BUNDLE_BAD_JSON", '{"a":01}'],
    ["BUNDLE_BAD_JSON", '{"a":1.}'],
    ["BUNDLE_BAD_JSON", '{"a":"\\x"}'],
    ["BUNDLE_BAD_JSON", '{"a":"\n"}'],
    ["BUNDLE_BAD_JSON", '{"a":[1,]}'],
    ["BUNDLE_BAD_JSON", '{"a":tru}'],
    ["BUNDLE_BAD_JSON", "{'a':1}"],
    ["BUNDLE_NOT_A_BUNDLE", "[]"],
    ["BUNDLE_NOT_A_BUNDLE", '{"resourceType":"Patient"}'],
    ["BUNDLE_BAD_TYPE", '{"resourceType":"Bundle","type":"searchset"}'],
    ["BUNDLE_BAD_TYPE", '{"resourceType":"Bundle"}'],
    ["BUNDLE_EMPTY", '{"resourceType":"Bundle","type":"batch"}'],
    ["BUNDLE_EMPTY", '{"resourceType":"Bundle","type":"batch","entry":[]}'],
    ["BUNDLE_BAD_ENTRY", '{"resourceType":"Bundle","type":"batch","entry":{}}'],
    ["BUNDLE_BAD_ENTRY", '{"resourceType":"Bundle","type":"batch","entry":[1]}'],
    ["BUNDLE_BAD_ENTRY", '{"resourceType":"Bundle","type":"batch","entry":[{"resource":{}}]}'],
    ["BUNDLE_BAD_ENTRY", '{"resourceType":"Bundle","type":"batch","entry":[{"resource":null}]}'],
    ["BUNDLE_DUPLICATE_KEY", '{"resourceType":"Bundle","resourceType":"Bundle"}'],
    ["BUNDLE_DUPLICATE_KEY", '{"a":{"b":1,"\\u0062":2}}'],
  ])("refuses with %s: %s", (code, file) => {
    expect(codeOfReading(utf8(file))).toBe(code);
  });

  it("refuses a bundle about two patients", () => {
    const patient = '{"resource":{"resourceType":"Patient"}}';
    expect(codeOfReading(bundle(`${patient},${patient}`))).toBe("BUNDLE_SEVERAL_PATIENTS");
  });

  it("refuses text that is not UTF-8, UTF-16 included", () => {
    expect(codeOfReading(Uint8Array.of(0x7b, 0x22, 0xc3, 0x22, 0x7d))).toBe("BUNDLE_NOT_UTF8");
    expect(codeOfReading(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0))).toBe("BUNDLE_NOT_UTF8");
  });

  it("reads 100 nested values and refuses the 101st and 100,000 alike", () => {
    const nested = (depth: number) => utf8("[".repeat(depth) + "]".repeat(depth));
    expect(codeOfReading(nested(100))).toBe("BUNDLE_NOT_A_BUNDLE");
    expect(codeOfReading(nested(101))).toBe("BUNDLE_TOO_DEEP");
    expect(codeOfReading(nested(100_000))).toBe("BUNDLE_TOO_DEEP");
  });
});

describe("JsonScanner", () => {
  it("finds any JSON value byte for byte between other bytes (property)", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom("", " ", "\n\t", "\r\n"), (json, space) => {
        const value = JSON.stringify(JSON.parse(json), undefined, space.length);
        const file = utf8(`${space}${value}${space},`);
        const { from, to } = new JsonScanner(file).skipValue();
        expect(toHex(file.subarray(from, to))).toBe(toHex(utf8(value)));
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it("keeps random resources byte for byte, whatever they hold (property)", () => {
    const resource = fc
      .tuple(
        fc.json({ maxDepth: 4, stringUnit: "binary" }),
        fc.constantFrom("1.50", "7.0", "-0.0", "6.30E+3"),
      )
      .map(([extra, number]) => `{"x":${extra} ,"n": ${number},"resourceType":"Basic"}`);
    fc.assert(
      fc.property(fc.array(resource, { minLength: 1, maxLength: 5 }), (resources) => {
        const read = readBundle(bundle(resources.map((each) => `{"resource":${each}}`).join(" , ")));
        expect(read.resources.map(({ bytes }) => text(bytes))).toEqual(resources);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it("accepts exactly what JSON.parse accepts, for texts with one byte changed (property)", () => {
    const changed = fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom(...'{}[]:,"\\0.e-+tn x'));
    fc.assert(
      fc.property(changed, ([json, position, character]) => {
        const at = position % (json.length + 1);
        const damaged = json.slice(0, at) + character + json.slice(at + 1);
        const scan = () => {
          const scanner = new JsonScanner(utf8(damaged));
          scanner.skipValue();
          scanner.end();
        };
        const verdict = (action: () => unknown): string => {
          try {
            action();
            return "well formed";
          } catch (error) {
            return codeOf(error) === "BUNDLE_DUPLICATE_KEY" ? "well formed" : "refused";
          }
        };
        // A repeated key stops the scanner early, so what follows is not judged.
        const scanned = verdict(scan);
        fc.pre(!hasDuplicateKey(damaged));
        expect(scanned).toBe(verdict(() => JSON.parse(damaged)));
      }),
      { numRuns: 1_000, seed: 13 },
    );
  });
});

function hasDuplicateKey(json: string): boolean {
  try {
    new JsonScanner(utf8(json)).skipValue();
    return false;
  } catch (error) {
    return codeOf(error) === "BUNDLE_DUPLICATE_KEY";
  }
}
