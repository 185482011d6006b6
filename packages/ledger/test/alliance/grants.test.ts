import { grantId, grantSigningBytes, toHex, utf8 } from "@consilium/crypto";
import { type GrantCreate, GrantScope, Purpose, Role } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { queries } from "../../src/index.js";
import type { TestChain } from "../support/chain.js";
import { addGrant, makeWorld, Person, type World } from "../support/people.js";

let world: World;
let chain: TestChain;

beforeAll(async () => {
  world = await makeWorld();
  chain = world.chain;
});

const scope = (overrides: Partial<GrantScope>): Uint8Array =>
  GrantScope.serialize({ version: 1, flags: 0, purpose: utf8("TREAT"), ...overrides });

describe("grant/create", () => {
  it("stores the grant for both sides, with what its context binds", async () => {
    const gid = await addGrant(world, world.owner, world.clinician);
    const grant = queries.grant(chain.state, gid)!;
    expect(grant.owner).toEqual(world.owner.id);
    expect(grant.pi).toEqual(queries.ownerKey(chain.state, world.owner.id, 1, 1));
    expect(grant.z).toEqual(queries.publicKeyOf(chain.state, Purpose.proxy, 1));
    expect(queries.grantsOfOwner(chain.state, world.owner.id).map((each) => toHex(each.grantId))).toEqual([
      toHex(gid),
    ]);
    expect(queries.grantsOfRecipient(chain.state, world.clinician.id)).toHaveLength(1);
    expect(queries.nextNonces(chain.state, world.owner.id).grant).toBe(1);
  });

  it("refuses a grant by a recipient, who owns no key", async () => {
    const payload = world.owner.grant(world, world.clinician);
    expect(await chain.refused(world.otherClinician.sendGrant(payload))).toBe("GRANT_NOT_OWNER");
  });

  it("refuses the owner's own grant posted by another owner", async () => {
    const payload = world.owner.grant(world, world.otherClinician);
    expect(await chain.refused(world.otherOwner.sendGrant(payload))).toBe("SIG_INVALID");
  });

  it("refuses a grant shifted by a multiple of the proxies' key and passed on by its recipient", async () => {
    const gid = await addGrant(world, world.owner, world.clinician);
    const { curve } = chain;
    const { body, grantId: _gid, ...grant } = queries.grant(chain.state, gid)!;
    const shift = curve.g1.multiply(curve.g1.fromCheckedBytes(grant.z)!, 5n);
    const shifted = body.slice();
    shifted.set(curve.g1.toBytes(curve.g1.add(curve.g1.fromCheckedBytes(body.slice(0, 48))!, shift)));
    const payload: GrantCreate = { ...grant, grantNonce: 0, body: shifted };
    expect(await chain.refused(world.clinician.sendGrant(payload))).toBe("GRANT_NOT_OWNER");
  });

  it("refuses a number of the owner's keys that it never had", async () => {
    const custodial = world.custodialOwner.grant(world, world.clinician);
    expect(await chain.refused(world.custodialOwner.sendGrant({ ...custodial, ownerKeyNo: 1 }))).toBe(
      "GRANT_NOT_OWNER",
    );
    const owned = world.owner.grant(world, world.clinician);
    expect(await chain.refused(world.owner.sendGrant({ ...owned, ownerKeyNo: 0 }))).toBe("GRANT_NOT_OWNER");
  });

  it("refuses a grant nonce that was passed", async () => {
    const payload = world.owner.grant(world, world.clinician, { grantNonce: 50 });
    expect(await chain.send(world.owner.sendGrant(payload))).toBe("OK");
    for (const grantNonce of [50, 49]) {
      const again = world.owner.grant(world, world.clinician, { grantNonce });
      expect(await chain.refused(world.owner.sendGrant(again))).toBe("GRANT_NOT_OWNER");
    }
    expect(queries.grant(chain.state, grantId(chain.id, world.owner.key, 50))).toBeDefined();
  });

  it("refuses any change of what the owner signed", async () => {
    const payload = world.owner.grant(world, world.clinician);
    const refused = (overrides: Partial<GrantCreate>): Promise<string> =>
      chain.refused(world.owner.sendGrant({ ...payload, ...overrides }));
    expect(await refused({ label: new Uint8Array(32) })).toBe("SIG_INVALID");
    expect(await refused({ expiryMs: payload.expiryMs + 1 })).toBe("SIG_INVALID");
    expect(await refused({ scope: scope({ purpose: utf8("HRESCH") }) })).toBe("SIG_INVALID");
    expect(await refused({ recipient: world.otherClinician.id })).toBe("SIG_INVALID");
    expect(await refused({ signature: new Uint8Array(64) })).toBe("SIG_INVALID");
  });

  it("refuses a grant without the recipient's exchange key, or with another one", async () => {
    const { owner, clinician, otherClinician } = world;
    const zero = owner.grant(world, clinician, { recipientExchangeKey: new Uint8Array(32) });
    expect(await chain.refused(owner.sendGrant(zero))).toBe("GRANT_BAD_FLAG");
    const other = owner.grant(world, clinician, { recipientExchangeKey: otherClinician.exchangeKey });
    expect(await chain.refused(owner.sendGrant(other))).toBe("GRANT_BAD_FLAG");
  });

  it("refuses a body that lost its second wrap", async () => {
    const payload = world.owner.grant(world, world.clinician);
    const downgraded = resign(payload, (body) => {
      const note = body.slice(144 + 241);
      const wrap = body.slice(145, 305);
      return Uint8Array.of(...body.slice(0, 144), 0, ...wrap, ...note);
    });
    expect(await chain.refused(world.owner.sendGrant(downgraded))).toBe("GRANT_BAD_FLAG");
  });

  it("refuses bodies whose points do not decode", async () => {
    const payload = world.owner.grant(world, world.clinician);
    const refused = (edit: (body: Uint8Array) => Uint8Array): Promise<string> =>
      chain.refused(world.owner.sendGrant(resign(payload, edit)));
    const at =
      (offset: number, ...bytes: number[]) =>
      (body: Uint8Array) => {
        body.set(bytes, offset);
        return body;
      };
    expect(await refused((body) => body.slice(0, -1))).toBe("BAD_LENGTH");
    expect(await refused(at(144, 2))).toBe("BAD_ENCODING");
    expect(await refused(at(0, 0x11))).toBe("BAD_POINT");
    expect(await refused(at(0, 0xc0, ...new Uint8Array(47)))).toBe("IDENTITY_POINT");
    expect(await refused(at(48, 0xc0, ...new Uint8Array(95)))).toBe("IDENTITY_POINT");
  });

  it("refuses an unknown recipient, or a member as one", async () => {
    const unknown = { recipient: new Uint8Array(32).fill(1) };
    const { owner, clinician } = world;
    expect(await chain.refused(owner.sendGrant(owner.grant(world, clinician, unknown)))).toBe(
      "GRANT_UNKNOWN_RECIPIENT",
    );
    const member = { recipient: chain.member(0).account(chain.id) };
    expect(await chain.refused(owner.sendGrant(owner.grant(world, clinician, member)))).toBe(
      "GRANT_UNKNOWN_RECIPIENT",
    );
  });

  it("refuses a proxies' key that does not serve", async () => {
    const payload = world.owner.grant(world, world.clinician, { zKeyNo: 2 });
    expect(await chain.refused(world.owner.sendGrant(payload))).toBe("WRONG_KEY_GENERATION");
  });

  it("refuses a term that is empty or over", async () => {
    const { owner, clinician } = world;
    const at = chain.timeMs;
    for (const term of [
      { notBeforeMs: at + 5_000, expiryMs: at + 5_000 },
      { notBeforeMs: at + 6_000, expiryMs: at + 5_000 },
      { notBeforeMs: at - 5_000, expiryMs: at - 1 },
    ]) {
      expect(await chain.refused(owner.sendGrant(owner.grant(world, clinician, term)))).toBe(
        "GRANT_BAD_TERM",
      );
    }
  });

  it("refuses scopes it cannot read", async () => {
    const { owner, clinician } = world;
    const bad = [
      scope({ version: 2 }),
      scope({ flags: 2 }),
      scope({ purpose: new Uint8Array(0) }),
      utf8("TREAT"),
    ];
    for (const each of bad) {
      const payload = owner.grant(world, clinician, { scope: each });
      expect(await chain.refused(owner.sendGrant(payload))).toBe("GRANT_BAD_SCOPE");
    }
  });

  function resign(payload: GrantCreate, edit: (body: Uint8Array) => Uint8Array): GrantCreate {
    const { owner, clinician } = world;
    const body = edit(payload.body.slice());
    const terms = {
      chain: chain.id,
      gid: grantId(chain.id, owner.key, payload.grantNonce),
      label: payload.label,
      kgcKeyNo: 1,
      ownerKey: queries.ownerKey(chain.state, owner.id, 1, 1)!,
      proxyKeyNo: 1,
      proxyKey: queries.publicKeyOf(chain.state, Purpose.proxy, 1)!,
      uid: clinician.id,
      recipientKey: payload.recipientExchangeKey,
      notBeforeMs: payload.notBeforeMs,
      expiryMs: payload.expiryMs,
      scope: payload.scope,
    };
    return { ...payload, body, signature: owner.sign(grantSigningBytes(terms, body)) };
  }
});

describe("grant/revoke", () => {
  it("is the owner's alone, once, and stands in the grant with its height", async () => {
    const gid = await addGrant(world, world.owner, world.clinician);
    expect(await chain.refused(world.clinician.revoke(gid))).toBe("GRANT_NOT_OWNER");
    expect(await chain.refused(world.otherOwner.revoke(gid))).toBe("GRANT_NOT_OWNER");
    expect(await chain.refused(world.owner.revoke(new Uint8Array(32)))).toBe("GRANT_UNKNOWN");
    expect(await chain.send(world.owner.revoke(gid))).toBe("OK");
    const grant = queries.grant(chain.state, gid)!;
    expect([grant.revokedHeight, grant.revokedAtMs]).toEqual([chain.height, chain.timeMs]);
    expect(await chain.refused(world.owner.revoke(gid))).toBe("GRANT_REVOKED");
  });
});

describe("access/request", () => {
  it("lands in the owner's inbox", async () => {
    const { events } = await chain.block([world.clinician.request(world.owner.id)]);
    expect(events).toEqual([expect.objectContaining({ type: "access-requested" })]);
    const inbox = queries.requestsOfOwner(chain.state, world.owner.id);
    expect(inbox).toHaveLength(1);
    expect(inbox[0]!.recipient).toEqual(world.clinician.id);
    expect(inbox[0]!.sealed).toHaveLength(120);
  });

  it("is for recipients, and addresses owners", async () => {
    expect(await chain.refused(world.clinician.request(world.otherClinician.id))).toBe("REQUEST_BAD_OWNER");
    expect(await chain.refused(world.clinician.request(new Uint8Array(32)))).toBe("REQUEST_BAD_OWNER");
    expect(await chain.verdict(world.otherOwner.request(world.owner.id))).toBe("fault TX_NOT_ALLOWED");
    const unknown = new Person(chain, "unregistered clinician", Role.recipient, chain.member(0));
    expect(await chain.verdict(unknown.request(world.owner.id))).toBe("ignore TX_UNKNOWN_SENDER");
  });
});
