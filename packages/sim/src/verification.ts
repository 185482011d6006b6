import { type EngineMessage, verifyCertificate, verifyProposal, verifyVotes } from "@consilium/consensus";
import type { Verdict } from "@consilium/protocol";
import type { SimulatedKeys } from "./signatures.js";

/**
 * Checks what arrives with the production verification. Nodes share message objects, so one that was verified once is
 * remembered.
 */
export class MessageCheck {
  readonly #verdicts = new WeakMap<object, Promise<boolean>>();

  constructor(
    private readonly keys: SimulatedKeys,
    private readonly chainId: Uint8Array,
  ) {}

  isValid(message: EngineMessage): Promise<boolean> {
    const key = contentOf(message);
    let verdict = this.#verdicts.get(key);
    if (verdict === undefined) {
      verdict = this.#verify(message).then((each) => each?.kind === "valid");
      this.#verdicts.set(key, verdict);
    }
    return verdict;
  }

  async #verify(message: EngineMessage): Promise<Verdict<unknown> | undefined> {
    const { verifier, set } = this.keys;
    if (message.kind === "vote") return (await verifyVotes(verifier, this.chainId, set, [message.vote]))[0];
    if (message.kind === "proposal") return verifyProposal(verifier, this.chainId, set, message.proposal);
    return verifyCertificate(verifier, this.chainId, set, message.certificate);
  }
}

function contentOf(message: EngineMessage): object {
  if (message.kind === "vote") return message.vote;
  return message.kind === "proposal" ? message.proposal : message.certificate;
}
