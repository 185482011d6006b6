import { equalBytes, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { type LedgerEvent, queries } from "@consilium/ledger";
import type { Log } from "@consilium/protocol";

const REMEDIES = {
  refused:
    'The old validators stay, and fewer of them are up than should be. See "consilium candidates" for who cannot be elected and why, and bring those nodes back.',
  convicted:
    'This node signed votes that contradict each other: stop it, find what else uses its keystores, and ask the members to reinstate it with "consilium member propose reinstate".',
} as const;

export interface ElectionNewsPorts {
  readonly alliance: Pick<Chain, "state" | "onFinalized">;
  readonly nodeKey: Uint8Array;
  readonly log: Log;
}

/** Tells the operator in the log what elections bring: who sits next, and loudly what should not have come to pass. */
export class ElectionNews {
  #unsubscribe: () => void = () => {};

  constructor(private readonly ports: ElectionNewsPorts) {}

  start(): void {
    this.#unsubscribe = this.ports.alliance.onFinalized(({ events }) => {
      for (const event of events) this.#tell(event);
    });
  }

  stop(): void {
    this.#unsubscribe();
  }

  #tell(event: LedgerEvent): void {
    const { log, nodeKey } = this.ports;
    if (event.type === "set-elected" && event.changed) {
      const validators = event.validators.map((node) => this.#nameOf(node));
      log.info({ epoch: event.epoch, validators }, "election.validators-change");
    } else if (event.type === "election-refused") {
      const { epoch, reason } = event;
      log.error({ epoch, reason, remedy: REMEDIES.refused }, "election.refused");
    } else if (event.type === "validator-convicted") {
      const { node, epoch, view, stakeLost } = event;
      const facts = { member: this.#nameOf(node), epoch, view, stakeLost };
      if (equalBytes(node, nodeKey))
        log.error({ ...facts, remedy: REMEDIES.convicted }, "election.this-node-convicted");
      else log.warn(facts, "election.validator-convicted");
    }
  }

  #nameOf(node: Uint8Array): string {
    const member = queries.memberOf(this.ports.alliance.state(), node);
    return member === undefined ? toHex(node) : new TextDecoder().decode(member.name);
  }
}
