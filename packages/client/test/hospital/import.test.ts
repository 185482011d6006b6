import { codeOf, toHex } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { memoryJournal, openCatalogue, splitBundle } from "../../src/index.js";
import { enrolOwner, type Story, startStory } from "../helpers/story.js";
import { smallBundle as bundle } from "./small-bundle.js";

const types = splitBundle(bundle).records.map(({ type }) => type);

async function prepared(seed: string) {
  const story = await startStory(seed);
  const owner = await enrolOwner(story);
  await owner.collectTypes(types);
  await owner.leaveCatalogue(story.alliance.node);
  return { story, owner };
}
const putCount = (story: Story) => story.alliance.log.filter((path) => path.startsWith("/v1/blobs/")).length;

describe("importing a bundle", () => {
  it("goes on where it was cut off, without sealing a record twice", async () => {
    const { story, owner } = await prepared("resume");
    const journal = memoryJournal();
    const input = { bundle, owner: owner.account, journal };
    // The third record's entry is refused once: the import stops there.
    const failures = [undefined, undefined, 422] as unknown as number[];
    story.alliance.faults.failures.set("/v1/records", failures);
    expect(await story.hospital.importBundle(input).then(() => "done", codeOf)).toBe("NOT_READY");
    expect(story.alliance.records).toHaveLength(2);

    const { records } = await story.hospital.importBundle(input);
    expect(records.map(({ type }) => type)).toEqual(types);
    expect(records.map(({ isOld }) => isOld)).toEqual(types.map((_type, place) => place < 2));
    expect(story.alliance.records).toHaveLength(types.length);
    expect(putCount(story)).toBe(types.length);
  });

  it("adds nothing when it is run again", async () => {
    const { story, owner } = await prepared("again");
    const input = { bundle, owner: owner.account, journal: memoryJournal() };
    const first = await story.hospital.importBundle(input);
    const second = await story.hospital.importBundle(input);
    expect(second.records.every(({ isOld }) => isOld)).toBe(true);
    expect(second.records.map(({ recordId }) => recordId)).toEqual(
      first.records.map(({ recordId }) => recordId),
    );
    expect(story.alliance.records).toHaveLength(types.length);
  });

  it("takes a new record id when another import used the one it had", async () => {
    const { story, owner } = await prepared("conflict");
    await story.hospital.importBundle({ bundle, owner: owner.account, journal: memoryJournal() });
    story.alliance.nextRecordNonce = 0;
    story.alliance.records.splice(1);
    const again = await story.hospital.importBundle({
      bundle,
      owner: owner.account,
      journal: memoryJournal(),
    });
    expect(new Set(again.records.map(({ recordId }) => recordId)).size).toBe(types.length);
  });

  it("refuses the whole bundle when the owner's catalogue lacks one of its types", async () => {
    const story = await startStory("lacks");
    const owner = await enrolOwner(story);
    await owner.collectTypes(types.filter((type) => type !== "laboratory"));
    await owner.leaveCatalogue(story.alliance.node);
    const attempt = story.hospital.importBundle({ bundle, owner: owner.account, journal: memoryJournal() });
    await expect(attempt).rejects.toMatchObject({
      code: "TYPE_NOT_IN_CATALOGUE",
      details: { types: "laboratory" },
    });
    expect(story.alliance.records).toHaveLength(0);
  });

  it("shows the node neither a plaintext nor a plain type", async () => {
    const { story, owner } = await prepared("blind");
    await story.hospital.importBundle({ bundle, owner: owner.account, journal: memoryJournal() });
    const seen = [...story.alliance.blobs.values(), ...story.alliance.headers.values()].map(toHex).join();
    const index = JSON.stringify(story.alliance.records);
    expect(seen).not.toContain(Buffer.from("Testpatient").toString("hex"));
    expect(seen).not.toContain(Buffer.from("laboratory").toString("hex"));
    for (const type of types) expect(index).not.toContain(type);
  });
});

describe("the catalogue message", () => {
  it("opens for its hospital alone, and only unchanged", async () => {
    const { story, owner } = await prepared("catalogue");
    const message = story.alliance.catalogues.get(owner.account)!;
    const input = {
      message,
      chainId: story.alliance.chainId,
      hospital: Uint8Array.from(Buffer.from(story.alliance.node, "hex")),
      ownerSignKey: Uint8Array.from(Buffer.from(owner.session.wallet.content.signKey, "hex")),
      exchangeSecret: story.alliance.exchangeSecret,
    };
    const codeOfOpening = (change: Partial<typeof input>): string => {
      try {
        openCatalogue({ ...input, ...change });
        return "opened";
      } catch (error) {
        return codeOf(error);
      }
    };
    expect(openCatalogue(input).entries.map(({ type }) => type)).toEqual(types);
    expect(codeOfOpening({ hospital: new Uint8Array(32) })).toBe("CATALOGUE_WRONG_HOSPITAL");
    expect(codeOfOpening({ exchangeSecret: new Uint8Array(32).fill(5) })).toBe("HPKE_OPEN_FAILED");
    const changed = message.slice();
    changed[100]! ^= 1;
    expect(codeOfOpening({ message: changed })).toBe("SIG_INVALID");
    expect(codeOfOpening({ message: message.slice(0, -1) })).toBe("BAD_LENGTH");
  });
});
