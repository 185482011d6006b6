import { Purpose } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import {
  type CeremonyMemory,
  type CeremonyRunView,
  type CeremonyView,
  decideCeremony,
} from "../src/duties/index.js";

const OWN_KEY = "aa";
const NEXT_KEY = "bb";

const run = (change: Partial<CeremonyRunView> = {}): CeremonyRunView => ({
  sessionId: "01",
  phase: "DEAL",
  ownIndex: 1,
  memberCount: 4,
  ownDealingKey: OWN_KEY,
  deals: [],
  disqualified: [],
  slashed: [],
  confirmed: [],
  switched: false,
  oldSharesMayGo: false,
  ...change,
});
const view = (change: Partial<CeremonyView> = {}): CeremonyView => ({
  purpose: Purpose.proxy,
  height: 0,
  seat: 0,
  seatCount: 4,
  registeredDealingKey: OWN_KEY,
  announceDue: false,
  run: undefined,
  ...change,
});
const memory = (change: Partial<CeremonyMemory> = {}): CeremonyMemory => ({
  dealingKeys: new Set([OWN_KEY]),
  shares: new Set(),
  judged: new Map(),
  ...change,
});
const kinds = (state: CeremonyView, held = memory()): string[] =>
  decideCeremony(state, held).map(({ kind }) => kind);
const good = (...dealers: number[]) => new Map(dealers.map((dealer) => [dealer, "good"] as const));

describe("what a node owes a ceremony", () => {
  it("registers a dealing key when it has none, or has lost the secret of the registered one", () => {
    expect(kinds(view({ registeredDealingKey: undefined }))).toEqual(["register-key"]);
    expect(kinds(view(), memory({ dealingKeys: new Set() }))).toEqual(["register-key"]);
    expect(kinds(view())).toEqual([]);
  });

  it("owes nothing when it is no member", () => {
    expect(kinds(view({ seat: undefined, registeredDealingKey: undefined, announceDue: true }))).toEqual([]);
    expect(kinds(view({ run: run({ ownIndex: undefined }) }))).toEqual([]);
  });

  it("announces a due run in its turn, and leaves the other turns to the others", () => {
    const turns = [0, 16, 32, 48].map((height) => kinds(view({ announceDue: true, height, seat: 1 })));
    expect(turns).toEqual([[], ["announce"], [], []]);
  });

  it("deals until its deal is accepted", () => {
    expect(kinds(view({ run: run() }))).toEqual(["deal"]);
    expect(kinds(view({ run: run({ deals: [1] }) }))).toEqual([]);
  });

  it("judges every deal before it confirms", () => {
    const state = view({ run: run({ phase: "DISPUTE", deals: [1, 2, 3] }) });
    expect(decideCeremony(state, memory({ judged: good(1) }))).toMatchObject([
      { kind: "judge", dealers: [2, 3] },
    ]);
    expect(decideCeremony(state, memory({ judged: good(1, 2, 3) }))).toMatchObject([
      { kind: "confirm", qualified: [1, 2, 3] },
    ]);
  });

  it("disputes a bad share while disputes are heard, and never confirms over one", () => {
    const judged = new Map<number, "good" | "bad">([...good(1, 2), [3, "bad"]]);
    const dispute = view({ run: run({ phase: "DISPUTE", deals: [1, 2, 3] }) });
    expect(decideCeremony(dispute, memory({ judged }))).toMatchObject([{ kind: "dispute", dealer: 3 }]);
    expect(kinds(view({ run: run({ phase: "CONFIRM", deals: [1, 2, 3] }) }), memory({ judged }))).toEqual([]);
    const upheld = view({ run: run({ phase: "DISPUTE", deals: [1, 2, 3], disqualified: [3] }) });
    expect(decideCeremony(upheld, memory({ judged }))).toMatchObject([
      { kind: "confirm", qualified: [1, 2] },
    ]);
  });

  it("confirms once, and again when a dispute changed the transcript", () => {
    const held = memory({ judged: good(1, 2) });
    const state = (confirmed: number[]) => view({ run: run({ phase: "CONFIRM", deals: [1, 2], confirmed }) });
    expect(kinds(state([1]), held)).toEqual([]);
    expect(kinds(state([]), held)).toEqual(["confirm"]);
  });

  it("keeps out of a run in which it was convicted or whose dealing key it lost", () => {
    const phase = "DISPUTE";
    expect(kinds(view({ run: run({ phase, deals: [1], slashed: [1] }) }))).toEqual([]);
    const lost = memory({ dealingKeys: new Set([NEXT_KEY]) });
    expect(kinds(view({ registeredDealingKey: NEXT_KEY, run: run({ phase, deals: [1] }) }), lost)).toEqual(
      [],
    );
  });

  it("switches a finished run in its turn, if it holds a share of it", () => {
    const state = view({ run: run({ phase: "ACTIVE" }) });
    expect(kinds(state, memory({ shares: new Set(["01"]) }))).toEqual(["switch"]);
    expect(kinds(state)).toEqual([]);
    expect(kinds({ ...state, height: 16 }, memory({ shares: new Set(["01"]) }))).toEqual([]);
  });

  it("erases nothing before the switch and its response window are past", () => {
    const held = memory({ shares: new Set(["00", "01"]), dealingKeys: new Set([OWN_KEY, NEXT_KEY]) });
    const state = (switched: boolean, oldSharesMayGo: boolean) =>
      view({
        registeredDealingKey: NEXT_KEY,
        height: 16,
        run: run({ phase: "ACTIVE", switched, oldSharesMayGo }),
      });
    expect(kinds(state(false, false), held)).toEqual([]);
    expect(kinds(state(true, false), held)).toEqual([]);
    expect(decideCeremony(state(true, true), held)).toMatchObject([
      { kind: "erase-share", sessionId: "00" },
      { kind: "erase-dealing-key", dealingKey: OWN_KEY },
    ]);
  });

  it("erases the share of an aborted run at once", () => {
    const held = memory({ shares: new Set(["00", "01"]) });
    expect(decideCeremony(view({ run: run({ phase: "ABORTED" }) }), held)).toMatchObject([
      { kind: "erase-share", sessionId: "01" },
    ]);
  });
});
