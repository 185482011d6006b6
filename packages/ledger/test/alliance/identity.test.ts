import { concat, decodeScalar, equalBytes, fromHex, lp16, u32, utf8 } from "@consilium/crypto";
import { proveSchnorr } from "@consilium/crypto/curve";
import { attestationBytes, Purpose, Role } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { queries } from "../../src/index.js";
import { Actor } from "../support/actors.js";
import { TestChain } from "../support/chain.js";
import { makeWorld, Person, type World } from "../support/people.js";

let world: World;
let chain: TestChain;
let count = 0;

beforeAll(async () => {
  world = await makeWorld();
  chain = world.chain;
});

const newOwner = (custodial = false): Person =>
  new Person(chain, `synthetic person ${count++}`, Role.owner, chain.member(1), custodial);
const newRecipient = (): Person => new Person(chain, `clinician ${count++}`, Role.recipient, chain.member(1));

describe("identity/register", () => {
  it("gives an owner the account of its first key, with its own owner key", async () => {
    const person = newOwner();
    const { events, codes } = await chain.block([person.register()]);
    expect(codes).toEqual(["OK"]);
    expect(events).toEqual([
      { type: "identity-registered", account: person.id, member: chain.member(1).key },
    ]);
    const account = queries.account(chain.state, person.id)!;
    expect(account.signKey).toEqual(person.key);
    expect([account.role, account.kgcKeyNo, account.ownerKeyNo]).toEqual([Role.owner, 1, 1]);
    const pi = queries.ownerKey(chain.state, person.id, 1, 1)!;
    expect(equalBytes(pi, queries.publicKeyOf(chain.state, 1, 1)!)).toBe(false);
    expect(queries.accountsOfMember(chain.state, chain.member(1).key)[0]!.id).toEqual(person.id);
  });

  it("gives a custodial owner the key centre's own key", async () => {
    const person = newOwner(true);
    expect(await chain.send(person.register())).toBe("OK");
    expect(queries.ownerKey(chain.state, person.id, 1, 0)).toEqual(queries.publicKeyOf(chain.state, 1, 1));
  });

  it("refuses a second registration of the same account", async () => {
    const person = newRecipient();
    expect(await chain.send(person.register())).toBe("OK");
    expect(await chain.refused(person.register())).toBe("IDENTITY_EXISTS");
  });

  it("takes no account id but that of the registered key", async () => {
    const person = newRecipient();
    const squatted = person.register({}, { sender: world.owner.id, nonce: 1 });
    expect(await chain.verdict(squatted)).toBe("fault IDENTITY_BAD_ID");
  });

  it("lets nobody into a block whom no member attested", async () => {
    const person = newRecipient();
    const unattested = person.register({ attestation: new Uint8Array(64) }, { nonce: 0 });
    expect(await chain.verdict(unattested)).toBe("fault ATTESTATION_INVALID");
    const verdict = await chain.app.checkPayload(chain.state, chain.makeBlock([unattested]));
    expect(verdict).toMatchObject({ kind: "fault", code: "ATTESTATION_INVALID" });
    const ahead = person.register({ attestation: new Uint8Array(64) }, { nonce: 1 });
    expect(await chain.verdict(ahead)).toBe("fault ATTESTATION_INVALID");
    const { exchangeKey } = new Actor("another exchange key");
    const { attestation } = person.registration();
    const other = person.register({ exchangeKey, attestation }, { nonce: 0 });
    expect(await chain.verdict(other)).toBe("fault ATTESTATION_INVALID");
  });

  it("lets nobody into a block whom somebody else than a member attested", async () => {
    const stranger = new Actor("stranger");
    const person = new Person(chain, `clinician ${count++}`, Role.recipient, stranger);
    expect(await chain.verdict(person.register())).toBe("fault MEMBER_UNKNOWN");
  });

  it("refuses a role that is not a user's", async () => {
    const person = newRecipient();
    expect(await chain.refused(person.register({ role: Role.member }))).toBe("IDENTITY_BAD_ROLE");
    expect(await chain.refused(person.register({ role: 9 }))).toBe("IDENTITY_BAD_ROLE");
  });

  it("refuses exchange keys of low order or not canonical", async () => {
    const person = newRecipient();
    for (const hex of [
      "00".repeat(32),
      `ec${"ff".repeat(30)}7f`,
      `ed${"ff".repeat(30)}7f`,
      "ff".repeat(32),
    ]) {
      const exchangeKey = fromHex(hex);
      const identity = { signKey: person.key, exchangeKey, role: person.role, member: person.hospital.key };
      const attestation = person.hospital.sign(attestationBytes(chain.id, identity));
      expect(await chain.refused(person.register({ exchangeKey, attestation }))).toBe("REQ_BAD_KEY");
    }
  });

  it("refuses an owner factor proven for another account, or with a wrong key", async () => {
    const person = newOwner();
    const ownerFactor = person.factorMessage(world.owner.id);
    expect(await chain.refused(person.register({ ownerFactor }))).toBe("OWNER_BAD_POP");
    expect(await chain.refused(person.register({ ownerFactor: ownerFactor.slice(1) }))).toBe("BAD_LENGTH");
    expect(await chain.refused(person.register({ ownerFactor: new Uint8Array(0) }))).toBe("BAD_LENGTH");
    expect(await chain.refused(person.register({ ownerFactor: new Uint8Array(208) }))).toBe("BAD_POINT");
  });

  it("refuses an owner key that is not the factor times the key centre's key", async () => {
    const person = newOwner();
    const { curve } = chain;
    const groupKey = queries.publicKeyOf(chain.state, Purpose.keyCentre, 1)!;
    const factorKey = person.factorMessage().slice(0, 48);
    const otherKey = curve.g2.toBytes(curve.g2.multiplyGenerator(5n));
    const numbers = concat(u32(1), u32(1), lp16(person.id), person.key);
    const prefix = concat(chain.id, numbers, groupKey, factorKey, otherKey);
    const statement = { tag: "OWNER-POP", prefix, base: curve.g1.generator };
    const secret = decodeScalar(person.factor);
    const proof = proveSchnorr(curve.g1, statement, secret, { random: person.random.bytes(32) });
    const ownerFactor = concat(factorKey, otherKey, proof);
    expect(await chain.refused(person.register({ ownerFactor }))).toBe("OWNER_BAD_KEY");
  });

  it("refuses key numbers that do not fit the role or the key centre", async () => {
    const owner = newOwner();
    expect(await chain.refused(owner.register({ kgcKeyNo: 2 }))).toBe("KEY_CENTRE_NOT_READY");
    expect(await chain.refused(owner.register({ ownerKeyNo: 2 }))).toBe("IDENTITY_BAD_FIELDS");
    expect(await chain.refused(owner.register({ ownerKeyNo: 0 }))).toBe("IDENTITY_BAD_FIELDS");
    const recipient = newRecipient();
    expect(await chain.refused(recipient.register({ kgcKeyNo: 1 }))).toBe("IDENTITY_BAD_FIELDS");
  });

  it("lets an account that failed to register try again with its next nonce", async () => {
    const person = newRecipient();
    expect(await chain.refused(person.register({ kgcKeyNo: 1 }))).toBe("IDENTITY_BAD_FIELDS");
    expect(queries.nextNonces(chain.state, person.id).envelope).toBe(1);
    expect(await chain.send(person.register())).toBe("OK");
  });

  it("enrols no owner before the key centre serves", async () => {
    const fresh = await TestChain.start();
    const person = new Person(fresh, "early bird", Role.owner, fresh.member(0), true);
    expect(await fresh.refused(person.register())).toBe("KEY_CENTRE_NOT_READY");
    const clinician = new Person(fresh, "early clinician", Role.recipient, fresh.member(0));
    expect(await fresh.send(clinician.register())).toBe("OK");
  });
});

describe("label/close", () => {
  it("closes an owner's label for good, and nobody else's", async () => {
    const label = world.owner.label;
    expect(await chain.send(world.otherOwner.closeLabel(label))).toBe("OK");
    expect(queries.labelClosed(chain.state, world.owner.id, label)).toBe(false);
    expect(await chain.send(world.owner.closeLabel())).toBe("OK");
    expect(queries.labelClosed(chain.state, world.owner.id, label)).toBe(true);
    expect(await chain.refused(world.owner.closeLabel())).toBe("LABEL_CLOSED");
  });

  it("is for owners", async () => {
    const transaction = world.clinician.closeLabel(utf8("x".repeat(32)));
    expect(await chain.verdict(transaction)).toBe("fault TX_NOT_ALLOWED");
  });
});
