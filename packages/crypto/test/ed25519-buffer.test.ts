import { describe, expect, it } from "vitest";
import { ed25519PublicKey, ed25519Sign, ed25519Verify, utf8 } from "../src/index.js";

describe("Ed25519 on Node Buffers", () => {
  it("leaves the caller's signature as it was, also where the second byte of R is 0xff", () => {
    const secret = new Uint8Array(32).fill(7);
    const key = ed25519PublicKey(secret);
    let counter = 0;
    let signature = ed25519Sign(secret, utf8("0"));
    // About one signature in 512 has such an R with its sign bit set.
    while (signature[1] !== 0xff || signature[31]! < 0x80)
      signature = ed25519Sign(secret, utf8(`${++counter}`));
    const buffer = Buffer.from(signature);
    expect(ed25519Verify(key, utf8(`${counter}`), buffer)).toBe(true);
    expect(new Uint8Array(buffer)).toEqual(signature);
  });
});
