import {
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  installEd25519Backend,
  installSha256Backend,
  installX25519Backend,
  nobleX25519Backend,
  x25519PublicKey,
  x25519SharedSecret,
} from "@consilium/crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installNativeCrypto, secureRandom } from "../../src/keys/index.js";

describe("Node's own curves behind the ports of the crypto package", () => {
  beforeAll(() => installNativeCrypto());
  afterAll(() => {
    installEd25519Backend();
    installX25519Backend();
    installSha256Backend();
  });

  it("agrees with the portable X25519 on keys and results", () => {
    for (let round = 0; round < 8; round++) {
      const [own, other] = [secureRandom.bytes(32), secureRandom.bytes(32)];
      const otherPublic = nobleX25519Backend.publicKey(other);
      expect(x25519PublicKey(other)).toEqual(otherPublic);
      expect(x25519SharedSecret(own, otherPublic)).toEqual(nobleX25519Backend.sharedSecret(own, otherPublic));
    }
  });

  it("gives no all-zero X25519 result", () => {
    expect(x25519SharedSecret(secureRandom.bytes(32), new Uint8Array(32))).toBeUndefined();
  });

  it("signs and verifies as the portable Ed25519 does", async () => {
    const secret = secureRandom.bytes(32);
    const message = secureRandom.bytes(100);
    const native = ed25519Sign(secret, message);
    installEd25519Backend();
    expect(ed25519Sign(secret, message)).toEqual(native);
    expect(ed25519Verify(ed25519PublicKey(secret), message, native)).toBe(true);
    await installNativeCrypto();
    expect(ed25519Verify(ed25519PublicKey(secret), message, native)).toBe(true);
    native[0]! ^= 1;
    expect(ed25519Verify(ed25519PublicKey(secret), message, native)).toBe(false);
  });
});
