import { type ValidatorSet, voteBytes } from "@consilium/consensus";
import { encodeVoteBitmap, equalBytes, sha256, utf8, type VoteSuite } from "@consilium/crypto";
import { createCurveVoteSuite, loadCurve, votePossessionProof } from "@consilium/crypto/curve";
import {
  CandidateReady,
  CandidateRegister,
  CandidateResign,
  type Certificate,
  EvidenceConsensus,
  MemberApprove,
  MemberPropose,
  ProposalAction,
  presets,
  SafetyReset,
  SignedTransaction,
  StakeVote,
  TransactionKind,
  transactionIdOf,
  type Vote,
  VoteKind,
  type VoteSubject,
} from "@consilium/protocol";
import { createAllianceLedger, queries } from "../../src/index.js";
import { Actor } from "./actors.js";
import { type BlockOutcome, makeGenesis, TestChain } from "./chain.js";

const ZERO_32 = new Uint8Array(32);
/** A signature that nobody looks at: facts are verified by a block's voters. */
const UNSEEN = new Uint8Array(96);

/** A hospital with the vote key of its node. Named by one letter. */
export class Hospital extends Actor {
  voteSecret: Uint8Array;

  constructor(
    readonly letter: string,
    readonly suite: VoteSuite,
  ) {
    super(`hospital ${letter}`);
    this.voteSecret = this.makeSecret(0);
  }

  makeSecret(generation: number): Uint8Array {
    const secret = sha256(utf8(`vote key ${this.letter} ${generation}`));
    secret[0] = 0;
    return secret;
  }

  get voteKey(): Uint8Array {
    return this.suite.publicKey(this.voteSecret);
  }
}

export interface AllianceSetup {
  /** Stakes of the founding members A, B, C, … */
  readonly stakes: readonly number[];
  readonly seats?: number;
  /** L. */
  readonly lengthHeights?: number;
}

/** Alliances of hospitals named by letters, whose blocks tests make one epoch at a time. */
export class Alliance {
  private readonly hospitals = new Map<string, Hospital>();

  private constructor(
    readonly chain: TestChain,
    readonly suite: VoteSuite,
    private readonly curve: Awaited<ReturnType<typeof loadCurve>>,
    founders: readonly Hospital[],
  ) {
    for (const each of founders) this.hospitals.set(each.letter, each);
  }

  static async start({ stakes, seats = 4, lengthHeights = 4 }: AllianceSetup): Promise<Alliance> {
    const curve = await loadCurve({ backend: "mcl" });
    const suite = createCurveVoteSuite(curve);
    const founders = stakes.map((_, index) => new Hospital(String.fromCharCode(65 + index), suite));
    const genesis = makeGenesis({
      seats,
      parameters: { ...presets.devnet, epochLengthHeights: lengthHeights },
      members: founders.map((hospital, index) => ({
        name: utf8(hospital.name),
        nodeKey: hospital.key,
        exchangeKey: hospital.exchangeKey,
        voteKey: hospital.voteKey,
        votePossession: votePossessionProof(curve, hospital.voteSecret),
        stake: stakes[index]!,
      })),
    });
    const chain = await TestChain.start(createAllianceLedger, genesis, founders);
    return new Alliance(chain, suite, curve, founders);
  }

  /** The hospital of a letter, a founder or a newcomer. */
  hospital(letter: string): Hospital {
    const known = this.hospitals.get(letter) ?? new Hospital(letter, this.suite);
    this.hospitals.set(letter, known);
    return known;
  }

  get epoch(): number {
    return queries.presentEpoch(this.chain.state);
  }

  /** The letters of an epoch's set in alphabetical order; undefined when it is not elected yet. */
  set(epoch: number): string | undefined {
    const set = queries.validatorSet(this.chain.state, epoch);
    return set && this.lettersOf(set).split("").sort().join("");
  }

  /** The letters of a set in order of vote indices. */
  lettersOf(set: ValidatorSet): string {
    return set.map(({ nodeId }) => this.letterOf(nodeId)).join("");
  }

  letterOf(node: Uint8Array): string {
    return [...this.hospitals.values()].find(({ key }) => equalBytes(key, node))!.letter;
  }

  /** A transaction of a hospital with the next nonce of its account. */
  private send<Value>(
    letter: string,
    kind: number,
    type: { serialize(value: Value): Uint8Array },
    payload: Value,
  ): Uint8Array {
    return this.hospital(letter).transaction(this.chain.id, kind, type, payload);
  }

  ready = (letter: string, epoch = this.epoch): Uint8Array =>
    this.send(letter, TransactionKind.candidateReady, CandidateReady, { epoch });
  resign = (letter: string, epoch = this.epoch): Uint8Array =>
    this.send(letter, TransactionKind.candidateResign, CandidateResign, { epoch });
  reset = (letter: string, epoch = this.epoch): Uint8Array =>
    this.send(letter, TransactionKind.safetyReset, SafetyReset, { epoch });

  vote(letter: string, votes: Readonly<Record<string, number>>): Uint8Array {
    const list = Object.entries(votes).map(([candidate, stake]) => ({
      candidate: this.hospital(candidate).key,
      stake,
    }));
    return this.voteList(letter, list);
  }

  voteList = (letter: string, votes: StakeVote["votes"]): Uint8Array =>
    this.send(letter, TransactionKind.stakeVote, StakeVote, { votes });

  /** Registers a candidate, with another vote key when a generation is given. */
  register(letter: string, generation?: number): Uint8Array {
    const hospital = this.hospital(letter);
    if (generation !== undefined) hospital.voteSecret = hospital.makeSecret(generation);
    const payload = { voteKey: hospital.voteKey, votePossession: this.possession(letter) };
    return this.registerKey(letter, payload);
  }

  registerKey = (letter: string, payload: CandidateRegister): Uint8Array =>
    this.send(letter, TransactionKind.candidateRegister, CandidateRegister, payload);

  possession = (letter: string): Uint8Array =>
    votePossessionProof(this.curve, this.hospital(letter).voteSecret);

  propose(letter: string, decision: Partial<MemberPropose>): Uint8Array {
    const none = { action: 0, subject: ZERO_32, stake: 0, seats: 0, newcomer: null };
    return this.send(letter, TransactionKind.memberPropose, MemberPropose, { ...none, ...decision });
  }

  approve = (letter: string, proposal: Uint8Array): Uint8Array => this.approveId(letter, idOf(proposal));
  approveId = (letter: string, proposalId: Uint8Array): Uint8Array =>
    this.send(letter, TransactionKind.memberApprove, MemberApprove, { proposalId });

  /** A proposal by the first letter with the approvals of the others. */
  decide(letters: string, decision: Partial<MemberPropose>): Uint8Array[] {
    const [first, ...others] = letters;
    const proposal = this.propose(first!, decision);
    return [proposal, ...others.map((letter) => this.approve(letter, proposal))];
  }

  admission(letter: string, stake: number): Partial<MemberPropose> {
    const { name, key, exchangeKey, voteKey } = this.hospital(letter);
    const votePossession = this.possession(letter);
    const newcomer = { name: utf8(name), nodeKey: key, exchangeKey, voteKey, votePossession };
    return { action: ProposalAction.admit, stake, newcomer };
  }

  about = (action: number, letter: string, stake = 0): Partial<MemberPropose> => ({
    action,
    subject: this.hospital(letter).key,
    stake,
  });

  /** A vote that a hospital really signs, under its index in the epoch's set. */
  signedVote(letter: string, subject: Partial<VoteSubject>): Vote {
    const whole = { kind: VoteKind.notarize, epoch: 0, view: 3, parentView: 2, digest: ZERO_32, ...subject };
    const set = queries.validatorSet(this.chain.state, whole.epoch) ?? [];
    const { key, voteSecret } = this.hospital(letter);
    const signature = this.suite.sign(voteSecret, voteBytes(this.chain.id, whole));
    return { ...whole, validator: set.findIndex(({ nodeId }) => equalBytes(nodeId, key)), signature };
  }

  evidence = (reporter: string, first: Vote, second: Vote): Uint8Array =>
    this.send(reporter, TransactionKind.evidenceConsensus, EvidenceConsensus, { first, second });

  /** Two notarize votes of one view by one hospital, in a transaction of another. */
  doubleVote(reporter: string, accused: string, epoch = 0, view = 3): Uint8Array {
    const [first, second] = [1, 2].map((fill) =>
      this.signedVote(accused, { epoch, view, digest: ZERO_32.map(() => fill) }),
    );
    return this.evidence(reporter, first!, second!);
  }

  /** A fact by the hospitals of these letters, whatever it says. */
  fact(letters: string, subject: Partial<VoteSubject> = {}): Certificate {
    const whole = { kind: VoteKind.notarize, epoch: 0, view: 1, parentView: 0, digest: ZERO_32, ...subject };
    const set = queries.validatorSet(this.chain.state, whole.epoch) ?? [];
    const order = this.lettersOf(set);
    const signers = [...letters].map((letter) => order.indexOf(letter)).sort((one, other) => one - other);
    return { ...whole, bitmap: encodeVoteBitmap(set.length, signers), signature: UNSEEN };
  }

  /**
   * The rest of the present epoch: these transactions, then `ready` of those letters, in its next block, then empty
   * blocks to the boundary. All must take effect.
   */
  async finishEpoch(transactions: Uint8Array[], ready: string): Promise<BlockOutcome[]> {
    const { lengthHeights, boundaryHeight } = queries.epochInfo(this.chain.state);
    const outcomes = [
      await this.chain.block([...transactions, ...[...ready].map((each) => this.ready(each))]),
    ];
    const refused = outcomes[0]!.codes.filter((code) => code !== "OK");
    if (refused.length > 0) throw new Error(`refused: ${refused.join(" ")}`);
    if (lengthHeights < 2) throw new Error("an epoch has at least two heights");
    while (this.chain.height < boundaryHeight) outcomes.push(await this.chain.block());
    return outcomes;
  }
}

export const idOf = (transaction: Uint8Array): Uint8Array =>
  transactionIdOf(SignedTransaction.deserialize(transaction).transaction);
