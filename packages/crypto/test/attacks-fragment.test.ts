import { beforeAll, describe, expect, it } from "vitest";
import { type RecoverInput, recoverRecords } from "../src/access.js";
import { judgeChallengeBlame, judgeOpenedBlame } from "../src/blame.js";
import { concat, u16 } from "../src/bytes.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { ed25519Sign } from "../src/ed25519.js";
import { answerFragment, type FragmentContext, verifyFragment } from "../src/fragment.js";
import { openFragment, sealFragment } from "../src/fragment-seal.js";
import { domain } from "../src/hash.js";
import { generationBytes } from "../src/identity.js";
import { combineFragments, type RecoveryGrant } from "../src/recover.js";
import { type AccessRequest, requestId } from "../src/request.js";
import { x25519CheckKey, x25519PublicKey } from "../src/x25519.js";
import {
  codeFor,
  curve,
  expectCode,
  flipped,
  INFINITY_G1,
  OUTSIDE_G1,
  plus,
  replaced,
} from "./support/attacks.js";
import { type SealedRecord, scalar, seed, World } from "./support/world.js";

const world = new World(curve, curve);
let records: SealedRecord[];
let request: AccessRequest;
let grant: RecoveryGrant;
let u1: Uint8Array[];
let plains: Uint8Array[];

beforeAll(async () => {
  const ownerKey = await world.register();
  records = await Promise.all([1, 2, 3].map((nonce) => world.seal(nonce, ownerKey)));
  const terms = world.grantTerms(ownerKey);
  grant = await world.openGrant(terms, await world.grant(terms));
  request = world.request(records);
  u1 = records.map((record) => record.capsule.slice(0, 48));
  plains = [1, 2, 3, 4].map((index) => answer(index));
});

const contextOf = (index: number, of = request): FragmentContext => world.fragmentContext(of, index);
const answer = (index: number) =>
  answerFragment(curve, {
    context: contextOf(index),
    share: world.proxies.shares[index - 1]!,
    u1,
    proof: { random: seed(`dleq ${index}`) },
  }).plain;
/** Seals any plain text as proxy `index` would, under its right signature. */
const sealAs = (index: number, plain: Uint8Array, of = request) =>
  sealFragment({
    context: contextOf(index, of),
    requestKey: of.requestKey,
    ephemeralSecret: seed(`seal ${index}`),
    plain,
    signingSecret: world.nodeSecret(index),
  });
const received = (index: number, sealed: Uint8Array) => ({
  index,
  nodeKey: world.nodeKey(index),
  verificationKey: contextOf(index).verificationKey,
  sealed,
});
const recoverInput = (changes: Partial<RecoverInput>): RecoverInput => ({
  chain: world.chain,
  requestId: requestId(request),
  generation: world.generation,
  threshold: 3,
  requestSecret: seed("request"),
  grant,
  records,
  fragments: [],
  ...changes,
});
const keys = () => records.map(({ key }) => ({ key }));

/** A frame that proxy `index` signed over whatever bytes it likes. */
function signFragment(index: number, of: AccessRequest, enc: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const { chain, generation } = of;
  const head = concat(chain, requestId(of), generationBytes(generation), u16(index));
  const signature = ed25519Sign(world.nodeSecret(index), concat(domain("FRAG-SIG"), head, enc, ciphertext));
  return concat(generationBytes(generation), u16(index), enc, ciphertext, signature);
}

describe("a sealed fragment", () => {
  const opening =
    (sealed: Uint8Array, changes: object = {}) =>
    () =>
      openFragment({
        context: contextOf(1),
        sealed,
        records: 3,
        nodeKey: world.nodeKey(1),
        requestSecret: seed("request"),
        ...changes,
      });

  it("of another epoch or key number is refused", async () => {
    const sealed = sealAs(1, plains[0]!);
    await expectCode("WRONG_KEY_GENERATION", {
      epoch: opening(sealed, { context: { ...contextOf(1), generation: { keyNo: 4, shareEpoch: 3 } } }),
      "key number": opening(sealed, {
        context: { ...contextOf(1), generation: { keyNo: 5, shareEpoch: 2 } },
      }),
    });
  });

  it("is refused with one bit changed anywhere under the signature", async () => {
    const sealed = sealAs(1, plains[0]!);
    await expectCode("SIG_INVALID", {
      enc: opening(flipped(sealed, 10)),
      ciphertext: opening(flipped(sealed, 60)),
      tag: opening(flipped(sealed, sealed.length - 65)),
      signature: opening(flipped(sealed, sealed.length - 40)),
    });
    expect(await codeFor(opening(sealed.slice(0, -1)))).toBe("BAD_LENGTH");
    expect(await codeFor(opening(flipped(sealed, 9)))).toBe("BAD_INDEX");
    expect(await codeFor(opening(sealed, { requestSecret: seed("another") }))).toBe("HPKE_OPEN_FAILED");
    expect(opening(sealed)().plaintext).toEqual(plains[0]);
  });
});

describe("VerFrag", () => {
  const verifying =
    (plain: Uint8Array, context = contextOf(1)) =>
    () =>
      verifyFragment(curve, { context, u1, plain });

  it("refuses one changed point, two swapped points, and errors that cancel in a sum", async () => {
    const plain = plains[0]!;
    const first = plain.slice(0, 48);
    const second = plain.slice(48, 96);
    const g = curve.g1.generator;
    const cancelling = replaced(
      replaced(plain, 0, plus(curve.g1, first, g)),
      48,
      plus(curve.g1, second, curve.g1.negate(g)),
    );
    await expectCode("FRAGMENT_BAD_PROOF", {
      changed: verifying(replaced(plain, 0, plus(curve.g1, first, g))),
      swapped: verifying(replaced(replaced(plain, 0, second), 48, first)),
      cancelling: verifying(cancelling),
      proof: verifying(flipped(plain, plain.length - 1)),
    });
    expect(verifying(plain)()).toEqual([first, second, plain.slice(96, 144)]);
  });

  it("refuses the fragment of another proxy, request or generation under a right signature", async () => {
    const other = world.request(records, { nonce: 2 });
    const reshared = { ...request, generation: { keyNo: 4, shareEpoch: 3 } };
    await expectCode("FRAGMENT_BAD_PROOF", {
      proxy: verifying(plains[1]!),
      request: verifying(plains[0]!, contextOf(1, other)),
      generation: verifying(plains[0]!, contextOf(1, reshared)),
    });
    const copied = openFragment({
      context: contextOf(1),
      sealed: sealAs(1, plains[1]!),
      records: 3,
      nodeKey: world.nodeKey(1),
      requestSecret: seed("request"),
    });
    expect(await codeFor(verifying(copied.plaintext))).toBe("FRAGMENT_BAD_PROOF");
  });

  it("refuses bad points and lengths", async () => {
    const plain = plains[0]!;
    expect(await codeFor(verifying(replaced(plain, 48, OUTSIDE_G1)))).toBe("NOT_IN_SUBGROUP");
    expect(await codeFor(verifying(replaced(plain, 48, INFINITY_G1)))).toBe("IDENTITY_POINT");
    expect(await codeFor(verifying(concat(plain, Uint8Array.of(0))))).toBe("BAD_LENGTH");
  });
});

describe("combining", () => {
  it("combines a point outside the subgroup to the same bytes on every backend", () => {
    const spoiled = { index: 2, plain: replaced(plains[1]!, 48, OUTSIDE_G1) };
    const parts = [{ index: 1, plain: plains[0]! }, spoiled, { index: 4, plain: plains[3]! }];
    const combined = combineFragments(curve, { parts, records: 3, threshold: 3 });
    expect(combineFragments(nobleCurve, { parts, records: 3, threshold: 3 })).toEqual(combined);
    expect(curve.g1.isInSubgroup(curve.g1.fromCheckedBytes(combined[1]!)!)).toBe(false);
    expect(curve.g1.isInSubgroup(curve.g1.fromCheckedBytes(combined[0]!)!)).toBe(true);
  });

  it("refuses one fragment too few, and one index twice", async () => {
    const part = (index: number) => ({ index, plain: plains[index - 1]! });
    const combine = (indices: number[]) =>
      combineFragments(curve, { parts: indices.map(part), records: 3, threshold: 3 });
    expect(await codeFor(() => combine([1, 2]))).toBe("TOO_FEW_SHARES");
    expect(await codeFor(() => combine([1, 2, 2]))).toBe("DUPLICATE_INDEX");
    expect(combine([1, 2, 3])).toEqual(combine([4, 3, 2]));
  });

  it("drops a bad fragment, keeps what proves it, and recovers from the rest", () => {
    const bad = replaced(plains[0]!, 0, plus(curve.g1, plains[0]!.slice(0, 48), curve.g1.generator));
    const fragments = [bad, ...plains.slice(1)].map((plain, i) => received(i + 1, sealAs(i + 1, plain)));
    const result = recoverRecords(curve, recoverInput({ fragments }));
    expect(result.keys).toEqual(keys());
    expect(result.faults).toMatchObject([{ index: 1, code: "FRAGMENT_BAD_PROOF" }]);
    const { sharedSecret } = result.faults[0]!;
    const evidence = { context: contextOf(1), u1, nodeKey: world.nodeKey(1), sealed: fragments[0]!.sealed };
    expect(judgeOpenedBlame(curve, { ...evidence, sharedSecret: sharedSecret! })).toBe("BLAME_UPHELD");
  });

  it("drops a fragment with a point outside the subgroup that spoils the result", () => {
    const bad = replaced(plains[0]!, 0, OUTSIDE_G1);
    const fragments = [bad, ...plains.slice(1)].map((plain, i) => received(i + 1, sealAs(i + 1, plain)));
    const result = recoverRecords(curve, recoverInput({ fragments }));
    expect(result.keys).toEqual(keys());
    expect(result.faults).toMatchObject([{ index: 1, code: "NOT_IN_SUBGROUP" }]);
  });

  it("calls a record void when all fragments are valid and its commitment still differs", () => {
    const fragments = plains.map((plain, i) => received(i + 1, sealAs(i + 1, plain)));
    const spoilt = records.map((record, i) =>
      i === 1 ? { ...record, commitment: seed("never made") } : record,
    );
    const result = recoverRecords(curve, recoverInput({ records: spoilt, fragments }));
    expect(result).toEqual({ keys: [keys()[0], { code: "BAD_RECORD" }, keys()[2]], faults: [] });
  });

  it("leaves out one invalid record among many, and blame of the honest proxy is rejected", async () => {
    const mixed = records.map((record, i) =>
      i === 1 ? { ...record, context: seed("another context") } : record,
    );
    const fragments = await world.collect(request, mixed, [1, 2, 4]);
    const result = recoverRecords(curve, recoverInput({ records: mixed, fragments }));
    expect(result).toEqual({ keys: [keys()[0], { code: "CAPSULE_INVALID" }, keys()[2]], faults: [] });
    const validU1 = [u1[0]!, u1[2]!];
    const { sealed } = fragments[0]!;
    const context = contextOf(1);
    const nodeKey = world.nodeKey(1);
    const { sharedSecret } = openFragment({
      context,
      sealed,
      records: 2,
      nodeKey,
      requestSecret: seed("request"),
    });
    expect(judgeOpenedBlame(curve, { context, u1: validU1, nodeKey, sealed, sharedSecret })).toBe(
      "BLAME_REJECTED",
    );
  });

  it("refuses a request whose records are all invalid before the share is used", async () => {
    const invalid = records.map((record) => ({ ...record, context: seed("another context") }));
    await expect(world.respond(request, invalid, 1)).rejects.toMatchObject({ code: "CAPSULE_INVALID" });
  });
});

describe("OPENED blame", () => {
  const evidenceOf = (sealed: Uint8Array) => ({
    context: contextOf(1),
    u1,
    nodeKey: world.nodeKey(1),
    sealed,
  });
  const opened = (sealed: Uint8Array) =>
    openFragment({ ...evidenceOf(sealed), records: 3, requestSecret: seed("request") });

  it("of an honest proxy is rejected, and with a made-up secret unproven", () => {
    const sealed = sealAs(1, plains[0]!);
    const { sharedSecret } = opened(sealed);
    expect(judgeOpenedBlame(curve, { ...evidenceOf(sealed), sharedSecret })).toBe("BLAME_REJECTED");
    expect(judgeOpenedBlame(curve, { ...evidenceOf(sealed), sharedSecret: seed("made up") })).toBe(
      "BLAME_UNPROVEN",
    );
  });

  it("needs a fragment the proxy signed", async () => {
    const sealed = flipped(sealAs(1, plains[0]!), 60);
    const judging = () => judgeOpenedBlame(curve, { ...evidenceOf(sealed), sharedSecret: seed("any") });
    expect(await codeFor(judging)).toBe("SIG_INVALID");
  });

  it("holds a proxy to a fragment of the wrong length that it signed, and not to one cut by others", async () => {
    const sealed = sealFragment({
      context: contextOf(1),
      requestKey: request.requestKey,
      ephemeralSecret: seed("short"),
      plain: plains[0]!.slice(48),
      signingSecret: world.nodeSecret(1),
    });
    const sharedSecret = openFragment({
      ...evidenceOf(sealed),
      records: 2,
      requestSecret: seed("request"),
    }).sharedSecret;
    expect(judgeOpenedBlame(curve, { ...evidenceOf(sealed), sharedSecret })).toBe("BLAME_UPHELD");
    const cut = sealAs(1, plains[0]!).slice(0, -1);
    expect(await codeFor(() => judgeOpenedBlame(curve, { ...evidenceOf(cut), sharedSecret }))).toBe(
      "BAD_LENGTH",
    );
  });

  it("is not offered for another proxy's enc over junk: the client keeps the secret, and revealing it proves nothing", () => {
    const honest = sealAs(2, plains[1]!);
    const fragments = [
      received(1, sealWithEncOf(honest)),
      ...[2, 3, 4].map((index) => received(index, sealAs(index, plains[index - 1]!))),
    ];
    const result = recoverRecords(curve, recoverInput({ fragments }));
    expect(result.keys).toEqual(keys());
    expect(result.faults).toEqual([{ index: 1, code: "HPKE_OPEN_FAILED" }]);
    const honestSecret = openFragment({
      context: contextOf(2),
      sealed: honest,
      records: 3,
      nodeKey: world.nodeKey(2),
      requestSecret: seed("request"),
    }).sharedSecret;
    const { sealed } = fragments[0]!;
    expect(judgeOpenedBlame(curve, { ...evidenceOf(sealed), sharedSecret: honestSecret })).toBe(
      "BLAME_UNPROVEN",
    );
  });

  /** Proxy 1 signs proxy 2's enc over a ciphertext of junk. */
  function sealWithEncOf(honest: Uint8Array): Uint8Array {
    return signFragment(1, request, honest.slice(10, 42), new Uint8Array(48 * 3 + 80));
  }
});

describe("CHALLENGE blame", () => {
  const requestSecret = seed("challenge");
  const challenge = () =>
    world.request(records, { addressee: 1, nonce: 9, requestKey: x25519PublicKey(requestSecret) });
  const judge = (sealed: Uint8Array, changes: object = {}) => {
    const asked = challenge();
    const context = contextOf(1, asked);
    return judgeChallengeBlame(curve, {
      context,
      request: asked,
      u1,
      nodeKey: world.nodeKey(1),
      sealed,
      requestSecret,
      ...changes,
    });
  };

  it("upholds an answer that does not decrypt or does not verify", () => {
    const junk = signFragment(1, challenge(), x25519PublicKey(seed("any")), new Uint8Array(48 * 3 + 80));
    expect(judge(junk)).toBe("BLAME_UPHELD");
    expect(judge(sealAs(1, plains[0]!, challenge()))).toBe("BLAME_UPHELD");
  });

  it("rejects blame of a good answer", async () => {
    const { sealed } = await world.respond(challenge(), records, 1);
    expect(judge(sealed)).toBe("BLAME_REJECTED");
  });

  it("is not allowed on a request to all proxies, nor with another request key, nor for another request", async () => {
    const { sealed } = await world.respond(challenge(), records, 1);
    expect(await codeFor(() => judge(sealed, { requestSecret: seed("another") }))).toBe("BLAME_UNPROVEN");
    const open = world.request(records, { nonce: 9, requestKey: x25519PublicKey(requestSecret) });
    const answered = (await world.respond(open, records, 1)).sealed;
    const asOpen = { request: open, context: contextOf(1, open) };
    expect(await codeFor(() => judge(answered, asOpen))).toBe("BLAME_NOT_ALLOWED");
    expect(await codeFor(() => judge(sealed, { request: { ...challenge(), nonce: 10 } }))).toBe(
      "BLAME_UNPROVEN",
    );
  });
});

describe("a request", () => {
  it("to a low-order or non-canonical key is refused by nodes, and not sealed to by a proxy", async () => {
    const lowOrder = new Uint8Array(32);
    expect(await codeFor(() => x25519CheckKey(lowOrder))).toBe("REQ_BAD_KEY");
    const bad = world.request(records, { requestKey: lowOrder });
    await expect(world.respond(bad, records, 1)).rejects.toMatchObject({ code: "HPKE_BAD_KEY" });
  });

  it("names 1 to 256 different records", async () => {
    const many = Array.from({ length: 257 }, (_, i) => seed(`record ${i}`));
    const withRecords = (recordIds: Uint8Array[]) => () => requestId({ ...request, recordIds });
    expect(await codeFor(withRecords([]))).toBe("REQ_BAD_SIZE");
    expect(await codeFor(withRecords(many))).toBe("REQ_BAD_SIZE");
    expect(await codeFor(withRecords([many[0]!, many[0]!]))).toBe("REQ_DUPLICATE_RECORD");
    expect(await codeFor(withRecords(many.slice(0, 256)))).toBe("ANSWERED");
  });

  it("has another id for every field that changes", () => {
    const changes: Partial<AccessRequest>[] = [
      { chain: seed("c") },
      { gid: seed("g") },
      { uid: seed("u") },
      { addressee: 1 },
      { generation: { keyNo: 4, shareEpoch: 3 } },
      { requestKey: scalar("k") },
      { nonce: 2 },
      { recordIds: request.recordIds.slice(1) },
      { recordIds: [...request.recordIds].reverse() },
    ];
    const ids = [request, ...changes.map((change) => ({ ...request, ...change }))].map((each) =>
      String(requestId(each)),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});
