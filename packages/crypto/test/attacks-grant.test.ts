import { beforeAll, describe, expect, it } from "vitest";
import { bigintFromBytes } from "../src/bytes.js";
import { decodeG1 } from "../src/curve/encoding.js";
import { judgeGrant, openGrant } from "../src/grant.js";
import { type GrantTerms, parseGrant } from "../src/grant-terms.js";
import { emergencyIdentity, userIdentity } from "../src/identity.js";
import { recoverKey } from "../src/recover.js";
import { x25519CheckKey } from "../src/x25519.js";
import {
  codeFor,
  curve,
  expectCode,
  flipped,
  INFINITY_G1,
  INFINITY_G2,
  OUTSIDE_G1,
  OUTSIDE_G2,
  plus,
  replaced,
} from "./support/attacks.js";
import { seed, World } from "./support/world.js";

/** Offsets in a body with both wraps: M, Y2, flag, C0, masked σ, masked X1, enc, C2, note. */
const AT = { m: 0, y2: 48, c0: 145, c1End: 305, c2: 337, note: 387 } as const;

const world = new World(curve, curve);
let terms: GrantTerms;
let body: Uint8Array;
let userKey: Uint8Array;

beforeAll(async () => {
  terms = world.grantTerms(await world.register());
  body = await world.grant(terms);
  userKey = await world.extract(userIdentity(world.uid));
});

const open = (changes: object = {}) =>
  openGrant(curve, { terms, body, userKey, recipientSecret: world.recipientSecret, ...changes });
const shiftedBody = () => replaced(body, AT.m, plus(curve.g1, body.slice(0, 48), curve.g1.generator));

describe("a grant", () => {
  it("is refused when its masked key is shifted", async () => {
    expect(await codeFor(() => open({ body: shiftedBody() }))).toBe("GRANT_BAD_EQUATION");
  });

  it("is refused under another context, with the wrap of another grant, and by another clinician", async () => {
    const other = await world.grant(terms, "another grant");
    const otherKey = await world.extract(userIdentity(seed("another clinician")));
    await expectCode("GRANT_BAD_WRAP", {
      expiry: () => open({ terms: { ...terms, expiryMs: 10_000 } }),
      "grant id": () => open({ terms: { ...terms, gid: seed("another gid") } }),
      "wrap of another grant for other terms": () =>
        open({
          terms: { ...terms, gid: seed("gid") },
          body: replaced(body, AT.c0, other.slice(AT.c0, AT.c1End)),
        }),
      "other clinician": () => open({ userKey: otherKey }),
      "one bit of the wrap": () => open({ body: flipped(body, AT.c1End - 1) }),
    });
    const spliced = replaced(body, AT.c0, other.slice(AT.c0, AT.c1End));
    expect(await codeFor(() => open({ body: spliced }))).toBe("HPKE_OPEN_FAILED");
  });

  it("is refused with one bit changed in the HPKE part or in the note", async () => {
    expect(await codeFor(() => open({ body: flipped(body, AT.c2) }))).toBe("HPKE_OPEN_FAILED");
    expect(await codeFor(() => open({ body: flipped(body, AT.note) }))).toBe("GRANT_BAD_NOTE");
  });

  it("cannot be downgraded: the flag is one exactly when the recipient has a key", async () => {
    const bare = world.grantTerms(terms.ownerKey, { recipientKey: new Uint8Array(32) });
    const bareBody = await world.grant(bare);
    expect(await codeFor(() => parseGrant(curve, { terms, body: bareBody }))).toBe("GRANT_BAD_FLAG");
    expect(await codeFor(() => parseGrant(curve, { terms: bare, body }))).toBe("GRANT_BAD_FLAG");
    expect(openGrant(curve, { terms: bare, body: bareBody, userKey }).identity).toEqual(world.identity());
    expect(
      await codeFor(() => parseGrant(curve, { terms, body: replaced(body, 144, Uint8Array.of(2)) })),
    ).toBe("BAD_ENCODING");
  });

  it("is refused by every node with bad points in each field, or bytes missing or left over", async () => {
    const parse = (bytes: Uint8Array) => () => parseGrant(curve, { terms, body: bytes });
    await expectCode("NOT_IN_SUBGROUP", {
      M: parse(replaced(body, AT.m, OUTSIDE_G1)),
      Y2: parse(replaced(body, AT.y2, OUTSIDE_G2)),
      C0: parse(replaced(body, AT.c0, OUTSIDE_G2)),
    });
    await expectCode("IDENTITY_POINT", {
      M: parse(replaced(body, AT.m, INFINITY_G1)),
      Y2: parse(replaced(body, AT.y2, INFINITY_G2)),
      C0: parse(replaced(body, AT.c0, INFINITY_G2)),
    });
    await expectCode("BAD_LENGTH", {
      short: parse(body.slice(0, -1)),
      long: parse(Uint8Array.from([...body, 0])),
      empty: parse(new Uint8Array()),
    });
  });

  it("with the recipient's X25519 key stays shut for a quorum of key centres", async () => {
    expect(await codeFor(() => open({ recipientSecret: seed("key centres") }))).toBe("HPKE_OPEN_FAILED");
  });

  it("for an emergency opens with the key of that grant alone", async () => {
    const emergency = world.grantTerms(terms.ownerKey, { emergency: true });
    const emergencyBody = await world.grant(emergency, "emergency");
    const right = await world.extract(emergencyIdentity(world.uid, emergency.gid));
    const other = await world.extract(emergencyIdentity(world.uid, seed("another grant")));
    const openWith = (key: Uint8Array) => open({ terms: emergency, body: emergencyBody, userKey: key });
    expect(openWith(right).identity).toEqual(world.identity());
    expect(await codeFor(() => openWith(other))).toBe("GRANT_BAD_WRAP");
    expect(await codeFor(() => openWith(userKey))).toBe("GRANT_BAD_WRAP");
  });

  it("is not made for a label that is not that of its identity and salt", async () => {
    const wrong = world.grantTerms(terms.ownerKey, { label: seed("another label") });
    await expect(world.grant(wrong)).rejects.toMatchObject({ code: "GRANT_LABEL" });
  });

  it("is not made to a registered key of low order, which a node refuses to register as well", async () => {
    const lowOrder = Uint8Array.of(1, ...new Uint8Array(31));
    const wrong = world.grantTerms(terms.ownerKey, { recipientKey: lowOrder });
    await expect(world.grant(wrong)).rejects.toMatchObject({ code: "HPKE_BAD_KEY" });
    expect(await codeFor(() => x25519CheckKey(lowOrder))).toBe("REQ_BAD_KEY");
  });
});

describe("a judge of grants", () => {
  const accuse = (changes: object = {}) => {
    const { sigma, x1, sharedSecret } = open();
    return judgeGrant(curve, {
      terms,
      groupKey: world.groupKey,
      body,
      sigma,
      x1,
      sharedSecret: sharedSecret!,
      ...changes,
    });
  };

  it("upholds blame of a grant that does not hold its equation or whose note does not open", () => {
    expect(accuse({ body: shiftedBody() })).toBe("BLAME_UPHELD");
    expect(accuse({ body: flipped(body, AT.note) })).toBe("BLAME_UPHELD");
  });

  it("rejects blame of a good grant", () => {
    expect(accuse()).toBe("BLAME_REJECTED");
  });

  it("takes nothing for proven from made-up or missing openings", () => {
    expect(accuse({ sigma: seed("made up") })).toBe("BLAME_UNPROVEN");
    expect(accuse({ x1: seed("made up") })).toBe("BLAME_UNPROVEN");
    expect(accuse({ sharedSecret: seed("made up") })).toBe("BLAME_UNPROVEN");
    expect(accuse({ sharedSecret: undefined })).toBe("BLAME_UNPROVEN");
  });

  it("does not hold an owner to malformed public terms", async () => {
    const malformed = { ...terms, proxyKey: INFINITY_G1 };
    expect(await codeFor(() => accuse({ terms: malformed }))).toBe("IDENTITY_POINT");
  });
});

describe("HAZARD: a public W_r", () => {
  it("opens its record for a revoked grant on the same label, which is why it never leaves the sealed path", async () => {
    const record = await world.seal(1, terms.ownerKey);
    const revoked = { ...open(), ownerKey: terms.ownerKey };
    const u1 = decodeG1(curve, record.capsule.slice(0, 48));
    const combined = curve.g1.toBytes(curve.g1.multiply(u1, bigintFromBytes(world.proxies.secret)));
    expect(recoverKey(curve, { ...record, grant: revoked, combined })).toEqual(record.key);
  });
});
