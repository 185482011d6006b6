/** A whole committee in one place, for tests: seeded secrets, and helpers that drive a run message by message. */
import { bigintFromBytes, concat, u16, utf8 } from "../src/bytes.js";
import type { Curve } from "../src/curve/curve.js";
import { encodeScalar } from "../src/curve/encoding.js";
import { reduceScalar } from "../src/curve/order.js";
import { dkgMakeConfirm } from "../src/dkg/confirm.js";
import { dkgMakeDeal } from "../src/dkg/deal.js";
import { dkgCheckEncryptionKey, dkgMakeEncryptionKey } from "../src/dkg/encryption-key.js";
import { type DkgParams, type DkgPurpose, dkgBaseGroup, dkgWindowBlocksMin } from "../src/dkg/params.js";
import { type DkgStep, dkgApply, dkgOpen } from "../src/dkg/run.js";
import { dkgDealRandomSizeBytes, dkgDrawDealSecrets, scalarFromRandom } from "../src/dkg/secrets.js";
import { dkgFinalShare } from "../src/dkg/share.js";
import type { DkgState } from "../src/dkg/state.js";
import { expandMessage, hashToScalar, sha256 } from "../src/hash.js";

export const CHAIN = new Uint8Array(32).fill(0xc5);

/** Deterministic bytes for a named purpose. */
export function seeded(name: string, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, index) =>
    sha256(utf8(name), u16(index)),
  );
  return concat(...blocks).slice(0, sizeBytes);
}

export const seededScalar = (name: string) => scalarFromRandom(expandMessage(utf8("TEST"), 48, utf8(name)));
export const seededNonce = (name: string) => ({ random: seeded(name, 32) });

export interface Node {
  readonly nodeId: Uint8Array;
  readonly encryptionSecret: Uint8Array;
}

export function makeNodes(count: number, purpose: DkgPurpose, label = "node"): Node[] {
  return Array.from({ length: count }, (_, index) => ({
    nodeId: seeded(`${label} ${index}`, 32),
    encryptionSecret: seededScalar(`${label} ${index} purpose ${purpose}`),
  }));
}

export function registeredKey(curve: Curve, purpose: DkgPurpose, node: Node): Uint8Array {
  const owner = { chain: CHAIN, purpose, nodeId: node.nodeId };
  const message = dkgMakeEncryptionKey(curve, owner, node.encryptionSecret, seededNonce("registration"));
  return dkgCheckEncryptionKey(curve, owner, message);
}

export function freshParams(
  curve: Curve,
  purpose: DkgPurpose,
  nodes: readonly Node[],
  threshold: number,
): DkgParams {
  return {
    chain: CHAIN,
    purpose,
    mode: 0,
    keyNo: 1,
    epoch: 1,
    attempt: 1,
    startHeight: 100,
    threshold,
    windowBlocks: dkgWindowBlocksMin(nodes.length),
    previousTranscript: new Uint8Array(32),
    members: nodes.map((node) => ({
      nodeId: node.nodeId,
      encryptionKey: registeredKey(curve, purpose, node),
    })),
  };
}

/** Parameters of the reshare of a finished run to other members. */
export function reshareParams(
  curve: Curve,
  from: DkgState,
  nodes: readonly Node[],
  threshold: number,
  startHeight = 1000,
): DkgParams {
  const { params, result } = from;
  return {
    ...freshParams(curve, params.purpose, nodes, threshold),
    mode: 1,
    epoch: params.epoch + 1,
    startHeight,
    previousTranscript: result!.transcript,
    old: {
      threshold: params.threshold,
      nodeIds: params.members.map((member) => member.nodeId),
      verificationKeys: result!.verificationKeys,
      key: result!.commitments[0]!,
    },
  };
}

export function makeDeal(
  curve: Curve,
  params: DkgParams,
  dealer: number,
  oldShare?: Uint8Array,
  salt = "",
): Uint8Array {
  const random = seeded(`deal ${dealer} ${params.epoch} ${salt}`, dkgDealRandomSizeBytes(params));
  return dkgMakeDeal(curve, params, dealer, dkgDrawDealSecrets(params, random, oldShare));
}

/**
 * The deal of a cheating dealer: one sealed share is wrong by one bit, and the proof is made over the changed bytes,
 * so that only the member concerned can notice.
 */
export function makeWithheldDeal(
  curve: Curve,
  params: DkgParams,
  dealer: number,
  member: number,
): Uint8Array {
  const random = seeded(`deal ${dealer} ${params.epoch} withheld`, dkgDealRandomSizeBytes(params));
  const secrets = dkgDrawDealSecrets(params, random);
  const group = dkgBaseGroup(curve, params.purpose);
  const proven = dkgMakeDeal(curve, params, dealer, secrets).slice(0, -96);
  const end = proven.length - 32 * (params.members.length - member);
  proven[end - 1] = proven[end - 1]! ^ 1;
  const alpha = 1234567n;
  const beta = 7654321n;
  const commitments = [
    group.toBytes(group.multiplyGenerator(alpha)),
    curve.g1.toBytes(curve.g1.multiplyGenerator(beta)),
  ];
  const challenge = hashToScalar("DKG-POK", proven, ...commitments);
  const respond = (nonce: bigint, secret: Uint8Array) =>
    encodeScalar(reduceScalar(nonce + challenge * bigintFromBytes(secret)));
  const first = respond(alpha, secrets.coefficients[0]!);
  return concat(proven, encodeScalar(challenge), first, respond(beta, secrets.ephemeralSecret));
}

export function makeConfirm(curve: Curve, state: DkgState, member: number, node: Node): Uint8Array {
  const owner = { chain: CHAIN, purpose: state.params.purpose, nodeId: node.nodeId };
  const nextSecret = seededScalar(`next ${member}`);
  return dkgMakeConfirm(curve, state.params, {
    member,
    transcript: state.result!.transcript,
    share: dkgFinalShare(curve, state, member, node.encryptionSecret),
    nextEncryptionKey: dkgMakeEncryptionKey(curve, owner, nextSecret, seededNonce("next")),
    nonce: seededNonce(`confirm ${member}`),
  });
}

/** A run that is driven one message at a time. */
export class Ceremony {
  state: DkgState;

  constructor(
    readonly curve: Curve,
    params: DkgParams,
  ) {
    this.state = dkgOpen(params);
  }

  send(height: number, sender: Uint8Array, body: Uint8Array): DkgStep {
    const step = dkgApply(this.curve, this.state, { height, sender, body });
    this.state = step.state;
    return step;
  }
}

/** A run in which everyone is honest, up to ACTIVE by the fast path. */
export function runHonestly(
  curve: Curve,
  params: DkgParams,
  nodes: readonly Node[],
  dealers: readonly { readonly nodeId: Uint8Array; readonly oldShare?: Uint8Array }[] = nodes,
): DkgState {
  const ceremony = new Ceremony(curve, params);
  const { startHeight } = params;
  dealers.forEach(({ nodeId, oldShare }, index) => {
    ceremony.send(startHeight, nodeId, makeDeal(curve, params, index + 1, oldShare));
  });
  // A message of the wrong kind still brings the state to its height.
  ceremony.send(startHeight + 1, nodes[0]!.nodeId, new Uint8Array(0));
  nodes.forEach((node, index) => {
    ceremony.send(startHeight + 1, node.nodeId, makeConfirm(curve, ceremony.state, index + 1, node));
  });
  return ceremony.state;
}
