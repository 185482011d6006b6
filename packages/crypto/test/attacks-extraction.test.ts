import { beforeAll, describe, expect, it } from "vitest";
import { concat, utf8 } from "../src/bytes.js";
import { ed25519PublicKey, ed25519Sign } from "../src/ed25519.js";
import {
  checkPartial,
  checkSealedPartial,
  combinePartials,
  extractPartial,
  sealPartial,
} from "../src/extraction.js";
import {
  extractionAnswerBytes,
  extractionAnswerSigningBytes,
  extractionRequestBytes,
  extractionRequestSigningBytes,
  openExtractionAnswer,
  verifyExtractionRequest,
} from "../src/extraction-messages.js";
import { collectIdentityKey } from "../src/extraction-open.js";
import {
  emergencyIdentity,
  hashIdentity,
  parseIdentity,
  typeIdentity,
  userIdentity,
} from "../src/identity.js";
import {
  codeFor,
  curve,
  expectCode,
  INFINITY_G1,
  OUTSIDE_G1,
  OUTSIDE_G2,
  plus,
  replaced,
} from "./support/attacks.js";
import { scalar, seed, World } from "./support/world.js";

const world = new World(curve, curve);
const identity = world.identity();
const transportKey = world.publicG1(scalar("transport"));
let parts: Awaited<ReturnType<World["sealedParts"]>>;

beforeAll(async () => {
  parts = await world.sealedParts(identity);
});

describe("identities", () => {
  it("are others when the boundary of pid and type moves by one byte", () => {
    const before = typeIdentity({ pid: utf8("ab"), type: utf8("cd"), version: 1 });
    const after = typeIdentity({ pid: utf8("abc"), type: utf8("d"), version: 1 });
    expect(before).not.toEqual(after);
    expect(curve.g1.equals(hashIdentity(curve, before), hashIdentity(curve, after))).toBe(false);
  });

  it("are refused by key centres unless they parse exactly as T, U or E", async () => {
    const share = world.kgc.shares[0]!;
    const malformed = {
      "of the switch test": concat(utf8("S"), seed("transcript")),
      empty: new Uint8Array(),
      "with a byte behind": concat(identity, Uint8Array.of(0)),
      "cut short": identity.slice(0, -1),
      "version 0": replaced(identity, identity.length - 4, new Uint8Array(4)),
      "emergency without grant": emergencyIdentity(world.uid, seed("gid")).slice(0, -32),
      "user with a grant": concat(userIdentity(world.uid), seed("gid")),
    };
    for (const [name, bytes] of Object.entries(malformed)) {
      expect
        .soft(await codeFor(() => extractPartial(curve, { share, identity: bytes })), name)
        .toBe("BAD_IDENTITY");
    }
    expect(parseIdentity(emergencyIdentity(world.uid, seed("gid"))).kind).toBe("emergency");
  });
});

describe("extraction", () => {
  const partial = (index: number, id = identity) =>
    extractPartial(curve, { share: world.kgc.shares[index - 1]!, identity: id });
  const combine = (chosen: readonly { index: number; partial: Uint8Array }[]) =>
    combinePartials(curve, { parts: chosen, threshold: 3, identity, groupKey: world.groupKey });

  it("gives nothing to fewer than t shares, to a wrong share and to a partial for another identity", async () => {
    const good = [1, 2, 4].map((index) => ({ index, partial: partial(index) }));
    const verificationKey = world.publicG2(world.kgc.shares[0]!);
    const foreign = partial(1, world.identity(2));
    expect(await codeFor(() => combine(good.slice(1)))).toBe("TOO_FEW_SHARES");
    expect(await codeFor(() => combine([...good.slice(1), good[1]!]))).toBe("DUPLICATE_INDEX");
    expect(await codeFor(() => combine([...good.slice(1), { index: 3, partial: partial(1) }]))).toBe(
      "EXTRACT_BAD_KEY",
    );
    expect(await codeFor(() => checkPartial(curve, { partial: foreign, identity, verificationKey }))).toBe(
      "EXTRACT_BAD_PARTIAL",
    );
    expect(await codeFor(() => combine(good))).toBe("ANSWERED");
  });

  it("names the key centre whose sealed part is bad and still gives the key", async () => {
    const sealed = plus(curve.g1, parts[0]!.sealed.slice(144), curve.g1.generator);
    const spoilt = [{ ...parts[0]!, sealed: replaced(parts[0]!.sealed, 144, sealed) }, ...parts.slice(1)];
    const input = { threshold: 3, identity, groupKey: world.groupKey, transportSecret: scalar("transport") };
    const { key, faults } = collectIdentityKey(curve, { ...input, parts: spoilt });
    expect(faults).toEqual([{ index: 1, code: "EXTRACT_BAD_PARTIAL" }]);
    expect(key).toEqual(await world.extract(identity));
  });

  it("gives nothing when bad parts leave fewer than t", async () => {
    const sealed = plus(curve.g1, parts[0]!.sealed.slice(144), curve.g1.generator);
    const spoilt = [{ ...parts[0]!, sealed: replaced(parts[0]!.sealed, 144, sealed) }, ...parts.slice(1, 3)];
    const input = { threshold: 3, identity, groupKey: world.groupKey, transportSecret: scalar("transport") };
    expect(await codeFor(() => collectIdentityKey(curve, { ...input, parts: spoilt }))).toBe(
      "TOO_FEW_SHARES",
    );
  });

  it("refuses bad points in each field of a sealed part, and an identity transport key", async () => {
    const { sealed, verificationKey } = parts[0]!;
    const check = (bytes: Uint8Array) => () =>
      checkSealedPartial(curve, { sealed: bytes, identity, transportKey, verificationKey });
    await expectCode("NOT_IN_SUBGROUP", {
      A1: check(replaced(sealed, 0, OUTSIDE_G1)),
      A2: check(replaced(sealed, 48, OUTSIDE_G2)),
      C: check(replaced(sealed, 144, OUTSIDE_G1)),
    });
    const blinding = { random: seed("blinding") };
    const share = world.kgc.shares[0]!;
    expect(
      await codeFor(() => sealPartial(curve, { share, identity, transportKey: INFINITY_G1, blinding })),
    ).toBe("IDENTITY_POINT");
  });

  it("blinds differently for another transport key even when the random bytes repeat", () => {
    const share = world.kgc.shares[0]!;
    const blinding = { random: seed("broken random source") };
    const other = world.publicG1(scalar("another transport"));
    const first = sealPartial(curve, { share, identity, transportKey, blinding });
    const second = sealPartial(curve, { share, identity, transportKey: other, blinding });
    expect(first.slice(0, 48)).not.toEqual(second.slice(0, 48));
  });
});

describe("a request to a key centre", () => {
  const address = { chain: world.chain, generation: { keyNo: 1, shareEpoch: 1 }, index: 2 };
  const accountKey = ed25519PublicKey(seed("owner"));
  const nowMs = 1_800_000_000_000;
  const request = extractionRequestBytes({ identity, transportKey, timeMs: nowMs });
  const signature = ed25519Sign(seed("owner"), extractionRequestSigningBytes(address, request));
  const verify = (changes: object) =>
    verifyExtractionRequest({ address, request, signature, accountKey, nowMs, ...changes });

  it("is read back as it was written", () => {
    expect(verify({})).toMatchObject({
      identity,
      transportKey,
      timeMs: BigInt(nowMs),
      parsed: { kind: "type" },
    });
  });

  it("is refused when a relaying node puts in its own transport key, centre, generation or chain", async () => {
    const own = world.publicG1(scalar("relay"));
    await expectCode("EXTRACT_BAD_REQUEST", {
      "transport key": () =>
        verify({ request: extractionRequestBytes({ identity, transportKey: own, timeMs: nowMs }) }),
      centre: () => verify({ address: { ...address, index: 3 } }),
      generation: () => verify({ address: { ...address, generation: { keyNo: 1, shareEpoch: 2 } } }),
      chain: () => verify({ address: { ...address, chain: seed("another chain") } }),
      account: () => verify({ accountKey: ed25519PublicKey(seed("relay")) }),
    });
  });

  it("is refused more than sixty seconds from the centre's time, on either side", async () => {
    expect(await codeFor(() => verify({ nowMs: nowMs + 60_000 }))).toBe("ANSWERED");
    await expectCode("EXTRACT_BAD_REQUEST", {
      late: () => verify({ nowMs: nowMs + 60_001 }),
      early: () => verify({ nowMs: nowMs - 60_001 }),
    });
  });

  it("is answered for exactly that request, by exactly that centre", async () => {
    const answer = extractionAnswerBytes({ ...address, sealed: parts[1]!.sealed });
    const signed = ed25519Sign(seed("centre"), extractionAnswerSigningBytes(world.chain, request, answer));
    const open = (changes: object) => () =>
      openExtractionAnswer({
        address,
        request,
        answer,
        signature: signed,
        nodeKey: ed25519PublicKey(seed("centre")),
        ...changes,
      });
    expect(open({})()).toEqual(parts[1]!.sealed);
    expect(await codeFor(open({ request: concat(request, Uint8Array.of(0)) }))).toBe("SIG_INVALID");
    expect(await codeFor(open({ address: { ...address, index: 1 } }))).toBe("BAD_INDEX");
    expect(await codeFor(open({ address: { ...address, generation: { keyNo: 1, shareEpoch: 2 } } }))).toBe(
      "WRONG_KEY_GENERATION",
    );
  });
});
