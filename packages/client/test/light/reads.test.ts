import { ConsiliumError, codeOf, equalBytes, sha256, toHex } from "@consilium/crypto";
import { AccessEntry, GrantEntry, queries, stateKeys } from "@consilium/ledger";
import { Purpose } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { prefixes } from "../../../ledger/src/state/keys.js";
import { addGrant, addRecord } from "../../../ledger/test/support/people.js";
import {
  type ClaimedState,
  type ClaimedValue,
  LightClient,
  type LightClientOptions,
  type LightSource,
  PROOF_KEYS_MAX,
  verifiedAccessesOfOwner,
  verifiedAccount,
  verifiedCommittee,
  verifiedGrant,
  verifiedGrantsOfOwner,
  verifiedGrantsOfRecipient,
  verifiedMember,
  verifiedRecord,
  verifiedRecordsOfLabel,
  verifiedRecordsOfOwner,
  verifiedRequestsOfOwner,
  verifiedValidators,
} from "../../src/index.js";
import { QuickClock } from "../helpers/platform.js";
import { lying } from "./support/served-chain.js";
import { SignedWorld } from "./support/signed-world.js";
import { Signers } from "./support/signers.js";

let signers: Signers;
let signed: SignedWorld;
let recordIds: Uint8Array[];
let active: Uint8Array;
let revoked: Uint8Array;

beforeAll(async () => {
  signers = await Signers.make();
  signed = await SignedWorld.make(signers);
  const { world } = signed;
  const { owner, clinician, otherClinician } = world;
  recordIds = [await addRecord(world, owner), await addRecord(world, owner), await addRecord(world, owner)];
  active = await addGrant(world, owner, clinician);
  revoked = await addGrant(world, owner, otherClinician);
  const codes = await signed.block([
    owner.revoke(revoked),
    clinician.open(active, recordIds.slice(0, 2)),
    clinician.request(owner.id),
  ]);
  if (codes.some((code) => code !== "OK")) throw new Error(codes.join(" "));
  await signed.block();
});

const open = (sources: readonly LightSource[], change: Partial<LightClientOptions> = {}) =>
  LightClient.open({
    trust: { checkpoint: signed.checkpoint },
    sources,
    verifier: signers.verifier,
    clock: new QuickClock(),
    patienceMs: 0,
    ...change,
  });

const code = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => "answered",
    (error: unknown) => codeOf(error),
  );

describe("a light client reads", () => {
  let light: LightClient;
  beforeAll(async () => {
    light = await open([signed.source("node")]);
  });

  it("an index entry, and that there is none", async () => {
    const { value, isOneState } = await verifiedRecord(light, recordIds[0]!);
    expect(toHex(value!.owner)).toBe(toHex(signed.world.owner.id));
    expect(isOneState).toBe(true);
    expect((await verifiedRecord(light, sha256(recordIds[0]!))).value).toBeUndefined();
  });

  it("where a grant stands: active, revoked, expired, absent", async () => {
    expect((await verifiedGrant(light, active)).value.state).toBe("active");
    expect((await verifiedGrant(light, revoked)).value.state).toBe("revoked");
    expect((await verifiedGrant(light, sha256(active))).value).toEqual({ state: "absent" });
    const { value } = await verifiedGrant(light, active);
    if (value.state === "absent") throw new Error("the grant is there");
    const later = await signedLater(value.grant.expiryMs);
    expect((await verifiedGrant(later, active)).value.state).toBe("expired");
  });

  it("whole lists, newest first, with the same answers as the node's own state", async () => {
    const { owner, clinician, chain } = signed.world;
    const ids = (entries: readonly { readonly recordId: Uint8Array }[]) =>
      entries.map((e) => toHex(e.recordId));
    const newestFirst = recordIds.map(toHex).reverse();
    expect(ids((await verifiedRecordsOfOwner(light, owner.id)).value)).toEqual(newestFirst);
    expect(ids((await verifiedRecordsOfLabel(light, owner.id, owner.label)).value)).toEqual(newestFirst);
    const page = await verifiedRecordsOfOwner(light, owner.id, { skip: 1, limit: 1 });
    expect(ids(page.value)).toEqual([newestFirst[1]]);
    expect((await verifiedGrantsOfOwner(light, owner.id)).value).toEqual(
      queries.grantsOfOwner(chain.state, owner.id),
    );
    const received = (await verifiedGrantsOfRecipient(light, clinician.id)).value;
    expect(received.map(({ grantId }) => toHex(grantId))).toEqual([toHex(active)]);
    const [access, ...others] = (await verifiedAccessesOfOwner(light, owner.id)).value;
    expect(others).toEqual([]);
    expect(AccessEntry.serialize(access!)).toEqual(
      AccessEntry.serialize(queries.accessesOfOwner(chain.state, owner.id)[0]!),
    );
    expect((await verifiedRequestsOfOwner(light, owner.id)).value).toHaveLength(1);
    expect((await verifiedRecordsOfOwner(light, sha256(owner.id))).value).toEqual([]);
  });

  it("accounts, members, committees and validators", async () => {
    const { clinician, chain } = signed.world;
    const account = (await verifiedAccount(light, clinician.id)).value!;
    expect(toHex(account.exchangeKey)).toBe(toHex(clinician.exchangeKey));
    expect((await verifiedAccount(light, sha256(clinician.id))).value).toBeUndefined();
    expect((await verifiedMember(light, chain.member(1).key)).value!.stake).toBe(100);
    for (const purpose of [Purpose.keyCentre, Purpose.proxy]) {
      const { value } = await verifiedCommittee(light, purpose);
      expect(value).toEqual(queries.activeCommittee(chain.state, purpose));
    }
    expect((await verifiedValidators(light, 0)).value).toEqual(queries.validators(chain.state, 0));
  });

  it("single keys, as many as are asked for, and a question that reads nothing", async () => {
    const keys = Array.from({ length: 100 }, (_, n) => Uint8Array.of(prefixes.account, n));
    const { value } = await light.prove(keys);
    expect(value).toEqual(keys.map(() => undefined));
    expect(await light.query(() => 7)).toMatchObject({ value: 7 });
  });

  it("passes on what a query itself throws, and bounds what one may touch", async () => {
    const broken = light.query((state) => {
      if (queries.chainInfo(state) !== undefined)
        throw new ConsiliumError("QUERY_BROKEN", "This query throws.");
      return 0;
    });
    expect(await code(broken)).toBe("QUERY_BROKEN");
    const endless = light.query((state) => {
      for (let n = 0; n < 20_000; n++) state.get(Uint8Array.of(1, n >> 8, n & 255));
    });
    expect(await code(endless)).toBe("LIGHT_QUERY_TOO_LARGE");
  });
});

/** A client at a block whose time is past `timeMs`. */
async function signedLater(timeMs: number): Promise<LightClient> {
  const later = signed.blocks.at(-1)!;
  const header = { ...later.header, height: later.header.height + 1, timestampMs: timeMs + 1 };
  const names = new Map(["north", "east", "south", "west"].entries());
  const finalization = await signers.finalize(header, signed.set, names);
  const source = signed.source("later");
  const claim = { header, finalization };
  return open([
    lying(source, "later", { state: async (keys) => ({ ...(await source.state(keys)), ...claim }) }),
  ]);
}

describe("a light client catches a node that", () => {
  const withAnswer = (change: (claim: ClaimedState) => ClaimedState): LightSource => {
    const source = signed.source("liar");
    return lying(source, "liar", { state: async (keys) => change(await source.state(keys)) });
  };
  const withValues = (change: (claimed: ClaimedValue) => ClaimedValue): LightSource =>
    withAnswer((claim) => ({ ...claim, values: claim.values.map(change) }));
  const refusal = async (
    source: LightSource,
    read: (light: LightClient) => Promise<unknown> = (light) => verifiedGrant(light, revoked),
  ) => {
    const light = await open([source]);
    return code(read(light));
  };

  it("flips one bit of a value", async () => {
    const source = withValues(({ value, proof }) => {
      const flipped = value!.slice();
      flipped[0]! ^= 1;
      return { value: flipped, proof };
    });
    expect(await refusal(source)).toBe("LIGHT_BAD_PROOF");
  });

  it("shows a revoked grant as it was before", async () => {
    const source = withValues(({ value, proof }) => {
      const grant = GrantEntry.deserialize(value!);
      return { value: GrantEntry.serialize({ ...grant, revokedHeight: 0, revokedAtMs: 0 }), proof };
    });
    expect(await refusal(source)).toBe("LIGHT_BAD_PROOF");
  });

  it("says that something is not there", async () => {
    const hidden = withValues(({ proof }) => ({ value: undefined, proof }));
    expect(await refusal(hidden)).toBe("LIGHT_BAD_PROOF");
  });

  it("invents something", async () => {
    const source = signed.source("liar");
    const inventor = lying(source, "liar", {
      state: async (keys) => {
        const claim = await source.state(keys);
        return { ...claim, values: claim.values.map(({ proof }) => ({ value: Uint8Array.of(1), proof })) };
      },
    });
    expect(await refusal(inventor, (light) => verifiedGrant(light, sha256(active)))).toBe("LIGHT_BAD_PROOF");
  });

  it("withholds an item of a list, or counts one less", async () => {
    const { owner } = signed.world;
    const lengthKey = Uint8Array.of(prefixes.recordsOfOwner, ...owner.id);
    const source = signed.source("liar");
    const editing = (
      isTarget: (key: Uint8Array) => boolean,
      edit: (value: Uint8Array) => Uint8Array | undefined,
    ) =>
      lying(source, "liar", {
        state: async (keys) => {
          const claim = await source.state(keys);
          const values = claim.values.map((each, place) =>
            isTarget(keys[place]!) ? { ...each, value: edit(each.value!) } : each,
          );
          return { ...claim, values };
        },
      });
    const withheld = editing(
      (key) => key.length > lengthKey.length && equalBytes(key.slice(0, lengthKey.length), lengthKey),
      () => undefined,
    );
    const miscounted = editing(
      (key) => equalBytes(key, lengthKey),
      (value) => value.map((byte, place) => (place === 7 ? byte - 1 : byte)),
    );
    const list = (light: LightClient) => verifiedRecordsOfOwner(light, owner.id);
    expect(await refusal(withheld, list)).toBe("LIGHT_BAD_PROOF");
    expect(await refusal(miscounted, list)).toBe("LIGHT_BAD_PROOF");
    const fewer = withAnswer((claim) => ({ ...claim, values: claim.values.slice(1) }));
    expect(await refusal(fewer, list)).toBe("LIGHT_BAD_PROOF");
  });

  it("proves by a state root, a certificate or a chain of its own", async () => {
    const lies = [
      (claim: ClaimedState) => ({
        ...claim,
        header: { ...claim.header, stateRoot: sha256(Uint8Array.of(0)) },
      }),
      (claim: ClaimedState) => ({
        ...claim,
        finalization: { ...claim.finalization, signature: new Uint8Array(96) },
      }),
      (claim: ClaimedState) => ({
        ...claim,
        finalization: { ...claim.finalization, bitmap: Uint8Array.of(3) },
      }),
      (claim: ClaimedState) => ({ ...claim, finalization: { ...claim.finalization, kind: 1 } }),
      (claim: ClaimedState) => ({ ...claim, finalization: signed.blocks[0]!.finalization }),
      (claim: ClaimedState) => ({ ...claim, header: { ...claim.header, chainId: new Uint8Array(32) } }),
      (claim: ClaimedState) => ({ ...claim, header: { ...claim.header, height: 100_000 } }),
    ];
    for (const lie of lies) expect(await refusal(withAnswer(lie))).toBe("LIGHT_BAD_PROOF");
  });

  it("claims an epoch that no hand-over leads to", async () => {
    const { epochLengthHeights } = signed.world.chain.genesis.parameters;
    const jump = withAnswer((claim) => ({
      ...claim,
      header: { ...claim.header, epoch: 1, height: epochLengthHeights + 1 },
    }));
    expect(await refusal(jump)).toBe("LIGHT_BAD_HANDOVER");
  });

  it("serves an old proof after a newer one, though it was right once", async () => {
    const { owner } = signed.world;
    const source = signed.source("node");
    const light = await open([source]);
    expect((await verifiedGrant(light, revoked)).value.state).toBe("revoked");
    source.height = 1;
    expect(await code(verifiedGrant(light, revoked))).toBe("LIGHT_STALE");
    expect(await code(verifiedGrantsOfOwner(light, owner.id))).toBe("LIGHT_STALE");
    // A client that never saw the newer one cannot know, unless it bounds the age.
    expect((await verifiedGrant(await open([source]), revoked)).value.state).toBe("active");
    const clock = new QuickClock();
    clock.pass(60 * 60_000);
    expect(await code(verifiedGrant(await open([source], { clock, maxAgeMs: 60_000 }), revoked))).toBe(
      "LIGHT_STALE",
    );
  });

  it("cheats beside an honest one, which then answers", async () => {
    const light = await open([
      withValues(({ proof }) => ({ value: undefined, proof })),
      signed.source("honest"),
    ]);
    expect((await verifiedGrant(light, active)).value.state).toBe("active");
    expect(light.faults).toMatchObject([{ source: "liar", code: "LIGHT_BAD_PROOF" }]);
  });
});

describe("a light client waits", () => {
  const patient = { patienceMs: 10_000 };

  it("for the state after a height that it was told of", async () => {
    const source = signed.source("node", 1);
    const grown = signed.blocks.at(-1)!.header.height - 1;
    let asked = 0;
    const slow = lying(source, "node", {
      state: async (keys) => {
        if (++asked === 3) source.height = signed.blocks.length;
        return source.state(keys);
      },
    });
    const light = await open([slow], patient);
    const { value, height } = await light.query(queries.tip, { minHeight: grown });
    expect([value.height, height, asked]).toEqual([grown, grown, 3]);
    expect(light.faults).toHaveLength(1);
  });

  it("for a node that proves nothing yet", async () => {
    let asked = 0;
    const source = signed.source("node");
    const starting = lying(source, "node", {
      state: (keys) => {
        if (++asked > 2) return source.state(keys);
        return Promise.reject(new ConsiliumError("NOT_PROVABLE", "Not yet.", { status: 503 }));
      },
    });
    const light = await open([starting], patient);
    expect((await verifiedGrant(light, active)).value.state).toBe("active");
  });

  it("until a list is of one state, while the chain goes on", async () => {
    const { owner } = signed.world;
    const source = signed.source("node", 1);
    let asked = 0;
    const moving = lying(source, "node", {
      state: async (keys) => {
        // The chain goes on between the list's length and its items.
        if (++asked === 2) source.height = signed.blocks.length;
        return source.state(keys);
      },
    });
    const light = await open([moving], patient);
    const { value, isOneState, height } = await verifiedRecordsOfOwner(light, owner.id);
    expect([value.length, isOneState, height]).toEqual([3, true, signed.blocks.at(-1)!.header.height - 1]);
  });
});

describe("a question about people", () => {
  const asRecipient = { keyId: "00".repeat(32), sign: () => new Uint8Array(64) };

  it("goes to the node with who asks, and with the label under which records are read", async () => {
    const honest = signed.source("node");
    const asked: { readonly signer: unknown; readonly keys: readonly Uint8Array[] }[] = [];
    const node = lying(honest, "node", {
      state: (keys, signer) => {
        asked.push({ signer, keys });
        return honest.state(keys);
      },
    });
    const light = await open([node]);
    const { owner } = signed.world;
    const read = await verifiedRecordsOfLabel(light, owner.id, owner.label, { signer: asRecipient });
    expect(read.value).toHaveLength(recordIds.length);
    expect(asked.length).toBeGreaterThan(1);
    const list = toHex(stateKeys.recordsOfLabel(owner.id, owner.label));
    for (const { signer, keys } of asked) {
      expect(signer).toBe(asRecipient);
      expect(keys.map(toHex)).toContain(list);
      expect(keys.length).toBeLessThanOrEqual(PROOF_KEYS_MAX);
    }
  });

  it("keeps each request within the limit when there are many keys", async () => {
    const honest = signed.source("node");
    const sizes: number[] = [];
    const node = lying(honest, "node", {
      state: (keys) => {
        sizes.push(keys.length);
        return honest.state(keys);
      },
    });
    const { owner } = signed.world;
    const keys = Array.from({ length: 2 * PROOF_KEYS_MAX }, (_, n) =>
      stateKeys.grant(sha256(Uint8Array.of(n))),
    );
    const light = await open([node]);
    const named = { owner: owner.id, label: owner.label };
    expect((await light.prove(keys, { signer: asRecipient, named })).value).toHaveLength(keys.length);
    expect(Math.max(...sizes)).toBe(PROOF_KEYS_MAX);
  });
});
