import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { fullId, idFromPrefix, typeFromPrefix } from "../../src/cli/user/prefixes.js";

const FIRST = `abcd12${"0".repeat(58)}`;
const SECOND = `abcd34${"0".repeat(58)}`;

function codeOfThrown(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return codeOf(error);
  }
  return "nothing was thrown";
}

describe("ids on the command line", () => {
  it("completes a prefix that only one id has, in either case", () => {
    expect(idFromPrefix("ABCD1", [FIRST, SECOND], "grant")).toBe(FIRST);
    expect(idFromPrefix("abcd1", [FIRST, FIRST], "grant")).toBe(FIRST);
  });

  it("takes a whole id that no list holds", () => {
    expect(idFromPrefix(SECOND, [], "grant")).toBe(SECOND);
  });

  it("refuses a prefix that several ids have, or none", () => {
    expect(codeOfThrown(() => idFromPrefix("abcd", [FIRST, SECOND], "grant"))).toBe("ID_AMBIGUOUS");
    expect(codeOfThrown(() => idFromPrefix("beef", [FIRST, SECOND], "grant"))).toBe("ID_UNKNOWN");
  });

  it("refuses what is too short, too long or not hex as wrong usage", () => {
    for (const text of ["", "abc", "xyz1", `${FIRST}0`]) {
      expect(codeOfThrown(() => idFromPrefix(text, [FIRST], "grant"))).toBe("USAGE");
    }
  });

  it("wants an account whole where nothing can complete it", () => {
    expect(fullId(FIRST.toUpperCase(), "--owner")).toBe(FIRST);
    expect(codeOfThrown(() => fullId("abcd12", "--owner"))).toBe("USAGE");
  });
});

describe("types on the command line", () => {
  it("completes a beginning that only one type has", () => {
    expect(typeFromPrefix("lab")).toBe("laboratory");
    expect(typeFromPrefix("Mental")).toBe("mental-health");
  });

  it("names the candidates of an ambiguous beginning, and all types for an unknown one", () => {
    expect(() => typeFromPrefix("im")).toThrow("immunization or imaging");
    expect(() => typeFromPrefix("labs")).toThrow("laboratory");
    expect(codeOfThrown(() => typeFromPrefix(""))).toBe("USAGE");
  });
});
