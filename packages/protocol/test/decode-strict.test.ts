import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import {
  AccessOpen,
  Block,
  BlocksRequest,
  BodyChunkRequest,
  bytesUpTo,
  Certificate,
  decodeStrict,
  ExtractRequest,
  GrantCreate,
  IdentityRegister,
  ListCompositeType,
  RecordIndex,
  RecordPut,
  SignedTransaction,
  TransactionBatch,
  U16,
  U64,
} from "../src/index.js";

const refusalOf = (act: () => unknown): string => {
  try {
    act();
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
};

const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

describe("decodeStrict", () => {
  it("takes counters up to 2^53 - 1 and refuses every larger one, also those that a double holds exactly", () => {
    expect(decodeStrict(U64, u64(2n ** 53n - 1n), "counter")).toBe(Number.MAX_SAFE_INTEGER);
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 60n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(refusalOf(() => decodeStrict(U64, u64(value), "counter"))).toBe("BAD_ENCODING");
    }
  });

  it("refuses missing and extra bytes", () => {
    const bytes = BlocksRequest.serialize({ fromHeight: 7, count: 3 });
    expect(decodeStrict(BlocksRequest, bytes, "request")).toEqual({ fromHeight: 7, count: 3 });
    expect(refusalOf(() => decodeStrict(BlocksRequest, bytes.slice(0, -1), "request"))).toBe("BAD_ENCODING");
    expect(refusalOf(() => decodeStrict(BlocksRequest, Uint8Array.of(...bytes, 0), "request"))).toBe(
      "BAD_ENCODING",
    );
  });

  it("refuses lists and byte strings above their limit", () => {
    expect(refusalOf(() => decodeStrict(bytesUpTo(4), new Uint8Array(5), "bytes"))).toBe("BAD_ENCODING");
    const list = new ListCompositeType(bytesUpTo(4), 2);
    const three = new ListCompositeType(bytesUpTo(4), 3).serialize([
      new Uint8Array(1),
      new Uint8Array(1),
      new Uint8Array(1),
    ]);
    expect(refusalOf(() => decodeStrict(list, three, "list"))).toBe("BAD_ENCODING");
  });

  it("refuses a byte string that is a view of a larger buffer just as it would on its own", () => {
    const buffer = Uint8Array.of(9, 9, 1, 0, 9, 9);
    expect(decodeStrict(U16, buffer.subarray(2, 4), "number")).toBe(1);
    expect(refusalOf(() => decodeStrict(U16, buffer.subarray(2, 5), "number"))).toBe("BAD_ENCODING");
  });

  it("gives random bytes back or the code, for every message that comes from outside, and nothing else", () => {
    const types = {
      ...{ SignedTransaction, Block, Certificate, TransactionBatch, IdentityRegister, RecordIndex },
      ...{ RecordPut, GrantCreate, AccessOpen, ExtractRequest, BodyChunkRequest },
    };
    let seed = 1;
    const next = (): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed >>> 24;
    };
    for (const [name, type] of Object.entries(types)) {
      for (let round = 0; round < 300; round++) {
        // Small numbers are likely offsets, so that many strings get past the first check of a container.
        const bytes = Uint8Array.from({ length: next() * 3 }, () => (next() < 100 ? next() % 8 : next()));
        const code = refusalOf(() => decodeStrict(type as never, bytes, name));
        expect(["accepted", "BAD_ENCODING"], name).toContain(code);
      }
    }
  });
});
