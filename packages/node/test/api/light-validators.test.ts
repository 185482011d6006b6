import { ConsiliumClient, type LightClient, type RequestSigner, verifiedGrant } from "@consilium/client";
import { inlineVoteVerifier } from "@consilium/consensus";
import { ed25519PublicKey, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import { CandidateResign, Purpose, Role, TransactionKind } from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CeremonyActors } from "../../../ledger/test/support/ceremony.js";
import { addGrant, Person, type World } from "../../../ledger/test/support/people.js";
import { type ApiPorts, ApiServer } from "../../src/api/index.js";
import { systemRandom } from "../../src/chain/index.js";
import { systemClock } from "../../src/chain/system-ports.js";
import { freePorts } from "../../src/config/free-ports.js";
import { TestAlliance } from "../chain/harness.js";
import { silentLog } from "../network/harness.js";
import { signerOf } from "../support/api-harness.js";
import { FinalChain } from "../support/final-chain.js";

const EPOCH_HEIGHTS = 24;
const SEATS = 4;
const TIMEOUT_MS = 120_000;
/** The member that gives up its seat, and the one that takes it. */
const [LEAVER, NEWCOMER] = [3, 4];

describe("a light client of five real nodes, four of which are validators", () => {
  let test: TestAlliance;
  let chain: FinalChain;
  let owner: Person;
  let clinician: Person;
  let centre: CeremonyActors;
  let grantId: Uint8Array;
  const apis = new Map<number, ApiServer>();

  /** Hospitals in order of their node ids, as validators of equal stakes are; the last has less stake, and no seat. */
  async function found(): Promise<TestAlliance> {
    const made = await TestAlliance.create(SEATS + 1, undefined, EPOCH_HEIGHTS);
    const order = [...made.hospitals.keys()].sort((left, right) =>
      toHex(made.hospitals[left]!.nodeId) < toHex(made.hospitals[right]!.nodeId) ? -1 : 1,
    );
    const members = order.map((place, rank) => ({
      ...made.genesis.members[place]!,
      exchangeKey: ed25519PublicKey(systemRandom.bytes(32)),
      stake: rank === NEWCOMER ? 90 : 100,
    }));
    return Object.assign(made, {
      hospitals: order.map((place) => made.hospitals[place]!),
      genesis: { ...made.genesis, seats: SEATS, members, keyCentre: [0, 1, 2, 3] },
    });
  }

  async function serve(index: number): Promise<void> {
    const alliance: Chain = test.nodes.get(index)!.chain;
    const node = { publicKey: test.hospitals[index]!.nodeId };
    const [port] = await freePorts(1);
    const parts = { alliance, private: alliance, keys: { node }, genesis: test.genesis };
    // Only what proofs and accounts need: no records are kept in this test.
    const ports = { ...parts, name: `hospital ${index}`, clock: systemClock, log: silentLog };
    const api = new ApiServer({ host: "127.0.0.1", port: port!, names: [] }, ports as unknown as ApiPorts);
    await api.start();
    apis.set(index, api);
  }

  const openLight = async (index: number): Promise<LightClient> => {
    const verifier = inlineVoteVerifier(test.suite, systemRandom);
    const trust = { start: { genesis: test.genesis }, verifier };
    const client = new ConsiliumClient({ baseUrls: [apis.get(index)!.url], pool: test.pool, trust });
    return (await client.light())!;
  };

  const namesIn = (light: LightClient): string[] =>
    light.checkpoint.set.map(({ nodeId }) => toHex(nodeId)).sort();
  const namesOf = (...members: number[]): string[] =>
    members.map((index) => toHex(test.hospitals[index]!.nodeId)).sort();
  const signerFor = (person: Person): RequestSigner => signerOf(person, toHex(person.id));

  /** What a grant proves to be through one node, once the next block shows it. */
  async function standing(light: LightClient, person: Person): Promise<string> {
    const minHeight = chain.height;
    const read = verifiedGrant(light, grantId, { signer: signerFor(person), minHeight });
    await chain.block();
    return (await read).value.state;
  }

  beforeAll(async () => {
    test = await found();
    const [first] = await test.startAll();
    chain = await FinalChain.of(first!.chain, test.hospitals);
    await serve(0);
    await serve(NEWCOMER);
  }, TIMEOUT_MS);
  afterAll(async () => {
    for (const api of apis.values()) await api.stop();
    await test.stopAll();
  }, TIMEOUT_MS);

  it("begins while the founders sit, who elect another in the place of one that resigns", async () => {
    // Genesis counts all its members as ready for the first election.
    const resigns = chain
      .member(LEAVER)
      .transaction(chain.id, TransactionKind.candidateResign, CandidateResign, { epoch: 0 });
    expect((await chain.block([resigns])).codes).toEqual(["OK"]);
    const light = await openLight(0);
    await light.advance();
    expect([light.checkpoint.epoch, namesIn(light)]).toEqual([0, namesOf(0, 1, 2, LEAVER)]);
  });

  it(
    "lives through the key ceremonies, in which a person gets an account and gives a grant",
    async () => {
      centre = new CeremonyActors(chain.forActors, Purpose.keyCentre);
      await centre.complete();
      await new CeremonyActors(chain.forActors, Purpose.proxy).complete();
      owner = new Person(chain.forActors, "synthetic owner", Role.owner, chain.member(0));
      clinician = new Person(chain.forActors, "synthetic clinician", Role.recipient, chain.member(2));
      expect((await chain.block([owner.register(), clinician.register()])).codes).toEqual(["OK", "OK"]);
      const world = { chain: chain.forActors, centre } as unknown as World;
      grantId = await addGrant(world, owner, clinician);
    },
    TIMEOUT_MS,
  );

  it(
    "follows the change of validators from genesis, and proves the grant to its recipient",
    async () => {
      await chain.growTo(2 * EPOCH_HEIGHTS + 1);
      const light = await openLight(0);
      expect(await standing(light, clinician)).toBe("active");
      expect(light.checkpoint.epoch).toBeGreaterThanOrEqual(2);
      expect(namesIn(light)).toEqual(namesOf(0, 1, 2, NEWCOMER));
      // It was asked until the block was there that shows the newest state; nothing else was wrong.
      expect(light.faults.filter(({ code }) => code !== "LIGHT_STALE")).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    "proves the revocation through the newly elected node, to the owner and to the recipient",
    async () => {
      expect((await chain.block([owner.revoke(grantId)])).codes).toEqual(["OK"]);
      const light = await openLight(NEWCOMER);
      expect(await standing(light, owner)).toBe("revoked");
      expect(await standing(light, clinician)).toBe("revoked");
      expect(namesIn(light)).toEqual(namesOf(0, 1, 2, NEWCOMER));
    },
    TIMEOUT_MS,
  );

  it(
    "has no use for the one that left: the chain goes on without it, and its finalizations name the newcomer",
    async () => {
      await test.stop(LEAVER);
      const seats = queries.validators(chain.state, chain.chain.finalized().epoch).map(toHex);
      const seen = new Set<number>();
      const stop = chain.chain.onFinalized(() => {
        const { bitmap } = chain.chain.finalization()!;
        for (const seat of seats.keys()) if ((bitmap[seat >> 3]! >> (seat & 7)) & 1) seen.add(seat);
      });
      const newcomer = seats.indexOf(toHex(test.hospitals[NEWCOMER]!.nodeId));
      const endHeight = chain.height + EPOCH_HEIGHTS - 4;
      while (!seen.has(newcomer) && chain.height < endHeight) await chain.block();
      stop();
      expect(seen).toContain(newcomer);
      const light = await openLight(NEWCOMER);
      expect((await light.advance()).height).toBeGreaterThanOrEqual(chain.height - 1);
    },
    TIMEOUT_MS,
  );
});
