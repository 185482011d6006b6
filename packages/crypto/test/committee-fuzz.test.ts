import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat } from "../src/bytes.js";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { dkgCheckEncryptionKey } from "../src/dkg/encryption-key.js";
import { DKG_MESSAGE, dkgMessageType, parseConfirm, parseDeal, parseDispute } from "../src/dkg/messages.js";
import { dkgApply } from "../src/dkg/run.js";
import { type DkgState, decodeDkgState, encodeDkgState } from "../src/dkg/state.js";
import { dkgCheckSwitch } from "../src/dkg/switch.js";
import { ed25519CheckKey, ed25519Verify } from "../src/ed25519.js";
import { ConsiliumError } from "../src/errors.js";
import { hpkeOpen } from "../src/hpke.js";
import { payloadOpen } from "../src/payload.js";
import { voteCheckPossession } from "../src/votes.js";
import {
  Ceremony,
  CHAIN,
  freshParams,
  makeDeal,
  makeNodes,
  reshareParams,
  runHonestly,
} from "./dkg-ceremony.js";

const curve = await loadMclCurve();
const nodes = makeNodes(4, 2);
const params = freshParams(curve, 2, nodes, 3);
const active = runHonestly(curve, params, nodes);
const dealing = new Ceremony(curve, params);
dealing.send(100, nodes[0]!.nodeId, makeDeal(curve, params, 1));
const aborted = dealing.send(500, nodes[0]!.nodeId, new Uint8Array(0)).state;
const resharing = new Ceremony(curve, reshareParams(curve, active, makeNodes(5, 2, "new"), 3)).state;
const states: DkgState[] = [active, aborted, resharing];

const SETTINGS = { numRuns: 300, seed: 11 };
const anyBytes = fc.uint8Array({ maxLength: 700 });
/** Bytes that pass the first checks of a message of the run, so that the later ones are reached too. */
const nearMessage = fc
  .tuple(
    fc.constantFrom(...Object.values(DKG_MESSAGE)),
    fc.constantFrom(114, 150, 210, 244, 414, 452),
    anyBytes,
  )
  .map(([type, length, bytes]) => {
    const body = new Uint8Array(length);
    body.set(bytes.subarray(0, length));
    body.set([type, 1, ...active.sid]);
    return body;
  });

/** Runs a parser on hostile bytes: it may refuse with a code, and must not fail in any other way. */
function refusesOrReads(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(ConsiliumError);
  }
}

describe("hostile bytes", () => {
  it("are refused with a code by every parser of a message", () => {
    const { sid } = active;
    const owner = { chain: CHAIN, purpose: 2 as const, nodeId: nodes[0]!.nodeId };
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearMessage), (bytes) => {
        refusesOrReads(() => dkgMessageType(bytes));
        refusesOrReads(() => parseDeal(params, sid, bytes));
        refusesOrReads(() => parseDispute(sid, bytes));
        refusesOrReads(() => parseConfirm(sid, bytes));
        refusesOrReads(() => dkgCheckSwitch(curve, active, bytes));
        refusesOrReads(() => dkgCheckEncryptionKey(curve, owner, bytes));
        refusesOrReads(() => payloadOpen(bytes, { key: sid }));
        refusesOrReads(() => ed25519CheckKey(bytes));
        refusesOrReads(() =>
          hpkeOpen({ recipientSecret: sid, enc: bytes, info: sid, aad: sid, ciphertext: bytes }),
        );
        expect(ed25519Verify(bytes.subarray(0, 32), sid, bytes.subarray(32, 96))).toBe(false);
        expect(voteCheckPossession(curve, bytes.subarray(0, 48), bytes.subarray(48, 144))).toBe(false);
      }),
      SETTINGS,
    );
  });

  it("never stop a run: each message gets a code", () => {
    fc.assert(
      fc.property(nearMessage, fc.integer({ min: 90, max: 170 }), (body, height) => {
        const open = new Ceremony(curve, params).state;
        const sender = nodes[body[35]! % 4]!.nodeId;
        expect(dkgApply(curve, open, { height, sender, body }).status).toMatch(/^[A-Z0-9_]+$/);
      }),
      SETTINGS,
    );
  });
});

describe("the stored state of a run", () => {
  it("is read back as it was written", () => {
    for (const state of states) expect(decodeDkgState(encodeDkgState(state))).toEqual(state);
    expect(states.map(({ phase }) => phase)).toEqual(["ACTIVE", "ABORTED", "DEAL"]);
  });

  it("has one encoding: bytes changed, cut or added are refused or mean another state", () => {
    const encoded = encodeDkgState(active);
    refusesAll([
      encoded.slice(0, -1),
      concat(encoded, Uint8Array.of(0)),
      Uint8Array.of(2, ...encoded.slice(1)),
    ]);
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const changed = encoded.slice();
        changed[position] = changed[position]! ^ change;
        try {
          expect(encodeDkgState(decodeDkgState(changed))).toEqual(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(ConsiliumError);
        }
      }),
      { numRuns: 400, seed: 5 },
    );
  });

  function refusesAll(values: readonly Uint8Array[]): void {
    for (const bytes of values) expect(() => decodeDkgState(bytes)).toThrow(ConsiliumError);
  }
});
