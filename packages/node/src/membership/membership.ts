import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import type { Log } from "@consilium/protocol";
import type { Network } from "../network/index.js";
import type { AddressExchange } from "./address-exchange.js";
import type { PeerBook } from "./peer-book.js";

/** `awaited`: the finalized state does not know this node yet. `left`: it was a member once. */
export type Standing = "member" | "awaited" | "left";

/** Heights after which members are asked again for those that nobody knew where to find. */
const ASK_HEIGHTS = 20;

const REMEDIES: Readonly<Record<Exclude<Standing, "member">, string>> = {
  awaited:
    "Give member.json to a member, who proposes to admit this node; the others let it in once that has passed and the epoch has ended. Until then it dials them again and again. If it should be a founding member, its keystores are not those that the alliance was founded with.",
  left: "The members have expelled this node; the others talk to it no more.",
};

export interface MembershipPorts {
  readonly alliance: Chain;
  readonly network: Network;
  readonly book: PeerBook;
  readonly addresses: AddressExchange;
  readonly nodeKey: Uint8Array;
  readonly log: Log;
}

/** Keeps the network to those who are members now: looks again whenever an epoch ends, which is when that changes. */
export class Membership {
  #reviewedEpoch = -1;
  #standing: Standing | undefined;
  #unsubscribe: () => void = () => {};

  constructor(private readonly ports: MembershipPorts) {}

  start(): void {
    this.#unsubscribe = this.ports.alliance.onFinalized(({ tip }) => {
      this.#review();
      if (tip.height % ASK_HEIGHTS === 0) this.#askAround();
    });
    this.#review();
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** How this node stands in the finalized state that it has. */
  standing(): Standing {
    const member = queries.memberOf(this.ports.alliance.state(), this.ports.nodeKey);
    if (member === undefined) return "awaited";
    return member.leftHeight === 0 ? "member" : "left";
  }

  #review(): void {
    const { alliance, network, book } = this.ports;
    const epoch = queries.presentEpoch(alliance.state());
    if (epoch === this.#reviewedEpoch) return;
    this.#reviewedEpoch = epoch;
    this.#sayStanding();
    network.review(book.members());
    this.#askAround();
  }

  #askAround(): void {
    const { addresses, network, book, log } = this.ports;
    addresses
      .ask()
      .then((learned) => (learned ? network.review(book.members()) : undefined))
      .catch((error: unknown) => log.warn({ error }, "membership.addresses-failed"));
  }

  #sayStanding(): void {
    const before = this.#standing;
    const standing = this.standing();
    if (before === standing) return;
    this.#standing = standing;
    const { log } = this.ports;
    if (standing !== "member") log.warn({ standing, remedy: REMEDIES[standing] }, "membership.not-a-member");
    else if (before !== undefined) log.info({ standing }, "membership.admitted");
  }
}
