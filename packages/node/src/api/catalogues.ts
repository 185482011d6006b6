import { openCatalogue, verifyCatalogue } from "@consilium/client";
import { ConsiliumError, concat, equalBytes } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import type { ApiPorts } from "./ports.js";

const PREFIX = 0x20;

/** The sealed type catalogues that owners left with this hospital: the highest number of each owner. */
export class Catalogues {
  /** Numbers are compared and stored one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: Pick<ApiPorts, "alliance" | "keys" | "store" | "log">) {}

  /**
   * Keeps a catalogue and returns its number. Leaving the same one again is harmless.
   * @throws ConsiliumError `NOT_YOURS`, `CATALOGUE_STALE`, and the codes of `verifyCatalogue`.
   */
  put(signer: Uint8Array, message: Uint8Array): Promise<number> {
    const kept = this.#queue.then(() => this.#put(signer, message));
    this.#queue = kept.catch(() => undefined);
    return kept;
  }

  async #put(signer: Uint8Array, message: Uint8Array): Promise<number> {
    const frame = verifyCatalogue(this.#facts(signer, message));
    if (!equalBytes(frame.owner, signer)) {
      throw new ConsiliumError(
        "NOT_YOURS",
        "The catalogue names another owner than the account that signed.",
      );
    }
    const kept = this.ports.store.get(keyOf(signer));
    if (kept !== undefined && equalBytes(kept, message)) return frame.number;
    const keptNumber = kept === undefined ? -1 : verifyCatalogue(this.#facts(signer, kept)).number;
    if (frame.number <= keptNumber) {
      throw new ConsiliumError(
        "CATALOGUE_STALE",
        "A newer catalogue is here already; make one with a higher number.",
        {
          number: keptNumber,
        },
      );
    }
    await this.ports.store.batch([{ key: keyOf(signer), value: message }], { sync: true });
    return frame.number;
  }

  /** @throws ConsiliumError `NO_CATALOGUE`, and the codes of `openCatalogue`. */
  open(owner: Uint8Array) {
    const message = this.ports.store.get(keyOf(owner));
    if (message === undefined) {
      throw new ConsiliumError(
        "NO_CATALOGUE",
        "This owner left no catalogue here; ask for it when they enrol.",
      );
    }
    const exchangeSecret = this.ports.keys.exchange.secretKey;
    return openCatalogue({ ...this.#facts(owner, message), exchangeSecret });
  }

  #facts(owner: Uint8Array, message: Uint8Array) {
    const { alliance, keys } = this.ports;
    const account = queries.account(alliance.state(), owner);
    if (account === undefined)
      throw new ConsiliumError("UNKNOWN_ACCOUNT", "No account with this id is final here.");
    return {
      message,
      chainId: alliance.chainId,
      hospital: keys.node.publicKey,
      ownerSignKey: account.signKey,
    };
  }
}

const keyOf = (owner: Uint8Array): Uint8Array => concat(Uint8Array.of(PREFIX), owner);
