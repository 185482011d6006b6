import { codeOf, utf8 } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { encodeScope, PURPOSES, purposeOf } from "../../src/index.js";

describe("the scope of a grant", () => {
  it.each(Object.keys(PURPOSES))("says %s and is read back", (purpose) => {
    expect(purposeOf(encodeScope(purpose))).toBe(purpose);
  });

  it.each(["", "treat", "TREAT ", "A".repeat(65), "ÄRZTE"])(
    "is refused for a purpose such as %j",
    (purpose) => {
      const attempt = (): string => {
        try {
          return `${encodeScope(purpose).length} bytes`;
        } catch (error) {
          return codeOf(error);
        }
      };
      expect(attempt()).toBe("GRANT_BAD_SCOPE");
    },
  );

  it("of another format says nothing", () => {
    expect(purposeOf(utf8("something else"))).toBe("");
    expect(purposeOf(new Uint8Array(0))).toBe("");
  });
});
