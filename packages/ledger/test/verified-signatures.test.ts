import { type Ed25519Backend, installEd25519Backend, nobleEd25519Backend, utf8 } from "@consilium/crypto";
import { afterEach, describe, expect, it } from "vitest";
import { ed25519Check, VerifiedSignatures } from "../src/verified-signatures.js";
import { Actor } from "./support/actors.js";

afterEach(() => installEd25519Backend());

function countVerifications(): { count: number } {
  const counter = { count: 0 };
  const counting: Ed25519Backend = {
    ...nobleEd25519Backend,
    verify: (...input) => {
      counter.count++;
      return nobleEd25519Backend.verify(...input);
    },
  };
  installEd25519Backend(counting);
  return counter;
}

describe("verified signatures", () => {
  const signer = new Actor("signer");
  const [message, other] = [utf8("message"), utf8("other")];
  const signature = signer.sign(message);

  it("are verified once", () => {
    const counter = countVerifications();
    const signatures = new VerifiedSignatures();
    expect(signatures.verify(signer.key, message, signature)).toBe(true);
    expect(signatures.verify(signer.key, message, signature)).toBe(true);
    expect(counter.count).toBe(1);
  });

  it("say nothing about another message, key or signature", () => {
    const signatures = new VerifiedSignatures();
    expect(signatures.verify(signer.key, message, signature)).toBe(true);
    expect(signatures.verify(signer.key, other, signature)).toBe(false);
    expect(signatures.verify(new Actor("another").key, message, signature)).toBe(false);
    expect(signatures.verify(signer.key, message, signer.sign(other))).toBe(false);
  });

  it("forget the oldest above their limit, and nothing that did not hold is kept", () => {
    const counter = countVerifications();
    const signatures = new VerifiedSignatures(ed25519Check, 1);
    signatures.verify(signer.key, other, signature);
    signatures.verify(signer.key, message, signature);
    signatures.verify(signer.key, other, signer.sign(other));
    signatures.verify(signer.key, message, signature);
    expect(counter.count).toBe(4);
  });
});
