import { queries } from "@consilium/ledger";
import { MemberPropose, ProposalAction, type StateReader, TransactionKind } from "@consilium/protocol";
import type { SeededRandom } from "../random.js";
import { exchangeKeyFrom } from "./genesis.js";
import type { SimulatedNode } from "./node.js";
import { standInPossession } from "./pool.js";
import type { World } from "./world.js";

const PERIOD_MS = [1_500, 5_000] as const;
const ZERO_32 = new Uint8Array(32);

/**
 * Members join, leave, and get other stakes: one of them proposes, the others approve as they always do, and the next
 * epoch's end carries it out. A newcomer's machine starts once its admission is final, and stops once it has left and
 * sits in no set any more.
 */
export class Churn {
  private readonly random: SeededRandom;
  /** Machines that wait for admission. */
  private readonly waiting: number[];
  private expelled = 0;
  /** Machines that were admitted so far. */
  joined = 0;

  constructor(private readonly world: World) {
    this.random = world.random.fork("churn");
    this.waiting = world.nodes.map(({ index }) => index).filter((index) => index >= world.founders);
  }

  start(): void {
    if (this.world.profile.churn) this.later();
  }

  private later(): void {
    this.world.queue.after(this.random.between(...PERIOD_MS), () => {
      this.propose();
      this.attend();
      this.later();
    });
  }

  private propose(): void {
    const draw = this.random.next();
    const speaker = this.random.pick(this.running());
    const state = speaker?.driver?.state();
    if (speaker?.sender === undefined || state === undefined || speaker.sender.backlog > 3) return;
    const decision = this.decide(draw, state);
    if (decision === undefined) return;
    speaker.sender.send(TransactionKind.memberPropose, MemberPropose.serialize(decision));
  }

  private decide(draw: number, state: StateReader): MemberPropose | undefined {
    const nothing = { subject: ZERO_32, stake: 0, seats: 0, newcomer: null };
    if (draw < 0.45) {
      const next = this.waiting.find((index) => !queries.isMember(state, this.keyOf(index)));
      if (next === undefined || this.isProposed(state, next)) return undefined;
      return { ...nothing, action: ProposalAction.admit, stake: 110, newcomer: this.newcomer(next) };
    }
    const members = queries.members(state);
    const subject = this.random.pick(members).nodeKey;
    if (draw < 0.6) {
      // Enough founders stay for the chain to tolerate f faults among those that are up.
      if (members.length <= this.world.founders || this.expelled >= this.waiting.length) return undefined;
      this.expelled += 1;
      return { ...nothing, action: ProposalAction.expel, subject };
    }
    return { ...nothing, action: ProposalAction.setStake, subject, stake: 80 + this.random.between(0, 60) };
  }

  private isProposed(state: StateReader, index: number): boolean {
    const name = String(this.keyOf(index));
    return queries.openProposals(state).some(({ newcomer }) => String(newcomer?.nodeKey) === name);
  }

  private newcomer(index: number) {
    const { voteKeys, nodes } = this.world;
    const voteKey = voteKeys.publicKeys[nodes[index]!.options.identity]!;
    return {
      name: new TextEncoder().encode(`newcomer ${index}`),
      nodeKey: this.keyOf(index),
      exchangeKey: exchangeKeyFrom(this.random.fork(`exchange ${index}`)),
      voteKey,
      votePossession: standInPossession(voteKey),
    };
  }

  /** Starts machines of new members and stops those of members that left, by what the chain says. */
  private attend(): void {
    const [witness] = this.running().sort(byHeight);
    const state = witness?.driver?.state();
    if (state === undefined) return;
    // Asked first, for the witness itself may have to leave.
    const peers = this.world.nodes.map((node) => queries.isPeer(state, node.options.key.publicKey));
    for (const node of this.world.nodes) {
      const wanted = peers[node.index]!;
      if (wanted === this.world.members.has(node.index)) continue;
      if (wanted) {
        this.world.members.add(node.index);
        this.joined += 1;
        node.start();
      } else if (!this.world.actors.has(node.index)) {
        this.world.members.delete(node.index);
        node.crash();
      }
    }
  }

  private running(): SimulatedNode[] {
    return this.world.nodes.filter(({ index, driver }) => driver !== undefined && this.world.honest(index));
  }

  private keyOf(index: number): Uint8Array {
    return this.world.nodes[index]!.options.key.publicKey;
  }
}

const byHeight = (left: SimulatedNode, right: SimulatedNode): number =>
  (right.driver?.finalized().height ?? 0) - (left.driver?.finalized().height ?? 0) ||
  left.index - right.index;
