import { codeOf, ed25519PublicKey, ed25519Sign, ed25519Verify, utf8 } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import {
  checkBody,
  encodeSignatureParameters,
  fromBase64,
  type HttpMessage,
  parseSignature,
  parseSignatureInput,
  ReplayGuard,
  requestTarget,
  signatureBase,
  signRequest,
  verifyRequest,
} from "../../src/index.js";

const fromBase64Url = (text: string) => fromBase64(`${text.replaceAll("-", "+").replaceAll("_", "/")}=`)!;

describe("RFC 9421, Appendix B.2.6 (test-key-ed25519)", () => {
  const secret = fromBase64Url("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU");
  const key = fromBase64Url("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs");
  const message: HttpMessage = {
    method: "POST",
    authority: "example.com",
    path: "/foo",
    query: "?param=Value&Pet=dog",
    headers: {
      date: "Tue, 20 Apr 2021 02:07:55 GMT",
      "content-type": "application/json",
      "content-length": "18",
    },
  };
  const input =
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
  const field =
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";

  it("reads the fields of the example and verifies its signature", () => {
    const parsed = parseSignatureInput(input)!;
    expect(parsed.parameters).toEqual({
      components: ["date", "@method", "@path", "@authority", "content-type", "content-length"],
      created: 1618884473,
      keyId: "test-key-ed25519",
    });
    const base = signatureBase(message, parsed.parameters.components, parsed.raw);
    expect(base).toBe(
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
        '"content-type": application/json',
        '"content-length": 18',
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
      ].join("\n"),
    );
    expect(ed25519PublicKey(secret)).toEqual(key);
    expect(ed25519Verify(key, utf8(base), parseSignature(field, "sig-b26")!)).toBe(true);
  });

  it("writes the same parameters and makes the same signature", () => {
    const parsed = parseSignatureInput(input)!;
    const raw = encodeSignatureParameters(parsed.parameters);
    expect(`sig-b26=${raw}`).toBe(input);
    const base = signatureBase(message, parsed.parameters.components, raw);
    expect(ed25519Sign(secret, utf8(base))).toEqual(parseSignature(field, "sig-b26"));
  });
});

describe("signed requests", () => {
  const secret = new Uint8Array(32).fill(7);
  const signer = { keyId: "ab".repeat(32), sign: (bytes: Uint8Array) => ed25519Sign(secret, bytes) };
  const url = new URL("http://127.0.0.1:8101/v1/records?owner=aa");
  const body = utf8('{"count":3}');
  const nowMs = 1_700_000_000_500;
  const keyOf = (keyId: string) => (keyId === signer.keyId ? ed25519PublicKey(secret) : undefined);

  async function signed(change: Partial<HttpMessage> = {}, withBody = true) {
    const headers = await signRequest({
      method: "POST",
      url,
      ...(withBody ? { body } : {}),
      signer,
      random: new Uint8Array(16).fill(3),
      nowMs,
    });
    return { method: "POST", ...requestTarget(url), headers, ...change };
  }
  const verify = async (message: HttpMessage, more: object = {}) =>
    verifyRequest({ message, hasBody: true, nowMs, keyOf, ...more });
  const refusal = (promise: Promise<unknown>) => promise.then(() => "accepted", codeOf);

  it("verify on the other side and name their key", async () => {
    const verified = await verify(await signed());
    expect(verified.keyId).toBe(signer.keyId);
    expect(verified.nonce).toBe("03".repeat(16));
    expect(() => checkBody(verified, body)).not.toThrow();
  });

  it("verify without a body and without a query", async () => {
    const bare = new URL("http://h.example/v1/audit");
    const headers = await signRequest({
      method: "GET",
      url: bare,
      signer,
      random: new Uint8Array(16),
      nowMs,
    });
    const message = { method: "GET", ...requestTarget(bare), headers };
    expect(message.query).toBe("?");
    const verified = await verify(message, { hasBody: false });
    expect(verified.bodyDigest).toBeUndefined();
  });

  it.each([
    ["another method", { method: "PUT" }],
    ["another path", { path: "/v1/grants" }],
    ["another query", { query: "?owner=bb" }],
    ["another authority", { authority: "127.0.0.1:8102" }],
  ])("are refused for %s", async (_what, change) => {
    expect(await refusal(verify(await signed(change)))).toBe("AUTH_BAD_SIGNATURE");
  });

  it("are refused with another body", async () => {
    const verified = await verify(await signed());
    expect(() => checkBody(verified, utf8('{"count":4}'))).toThrow(
      expect.objectContaining({ code: "AUTH_BAD_DIGEST" }),
    );
  });

  it("are refused when a body came that the signature does not cover", async () => {
    expect(await refusal(verify(await signed({}, false)))).toBe("AUTH_BAD_SIGNATURE");
  });

  it("are refused with a changed content digest", async () => {
    const message = await signed();
    const other = {
      ...message,
      headers: { ...message.headers, "content-digest": `sha-256=:${"A".repeat(43)}=:` },
    };
    expect(await refusal(verify(other))).toBe("AUTH_BAD_SIGNATURE");
  });

  it("are refused 61 seconds later and 61 seconds earlier, and taken at the edge", async () => {
    const message = await signed();
    const createdMs = 1_700_000_000_000;
    expect(await refusal(verify(message, { nowMs: createdMs + 60_001 }))).toBe("AUTH_EXPIRED");
    expect(await refusal(verify(message, { nowMs: createdMs - 60_001 }))).toBe("AUTH_EXPIRED");
    expect(await refusal(verify(message, { nowMs: createdMs + 60_000 }))).toBe("accepted");
  });

  it("are refused for a key nobody registered", async () => {
    expect(await refusal(verify(await signed(), { keyOf: () => undefined }))).toBe("AUTH_UNKNOWN_KEY");
  });

  it("are refused when they were signed for another server", async () => {
    const isOwnAuthority = (authority: string) => authority === "127.0.0.1:9999";
    expect(await refusal(verify(await signed(), { isOwnAuthority }))).toBe("AUTH_WRONG_AUTHORITY");
  });

  it("are refused without their fields, or with two signatures", async () => {
    const message = await signed();
    expect(await refusal(verify({ ...message, headers: {} }))).toBe("AUTH_MISSING");
    const twice = `${message.headers["signature-input"]}, ${message.headers["signature-input"]}`;
    const doubled = { ...message, headers: { ...message.headers, "signature-input": twice } };
    expect(await refusal(verify(doubled))).toBe("AUTH_BAD_SIGNATURE");
  });

  it.each(["constructor", "tostring", "expires"])(
    "are refused with the parameter %s, which has no meaning here",
    (name) => {
      const known = '("@method");created=1;keyid="a"';
      expect(parseSignatureInput(`consilium=${known}`)?.parameters).toEqual({
        ...{ components: ["@method"], created: 1, keyId: "a" },
      });
      expect(parseSignatureInput(`consilium=${known};${name}="1"`)).toBeUndefined();
      expect(parseSignatureInput(`consilium=${known};keyid="b"`)).toBeUndefined();
    },
  );

  it("count once: the second use of a nonce is refused until its window has passed", async () => {
    const guard = new ReplayGuard();
    const verified = await verify(await signed());
    guard.claim(verified, nowMs);
    expect(() => guard.claim(verified, nowMs)).toThrow(expect.objectContaining({ code: "AUTH_REPLAYED" }));
    expect(() => guard.claim({ ...verified, keyId: "cd".repeat(32) }, nowMs)).not.toThrow();
  });

  it("are refused rather than forgotten when the guard is full", () => {
    const guard = new ReplayGuard(2);
    const request = (nonce: string) => ({ keyId: "k", nonce, expiresAtMs: 1_000 });
    guard.claim(request("1"), 0);
    guard.claim(request("2"), 0);
    expect(() => guard.claim(request("3"), 500)).toThrow(expect.objectContaining({ code: "BUSY" }));
    expect(() => guard.claim(request("3"), 1_001)).not.toThrow();
  });
});
