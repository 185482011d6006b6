import { beforeAll, describe, expect, it } from "vitest";
import { proxyMayAnswer, queries } from "../../src/index.js";
import { prefixes } from "../../src/state/keys.js";
import { addGrant, addRecord, makeWorld, type World } from "../support/people.js";

const hour = 3_600_000;
const day = 24 * hour;

let world: World;

beforeAll(async () => {
  world = await makeWorld();
});

describe("Grants that are long dead", () => {
  it("leave the state, a bounded number a block, and leave their accesses behind", async () => {
    const { chain, owner, clinician } = world;
    const startMs = chain.timeMs;
    const record = await addRecord(world, owner);
    const gids: Uint8Array[] = [];
    for (let count = 0; count < 18; count++) {
      gids.push(await addGrant(world, owner, clinician, { expiryMs: startMs + hour }));
    }
    const lasting = await addGrant(world, owner, clinician, { expiryMs: startMs + 100 * day });
    await chain.block([clinician.open(gids[0]!, [record])]);
    await chain.send(owner.revoke(gids[1]!));
    const access = queries.accessesOfOwner(chain.state, owner.id)[0]!;
    const left = () => gids.filter((gid) => queries.grant(chain.state, gid) !== undefined).length;

    await chain.block([], 29 * day);
    expect(left()).toBe(18);
    await chain.block([], 3 * day);
    expect(left()).toBe(2);
    await chain.block();
    expect(left()).toBe(0);
    await chain.block();
    const lists = [...chain.state.entries.keys()].filter((key) => key.startsWith("53"));
    expect(lists).toHaveLength(2);
    expect(queries.grant(chain.state, lasting)).toBeDefined();
    expect(queries.grantsOfOwner(chain.state, owner.id)).toHaveLength(1);

    expect(queries.access(chain.state, access.requestId)).toEqual(access);
    const context = { node: chain.member(0).key, nowMs: chain.timeMs };
    expect(proxyMayAnswer(chain.state, access.requestId, context)).toMatchObject({ code: "GRANT_INACTIVE" });
    expect(await chain.refused(owner.revoke(gids[0]!))).toBe("GRANT_UNKNOWN");
    expect(prefixes.grantsExpiring).toBe(0x53);
  }, 60_000);

  it("write nothing in blocks in which none is due", async () => {
    const { chain } = world;
    await chain.block();
    const before = chain.meaning();
    await chain.block();
    expect(chain.meaning()).toBe(before);
  });
});
