import {
  concat,
  type DkgDealSecrets,
  type DkgParams,
  type DkgState,
  type DkgTestShare,
  decodeScalar,
  dkgDealRandomSizeBytes,
  dkgDrawDealSecrets,
  dkgMakeSwitch,
  encodeScalar,
  hashToScalar,
  reduceScalar,
  sha256,
  u16,
  utf8,
} from "@consilium/crypto";
import {
  type Curve,
  dkgBaseGroup,
  dkgFinalShare,
  dkgMakeConfirm,
  dkgMakeDeal,
  dkgMakeDispute,
  dkgMakeEncryptionKey,
  dkgMakeTestShare,
} from "@consilium/crypto/curve";
import {
  CeremonyAnnounce,
  CeremonyEk,
  CeremonyMessage,
  type Purpose,
  TransactionKind,
} from "@consilium/protocol";
import { plannedCeremony, queries } from "../../src/index.js";
import type { TestChain } from "./chain.js";

/** What the committee's members do in a run, each with its own secrets. Members are named by index from 1. */
export class CeremonyActors {
  constructor(
    readonly chain: TestChain,
    readonly purpose: Purpose,
  ) {}

  private dealingSecret(member: number, generation: number): Uint8Array {
    const secret = sha256(utf8(`dealing key ${this.purpose} ${member} ${generation}`));
    secret[0] = 0;
    return secret;
  }

  private nonce(label: string) {
    return { random: sha256(utf8(`nonce ${this.purpose} ${label}`)) };
  }

  private node(member: number) {
    return this.chain.member(member - 1);
  }

  dealingKey(member: number, generation = 0, nodeId = this.node(member).key): Uint8Array {
    const owner = { chain: this.chain.id, purpose: this.purpose, nodeId };
    const secret = this.dealingSecret(member, generation);
    return dkgMakeEncryptionKey(this.chain.curve, owner, secret, this.nonce(`ek ${member} ${generation}`));
  }

  ek(member: number): Uint8Array {
    const payload = { purpose: this.purpose, message: this.dealingKey(member) };
    return this.node(member).transaction(this.chain.id, TransactionKind.ceremonyEk, CeremonyEk, payload);
  }

  announce(member = 1, overrides: Partial<CeremonyAnnounce> = {}): Uint8Array {
    const plan = plannedCeremony(this.chain.state, this.purpose, this.chain.height + 1);
    const params = plan.due ? plan.params : { mode: 0, keyNo: 1, epoch: 1, attempt: 1 };
    const payload = {
      purpose: this.purpose,
      mode: params.mode,
      keyNo: params.keyNo,
      shareEpoch: params.epoch,
      attempt: params.attempt,
      ...overrides,
    };
    const kind = TransactionKind.ceremonyAnnounce;
    return this.node(member).transaction(this.chain.id, kind, CeremonyAnnounce, payload);
  }

  run(): DkgState {
    const last = queries.lastCeremony(this.chain.state, this.purpose)!;
    return queries.ceremonyState(this.chain.state, last.sessionId)!;
  }

  /** A deal; another `draw` gives another deal, `corrupt` members get a wrong share under a valid proof. */
  deal(
    member: number,
    draw = 0,
    corrupt: readonly number[] = [],
    params: DkgParams = this.run().params,
  ): Uint8Array {
    const label = `deal ${this.purpose} ${member} ${draw} ${params.attempt}`;
    const random = new Uint8Array(dkgDealRandomSizeBytes(params));
    for (let offset = 0; offset < random.length; offset += 32) {
      const block = sha256(utf8(label), u16(offset));
      random.set(block.subarray(0, Math.min(32, random.length - offset)), offset);
    }
    const secrets = dkgDrawDealSecrets(params, random);
    const honest = dkgMakeDeal(this.chain.curve, params, member, secrets);
    return corrupt.length === 0 ? honest : corruptDeal(this.chain.curve, params, honest, secrets, corrupt);
  }

  dispute(member: number, dealer: number, secret = this.dealingSecret(member, 0)): Uint8Array {
    const { params, deals } = this.run();
    const { body } = deals.find((deal) => deal.dealer === dealer)!;
    const nonce = this.nonce(`dispute ${member} ${dealer}`);
    return dkgMakeDispute(this.chain.curve, params, body, member, secret, nonce);
  }

  share(member: number): Uint8Array {
    return dkgFinalShare(this.chain.curve, this.run(), member, this.dealingSecret(member, 0));
  }

  confirm(member: number, transcript = this.run().result!.transcript): Uint8Array {
    return dkgMakeConfirm(this.chain.curve, this.run().params, {
      member,
      transcript,
      share: this.share(member),
      nextEncryptionKey: this.dealingKey(member, 1),
      nonce: this.nonce(`confirm ${member}`),
    });
  }

  testShare(member: number): DkgTestShare {
    const input = { member, share: this.share(member), nonce: this.nonce(`test ${member}`) };
    return dkgMakeTestShare(this.chain.curve, this.run(), input);
  }

  switchBody(members: readonly number[] = [1, 2, 3]): Uint8Array {
    return dkgMakeSwitch(
      this.run(),
      members.map((member) => this.testShare(member)),
    );
  }

  /** A ceremony message sent by a member. */
  message(member: number, kind: number, body: Uint8Array): Uint8Array {
    return this.node(member).transaction(this.chain.id, kind, CeremonyMessage, { body });
  }

  sendDeal = (member: number, body = this.deal(member)): Uint8Array =>
    this.message(member, TransactionKind.ceremonyDeal, body);
  sendDispute = (member: number, body: Uint8Array): Uint8Array =>
    this.message(member, TransactionKind.ceremonyDispute, body);
  sendConfirm = (member: number, body = this.confirm(member)): Uint8Array =>
    this.message(member, TransactionKind.ceremonyConfirm, body);
  sendSwitch = (member: number, body = this.switchBody()): Uint8Array =>
    this.message(member, TransactionKind.ceremonySwitch, body);

  all(make: (member: number) => Uint8Array): Uint8Array[] {
    return [1, 2, 3, 4].map(make);
  }

  async announceRun(): Promise<void> {
    expectAll(await this.chain.block(this.all((member) => this.ek(member))));
    expectAll(await this.chain.block([this.announce()]));
  }

  /** An honest run from dealing keys to serving. */
  async complete(): Promise<void> {
    await this.announceRun();
    expectAll(await this.chain.block(this.all((member) => this.sendDeal(member))));
    // One block after the last deal the dealing window closes.
    await this.chain.block();
    expectAll(await this.chain.block(this.all((member) => this.sendConfirm(member))));
    expectAll(await this.chain.block([this.sendSwitch(1)]));
  }
}

function expectAll({ codes }: { readonly codes: readonly string[] }): void {
  if (codes.some((code) => code !== "OK")) throw new Error(`the ceremony stopped: ${codes.join(" ")}`);
}

const PROOF_SIZE_BYTES = 96;
const SEALED_SHARE_SIZE_BYTES = 32;

/** A cheating dealer: wrong shares for some members, under a joint proof that holds. */
function corruptDeal(
  curve: Curve,
  params: DkgParams,
  honest: Uint8Array,
  secrets: DkgDealSecrets,
  members: readonly number[],
): Uint8Array {
  const proven = honest.slice(0, honest.length - PROOF_SIZE_BYTES);
  const sharesOffset = proven.length - SEALED_SHARE_SIZE_BYTES * params.members.length;
  for (const member of members) {
    const last = sharesOffset + SEALED_SHARE_SIZE_BYTES * member - 1;
    proven[last] = proven[last]! ^ 1;
  }
  const group = dkgBaseGroup(curve, params.purpose);
  const [alpha, beta] = [7n, 11n];
  const commitments = [group.multiplyGenerator(alpha), curve.g1.multiplyGenerator(beta)] as const;
  const challenge = hashToScalar(
    "DKG-POK",
    proven,
    group.toBytes(commitments[0]),
    curve.g1.toBytes(commitments[1]),
  );
  const respond = (nonce: bigint, secret: Uint8Array): Uint8Array =>
    encodeScalar(reduceScalar(nonce + challenge * decodeScalar(secret)));
  return concat(
    proven,
    encodeScalar(challenge),
    respond(alpha, secrets.coefficients[0]!),
    respond(beta, secrets.ephemeralSecret),
  );
}
