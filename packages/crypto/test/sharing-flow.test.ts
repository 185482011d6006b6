import { describe, expect, it } from "vitest";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { requestId } from "../src/request.js";
import { firstIndices, seed, World } from "./support/world.js";

const mcl = await loadMclCurve();

/** The whole way of two records from their author to a clinician. */
async function share(world: World, answering: readonly number[]) {
  const ownerKey = await world.register();
  const records = [await world.seal(1, ownerKey), await world.seal(2, ownerKey)];
  const terms = world.grantTerms(ownerKey);
  const grant = await world.openGrant(terms, await world.grant(terms));
  const request = world.request(records);
  const fragments = await world.collect(request, records, answering);
  const recovered = await world.reads.run("recoverRecords", {
    chain: world.chain,
    requestId: requestId(request),
    generation: world.generation,
    threshold: world.threshold,
    requestSecret: seed("request"),
    grant,
    records,
    fragments,
  });
  return { ownerKey, records, recovered };
}

describe.each([
  { maker: mcl, reader: nobleCurve },
  { maker: nobleCurve, reader: mcl },
])("an alliance of four where $maker.name makes and $reader.name reads", ({ maker, reader }) => {
  it("carries two records from the author through a grant and three proxies to the clinician", async () => {
    const world = new World(maker, reader);
    const { records, recovered } = await share(world, [1, 3, 4]);
    expect(recovered).toEqual({ keys: records.map(({ key }) => ({ key })), faults: [] });
  });

  it("lets the owner open what the author sealed", async () => {
    const world = new World(maker, reader);
    const ownerKey = await world.register();
    const record = await world.seal(1, ownerKey);
    const key = await world.reads.run("openCapsuleAsOwner", {
      ...record,
      identity: world.identity(),
      ownerKey,
      decryptionKey: await world.decryptionKey(),
    });
    expect(key).toEqual(record.key);
  });
});

describe("an alliance of thirty-one", () => {
  it("carries records with any twenty-one of its proxies", async () => {
    const world = new World(mcl, mcl, 31, 21);
    const { records, recovered } = await share(world, firstIndices(31).slice(10));
    expect(recovered).toEqual({ keys: records.map(({ key }) => ({ key })), faults: [] });
  });

  it("recovers nothing from twenty proxies", async () => {
    const world = new World(mcl, mcl, 31, 21);
    const { recovered } = await share(world, firstIndices(20));
    expect(recovered.keys).toEqual([{ code: "TOO_FEW_SHARES" }, { code: "TOO_FEW_SHARES" }]);
  });
});
