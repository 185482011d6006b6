import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, concat, toHex, u8, u16, u32, u64 } from "../src/index.js";

const codeOfThrown = (encode: () => unknown): string => {
  try {
    encode();
    return "none";
  } catch (error) {
    return codeOf(error);
  }
};

describe("unsigned integers", () => {
  it("are big-endian", () => {
    expect(toHex(concat(u8(1), u16(0x0102), u32(0x01020304)))).toBe("01010201020304");
    expect(toHex(u64(0x0102030405))).toBe("0000000102030405");
    expect(toHex(u64(0x0102030405060708n))).toBe("0102030405060708");
  });

  it("are the same bytes from a number and from a big integer", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(u64(value)).toEqual(u64(BigInt(value)));
      }),
    );
    expect(u64(0)).toEqual(new Uint8Array(8));
  });

  it.each<[string, () => unknown]>([
    ["a byte of 256", () => u8(256)],
    ["two bytes of 65536", () => u16(65_536)],
    ["four bytes of 2^32", () => u32(2 ** 32)],
    ["eight bytes of 2^64", () => u64(2n ** 64n)],
    ["a number that is not exact", () => u64(2 ** 53)],
    ["a negative number", () => u32(-1)],
    ["a negative big integer", () => u64(-1n)],
    ["a fraction", () => u8(0.5)],
  ])("refuse %s", (_, encode) => {
    expect(codeOfThrown(encode)).toBe("BAD_ENCODING");
  });

  it("take the greatest of their size", () => {
    expect(toHex(concat(u8(255), u16(65_535), u32(2 ** 32 - 1), u64(2n ** 64n - 1n)))).toBe("ff".repeat(15));
    expect(toHex(u64(Number.MAX_SAFE_INTEGER))).toBe("001fffffffffffff");
  });
});
