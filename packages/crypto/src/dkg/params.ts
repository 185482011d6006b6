/**
 * What one run of the distributed key generation is about (Consilium CS01 §13): ledger-free DKG after Feldman and
 * Pedersen, on a totally ordered log, so that no echo round is needed and no dealer can show two deals.
 */
import { concat, equalBytes, isAllZero, requireLength, u8, u16, u32, u64 } from "../bytes.js";
import type { Curve, G1Point, G2Point, Group } from "../curve/curve.js";
import { ConsiliumError } from "../errors.js";
import { hash } from "../hash.js";

/** 1: the key-centre key s, public part in G2. 2: the proxy key z, public part in G1. */
export type DkgPurpose = 1 | 2;

export const DKG_PURPOSE = { keyCentre: 1, proxy: 2 } as const;
export const DKG_MODE = { fresh: 0, reshare: 1 } as const;
export const DKG_MEMBERS_MIN = 4;
export const DKG_MEMBERS_MAX = 31;

export interface DkgMember {
  /** Ed25519 key of the node, 32 bytes. */
  readonly nodeId: Uint8Array;
  /** EK_j, 48 bytes, registered with its proof. */
  readonly encryptionKey: Uint8Array;
}

/** The committee whose key is reshared. */
export interface DkgOldCommittee {
  readonly threshold: number;
  readonly nodeIds: readonly Uint8Array[];
  /** VK_i of each old member, in order. */
  readonly verificationKeys: readonly Uint8Array[];
  /** The public key, which the reshare keeps. */
  readonly key: Uint8Array;
}

/** Frozen when a run is announced; plain data. */
export interface DkgParams {
  /** Genesis hash, 32 bytes. */
  readonly chain: Uint8Array;
  readonly purpose: DkgPurpose;
  readonly mode: 0 | 1;
  readonly keyNo: number;
  /** The share epoch that this run makes. */
  readonly epoch: number;
  readonly attempt: number;
  /** h0, the height at which dealing starts. */
  readonly startHeight: number;
  /** t: this many shares reconstruct. */
  readonly threshold: number;
  /** D, the length of each of the three windows in blocks. */
  readonly windowBlocks: number;
  /** Transcript hash of the serving key for a reshare, else 32 zero bytes. */
  readonly previousTranscript: Uint8Array;
  /** Members in order; member j has index j, from 1. */
  readonly members: readonly DkgMember[];
  /** Present exactly for a reshare. */
  readonly old?: DkgOldCommittee;
}

export type BasePoint = G1Point | G2Point;

/** The group of the public key: G2 for s, G1 for z. */
export function dkgBaseGroup(curve: Curve, purpose: DkgPurpose): Group<BasePoint> {
  return purpose === DKG_PURPOSE.keyCentre ? curve.g2 : curve.g1;
}

/** |B|: 96 for s, 48 for z. */
export function dkgBaseSizeBytes(purpose: DkgPurpose): number {
  return purpose === DKG_PURPOSE.keyCentre ? 96 : 48;
}

/** The shortest window a run of n members may have, in blocks. */
export function dkgWindowBlocksMin(memberCount: number): number {
  return Math.max(20, 2 * memberCount);
}

/** f = ⌊(n − 1)/3⌋. */
export function dkgFaultsMax(memberCount: number): number {
  return Math.floor((memberCount - 1) / 3);
}

/** Who deals: the members of a fresh run, the old members of a reshare; dealer i has index i, from 1. */
export function dkgDealers(params: DkgParams): readonly Uint8Array[] {
  return params.old?.nodeIds ?? params.members.map((member) => member.nodeId);
}

/** How many valid deals a run needs: t, or the old t for a reshare. */
export function dkgDealsMin(params: DkgParams): number {
  return params.old?.threshold ?? params.threshold;
}

/** Throws `DKG_BAD_PARAMS` when sizes, threshold, mode or members are not those of a possible run. */
export function checkDkgParams(params: DkgParams): void {
  const { members, mode, old, purpose } = params;
  if (purpose !== 1 && purpose !== 2) throw badParams("purpose");
  if (mode !== 0 && mode !== 1) throw badParams("mode");
  checkCommittee(members.length, params.threshold);
  checkDistinct(members.map((member) => member.nodeId));
  if (members.some((member) => member.encryptionKey.length !== 48)) throw badParams("encryptionKey");
  if (params.windowBlocks < dkgWindowBlocksMin(members.length)) throw badParams("windowBlocks");
  if ((mode === DKG_MODE.reshare) !== (old !== undefined)) throw badParams("old");
  if (old === undefined) {
    if (!isAllZero(params.previousTranscript)) throw badParams("previousTranscript");
    return;
  }
  checkCommittee(old.nodeIds.length, old.threshold);
  checkDistinct(old.nodeIds);
  const sizeBytes = dkgBaseSizeBytes(purpose);
  const points = [old.key, ...old.verificationKeys];
  if (points.length !== 1 + old.nodeIds.length || points.some((point) => point.length !== sizeBytes)) {
    throw badParams("old");
  }
}

/** The id of a run, 32 bytes: it fixes every parameter. Throws `DKG_BAD_PARAMS`, `BAD_LENGTH`. */
export function dkgSid(params: DkgParams): Uint8Array {
  checkCommittee(params.members.length, params.threshold);
  return hash(
    "DKG-SID",
    requireLength(params.chain, 32, "chain"),
    u8(params.purpose),
    u8(params.mode),
    u32(params.keyNo),
    u32(params.epoch),
    u8(params.attempt),
    u64(params.startHeight),
    u16(params.members.length),
    u16(params.threshold),
    ...params.members.flatMap((member) => [
      requireLength(member.nodeId, 32, "node id"),
      requireLength(member.encryptionKey, 48, "encryption key"),
    ]),
    requireLength(params.previousTranscript, 32, "previous transcript"),
  );
}

/** True when `index` (from 1) is the place of `sender` in the list. */
export function isIndexOf(nodeIds: readonly Uint8Array[], index: number, sender: Uint8Array): boolean {
  const nodeId = nodeIds[index - 1];
  return nodeId !== undefined && equalBytes(nodeId, sender);
}

/** Members of a run as node ids, in order. */
export function dkgMemberIds(params: DkgParams): readonly Uint8Array[] {
  return params.members.map((member) => member.nodeId);
}

/** Bytes that name a run and two of its indices, as several transcripts start. */
export function runPrefix(sid: Uint8Array, ...indices: readonly number[]): Uint8Array {
  return concat(sid, ...indices.map((index) => u16(index)));
}

function checkCommittee(memberCount: number, threshold: number): void {
  const faultsMax = dkgFaultsMax(memberCount);
  const inRange = memberCount >= DKG_MEMBERS_MIN && memberCount <= DKG_MEMBERS_MAX;
  if (inRange && threshold >= faultsMax + 1 && threshold <= memberCount - faultsMax) return;
  throw new ConsiliumError(
    "DKG_BAD_PARAMS",
    "A committee has 4 to 31 members and a threshold from f + 1 to n − f; announce the run with such numbers.",
    { memberCount, threshold },
  );
}

function checkDistinct(nodeIds: readonly Uint8Array[]): void {
  const distinct = new Set(nodeIds.map((nodeId) => nodeId.join()));
  if (distinct.size !== nodeIds.length || nodeIds.some((nodeId) => nodeId.length !== 32))
    throw badParams("members");
}

function badParams(field: string): ConsiliumError {
  return new ConsiliumError(
    "DKG_BAD_PARAMS",
    "These parameters describe no possible run; announce it anew.",
    {
      field,
    },
  );
}
