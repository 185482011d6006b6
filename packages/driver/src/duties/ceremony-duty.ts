/**
 * What a node owes a key ceremony (Consilium CS01 §13), as a pure decision.
 *
 * `decideCeremony(view, memory)` looks at the finalized state of one purpose and at what this node holds durably, and
 * names the acts that are due. It keeps nothing: called again after a crash, or twice for one block, it names the same
 * acts until their effect stands in state or memory. The acts themselves (curve work, keystores, transactions) belong
 * to the node, which carries out each `key` at most once at a time.
 *
 * The two purposes have dealing keys, shares and runs of their own, so their ceremonies never wait for each other.
 */
import { type HexId, Purpose } from "@consilium/protocol";

/** Where a run stands; ACTIVE and ABORTED end it. */
export type CeremonyPhase = "DEAL" | "DISPUTE" | "CONFIRM" | "ACTIVE" | "ABORTED";

/** The newest run of a purpose, as the finalized state shows it. Indices start at 1. */
export interface CeremonyRunView {
  readonly sessionId: HexId;
  readonly phase: CeremonyPhase;
  /** This node's index among the members, undefined when it is none. */
  readonly ownIndex: number | undefined;
  readonly memberCount: number;
  /** Frozen dealing key (EK, hex) of this node in the run. */
  readonly ownDealingKey: HexId | undefined;
  /** Dealers with an accepted deal, ascending. */
  readonly deals: readonly number[];
  /** Dealers whose deal does not count any more. */
  readonly disqualified: readonly number[];
  /** Members convicted of a false dispute: they take no further part. */
  readonly slashed: readonly number[];
  /** Members whose confirmation of the present transcript counts. */
  readonly confirmed: readonly number[];
  /** The run serves since the switch. */
  readonly switched: boolean;
  /** Block time since which the run's shares alone serve: the switch and one response window are past. */
  readonly oldSharesMayGo: boolean;
}

/** One purpose's finalized state, reduced to what decisions need. */
export interface CeremonyView {
  readonly purpose: Purpose;
  /** Finalized height. */
  readonly height: number;
  /** Place of this node among those that will form the next run, from 0; undefined when it is none of them. */
  readonly seat: number | undefined;
  readonly seatCount: number;
  /** EK (hex) that this node has registered for the next run. */
  readonly registeredDealingKey: HexId | undefined;
  /** A run can be announced now: one is due and every member has registered its dealing key. */
  readonly announceDue: boolean;
  readonly run: CeremonyRunView | undefined;
}

/** What this node holds durably for the purpose, and what it found out about the run's deals since it started. */
export interface CeremonyMemory {
  /** EKs (hex) whose secrets are in keystores. */
  readonly dealingKeys: ReadonlySet<HexId>;
  /** Sessions for which a share is in a keystore. */
  readonly shares: ReadonlySet<HexId>;

  /** What was found of the run's deals since this node started, by dealer. */
  readonly judged: ReadonlyMap<number, "good" | "bad">;
}

/** One act that is due. `key` names it: the node runs no two acts of one key at a time. */
export type CeremonyAct =
  | { readonly kind: "register-key"; readonly key: string }
  | { readonly kind: "announce"; readonly key: string }
  /** Send the stored deal of the session; make and store one first if there is none. */
  | { readonly kind: "deal"; readonly key: string; readonly sessionId: HexId; readonly index: number }
  | {
      readonly kind: "judge";
      readonly key: string;
      readonly sessionId: HexId;
      readonly index: number;
      readonly dealers: readonly number[];
    }
  | {
      readonly kind: "dispute";
      readonly key: string;
      readonly sessionId: HexId;
      readonly index: number;
      readonly dealer: number;
    }
  /** Compute the share from the qualified deals, store it and the next dealing key, then confirm. */
  | {
      readonly kind: "confirm";
      readonly key: string;
      readonly sessionId: HexId;
      readonly index: number;
      readonly qualified: readonly number[];
    }
  /** Collect test answers under the new shares and submit the switch. */
  | { readonly kind: "switch"; readonly key: string; readonly sessionId: HexId }
  | { readonly kind: "erase-share"; readonly key: string; readonly sessionId: HexId }
  | { readonly kind: "erase-dealing-key"; readonly key: string; readonly dealingKey: HexId };

/**
 * Heights for which one member is on duty to announce or to switch, before it is the next one's turn: long enough for its
 * transaction to become final, so that the next one does not send it again.
 */
const TURN_HEIGHTS = 16;

/** The acts that are due now, in the order in which they should be started. */
export function decideCeremony(view: CeremonyView, memory: CeremonyMemory): readonly CeremonyAct[] {
  return [
    ...decideKey(view, memory),
    ...decideAnnounce(view),
    ...decideRun(view, memory),
    ...decideErase(view, memory),
  ];
}

/** A member of the next run registers a dealing key, also in place of one whose secret it lost. */
function decideKey(view: CeremonyView, memory: CeremonyMemory): readonly CeremonyAct[] {
  if (view.seat === undefined || isOpen(view.run)) return [];
  const registered = view.registeredDealingKey;
  if (registered !== undefined && memory.dealingKeys.has(registered)) return [];
  return [{ kind: "register-key", key: "register-key" }];
}

/** Members take turns, so that one announcement is sent and not n; a silent member's turn passes. */
function decideAnnounce(view: CeremonyView): readonly CeremonyAct[] {
  if (!view.announceDue || view.seat === undefined || isOpen(view.run)) return [];
  return onDuty(view.height, view.seat, view.seatCount) ? [{ kind: "announce", key: "announce" }] : [];
}

function decideRun(view: CeremonyView, memory: CeremonyMemory): readonly CeremonyAct[] {
  const run = view.run;
  if (run?.ownIndex === undefined) return [];
  const { sessionId, ownIndex: index } = run;
  switch (run.phase) {
    case "DEAL":
      return run.deals.includes(index) ? [] : [{ kind: "deal", key: `deal:${sessionId}`, sessionId, index }];
    case "DISPUTE":
    case "CONFIRM":
      return decideShares(run, index, memory);
    case "ACTIVE":
      if (run.switched || !memory.shares.has(sessionId)) return [];
      if (!onDuty(view.height, index - 1, run.memberCount)) return [];
      return [{ kind: "switch", key: `switch:${sessionId}`, sessionId }];
    case "ABORTED":
      return [];
  }
}

/** First every deal is judged, then bad ones are disputed while that is allowed, and only good ones are confirmed. */
function decideShares(run: CeremonyRunView, index: number, memory: CeremonyMemory): readonly CeremonyAct[] {
  // A lost dealing key leaves this member without a share in this run: it counts among the f faults.
  if (run.ownDealingKey === undefined || !memory.dealingKeys.has(run.ownDealingKey)) return [];
  if (run.slashed.includes(index)) return [];
  const { sessionId } = run;
  const qualified = run.deals.filter((dealer) => !run.disqualified.includes(dealer));
  const dealers = qualified.filter((dealer) => !memory.judged.has(dealer));
  if (dealers.length > 0) return [{ kind: "judge", key: `judge:${sessionId}`, sessionId, index, dealers }];
  const bad = qualified.filter((dealer) => memory.judged.get(dealer) === "bad");
  if (bad.length > 0) {
    if (run.phase !== "DISPUTE") return [];
    return bad.map((dealer) => ({
      kind: "dispute",
      key: `dispute:${sessionId}:${dealer}`,
      sessionId,
      index,
      dealer,
    }));
  }
  if (run.confirmed.includes(index)) return [];
  return [{ kind: "confirm", key: `confirm:${sessionId}`, sessionId, index, qualified }];
}

/**
 * Secrets go at their time: those of an aborted run at once; after a switch, when its response window is past, every
 * share but the serving one and every dealing key but the one registered for the next run. Before, nothing goes: else
 * nobody would serve in between.
 */
function decideErase(view: CeremonyView, memory: CeremonyMemory): readonly CeremonyAct[] {
  const run = view.run;
  if (run === undefined) return [];
  if (run.phase === "ABORTED") return eraseShares([...memory.shares].filter((id) => id === run.sessionId));
  if (!run.switched || !run.oldSharesMayGo) return [];
  const keys = [...memory.dealingKeys].filter((key) => key !== view.registeredDealingKey);
  return [
    ...eraseShares([...memory.shares].filter((id) => id !== run.sessionId)),
    // Without a registered next key the node may be about to register one that it holds already: keep all until then.
    ...(view.registeredDealingKey === undefined ? [] : keys).map(
      (dealingKey) =>
        ({ kind: "erase-dealing-key", key: `erase-dealing-key:${dealingKey}`, dealingKey }) as const,
    ),
  ];
}

const eraseShares = (sessions: readonly HexId[]): readonly CeremonyAct[] =>
  sessions.map((sessionId) => ({ kind: "erase-share", key: `erase-share:${sessionId}`, sessionId }));

const isOpen = (run: CeremonyRunView | undefined): boolean =>
  run !== undefined && run.phase !== "ACTIVE" && run.phase !== "ABORTED";

const onDuty = (height: number, seat: number, seatCount: number): boolean =>
  Math.floor(height / TURN_HEIGHTS) % seatCount === seat;

/** Keystore kinds and readable names of the two purposes. */
export const purposeNames: Readonly<Record<Purpose, "key-centre" | "proxy">> = {
  [Purpose.keyCentre]: "key-centre",
  [Purpose.proxy]: "proxy",
};
