import { grantId as grantIdOf, grantSigningBytes, x25519PublicKey } from "@consilium/crypto";
import {
  AccessOpen,
  AccessRequest,
  CandidateReady,
  CandidateRegister,
  CandidateResign,
  CeremonyAnnounce,
  CeremonyEk,
  CeremonyMessage,
  ChainAnchor,
  EvidenceConsensus,
  GrantCreate,
  GrantRevoke,
  IdentityRegister,
  LabelClose,
  ledgerCodes,
  MemberApprove,
  MemberPropose,
  Purpose,
  RecordIndex,
  SafetyReset,
  StakeVote,
  TransactionKind,
} from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { queries } from "../src/index.js";
import type { Actor } from "./support/actors.js";
import { addGrant, addRecord, indexEntry, makeWorld, type World } from "./support/people.js";

let world: World;

beforeAll(async () => {
  world = await makeWorld();
});

/** A repeatable source of small whole numbers. */
function numbers(start: number): (below: number) => number {
  let seed = start;
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** Payloads of governance and elections with every field in use. */
function electionSamples(member: Actor, digest: Uint8Array): [Actor, number, Uint8Array][] {
  const key = { voteKey: new Uint8Array(48).fill(9), votePossession: new Uint8Array(96).fill(9) };
  const newcomer = { name: digest, nodeKey: digest, exchangeKey: digest, ...key };
  const decision = { action: 1, subject: new Uint8Array(32), stake: 5, seats: 0, newcomer };
  const view = { kind: 1, epoch: 0, view: 3, parentView: 2, digest };
  const vote = { ...view, validator: 1, signature: new Uint8Array(96).fill(8) };
  const second = { ...vote, parentView: 1 };
  const votes = [{ candidate: member.key, stake: 3 }];
  return [
    [member, TransactionKind.memberPropose, MemberPropose.serialize(decision)],
    [member, TransactionKind.memberApprove, MemberApprove.serialize({ proposalId: digest })],
    [member, TransactionKind.stakeVote, StakeVote.serialize({ votes })],
    [member, TransactionKind.candidateRegister, CandidateRegister.serialize(key)],
    [member, TransactionKind.candidateReady, CandidateReady.serialize({ epoch: 0 })],
    [member, TransactionKind.candidateResign, CandidateResign.serialize({ epoch: 0 })],
    [member, TransactionKind.safetyReset, SafetyReset.serialize({ epoch: 0 })],
    [member, TransactionKind.evidenceConsensus, EvidenceConsensus.serialize({ first: vote, second })],
  ];
}

/** A payload with one to four of its bytes changed, or cut short, or made longer. */
function damage(payload: Uint8Array, next: (below: number) => number): Uint8Array {
  const bytes = payload.slice();
  const kind = next(8);
  if (kind === 0) return bytes.slice(0, next(bytes.length));
  if (kind === 1) return Uint8Array.of(...bytes, next(256));
  for (let count = 0; count <= next(4); count++) bytes[next(bytes.length)] = next(256);
  return bytes;
}

describe("A hostile payload under a right envelope", () => {
  it("gets a code of the ledger whatever its bytes are, and never stops the chain", async () => {
    const { chain, owner, clinician, centre } = world;
    const grantId = await addGrant(world, owner, clinician);
    const recordId = await addRecord(world, owner);
    const grant = owner.grant(world, clinician);
    const { sid } = centre.run();
    const header = Uint8Array.of(0x34, 1, ...sid);
    const entry = indexEntry(chain, chain.member(0), owner, 9);
    const open = {
      ...{ grantId, scope: grant.scope, keyNo: 1, shareEpoch: 1, addressee: 0, nonce: 0 },
      ...{ requestKey: x25519PublicKey(new Uint8Array(32).fill(7)), recordIds: [recordId] },
    };
    const member = chain.member(1);
    const ek = { purpose: 1, message: centre.dealingKey(2) };
    const announce = { purpose: 2, mode: 0, keyNo: 1, shareEpoch: 1, attempt: 1 };
    const anchor = { chainId: recordId, height: 4, digest: recordId };
    const samples: [Actor, number, Uint8Array][] = [
      [owner, TransactionKind.identityRegister, IdentityRegister.serialize(owner.registration())],
      [owner, TransactionKind.labelClose, LabelClose.serialize({ label: recordId })],
      [member, TransactionKind.ceremonyEk, CeremonyEk.serialize(ek)],
      [member, TransactionKind.ceremonyAnnounce, CeremonyAnnounce.serialize(announce)],
      [member, TransactionKind.ceremonyDeal, CeremonyMessage.serialize({ body: header })],
      [member, TransactionKind.ceremonyDispute, CeremonyMessage.serialize({ body: header })],
      [member, TransactionKind.ceremonyConfirm, CeremonyMessage.serialize({ body: centre.confirm(2) })],
      [member, TransactionKind.ceremonySwitch, CeremonyMessage.serialize({ body: centre.switchBody() })],
      ...electionSamples(member, chain.id),
      [member, TransactionKind.chainAnchor, ChainAnchor.serialize(anchor)],
      [member, TransactionKind.recordIndex, RecordIndex.serialize(entry)],
      [
        clinician,
        TransactionKind.accessRequest,
        AccessRequest.serialize({ owner: owner.id, sealed: header }),
      ],
      [owner, TransactionKind.grantCreate, GrantCreate.serialize(grant)],
      [owner, TransactionKind.grantRevoke, GrantRevoke.serialize({ grantId })],
      [clinician, TransactionKind.accessOpen, AccessOpen.serialize(open)],
    ];
    const next = numbers(2_026);
    const codes = new Set<string>();
    for (let round = 0; round < 20; round++) {
      for (const [sender, kind, payload] of samples)
        codes.add(await codeOfOne(sender, kind, damage(payload, next)));
      const body = damage(grant.body, next);
      codes.add(
        await codeOfOne(owner, TransactionKind.grantCreate, GrantCreate.serialize(resigned(grant, body))),
      );
    }
    for (const code of codes) expect(Object.keys(ledgerCodes)).toContain(code);
    expect(codes.size).toBeGreaterThan(10);
    expect(queries.tip(chain.state).height).toBe(chain.height);
  });

  /** The code of one transaction, in the pool and then in a block; what does not decode gets into no block. */
  async function codeOfOne(sender: Actor, kind: number, payload: Uint8Array): Promise<string> {
    const { chain } = world;
    sender.nonce = queries.nextNonces(chain.state, sender.account(chain.id)).envelope;
    const transaction = sender.rawTransaction(chain.id, kind, payload);
    await chain.verdict(transaction);
    const verdict = await chain.app.checkPayload(chain.state, chain.makeBlock([transaction]));
    return verdict.kind === "valid" ? chain.send(transaction) : verdict.code;
  }

  /** A grant with another body that its owner did sign, so that its points are looked at. */
  function resigned(earlier: GrantCreate, body: Uint8Array): GrantCreate {
    const { chain, owner } = world;
    const grant = { ...earlier, grantNonce: queries.nextNonces(chain.state, owner.id).grant };
    const terms = {
      chain: chain.id,
      gid: grantIdOf(chain.id, owner.key, grant.grantNonce),
      label: grant.label,
      kgcKeyNo: 1,
      ownerKey: queries.ownerKey(chain.state, owner.id, 1, 1)!,
      proxyKeyNo: 1,
      proxyKey: queries.publicKeyOf(chain.state, Purpose.proxy, 1)!,
      uid: grant.recipient,
      recipientKey: grant.recipientExchangeKey,
      notBeforeMs: grant.notBeforeMs,
      expiryMs: grant.expiryMs,
      scope: grant.scope,
    };
    return { ...grant, body, signature: owner.sign(grantSigningBytes(terms, body)) };
  }
});
