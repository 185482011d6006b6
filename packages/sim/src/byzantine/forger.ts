import { nullifySubject } from "@consilium/consensus";
import { type Certificate, toEpoch, toView, VoteKind } from "@consilium/protocol";
import type { Behaviour } from "../node-parts.js";

/** Claims with each vote that everybody nullified the view: a certificate with all bits set and its own signature. */
export const forger: Behaviour = {
  name: "forger",
  outgoing(message, _to, { index, keys, validators }) {
    if (message.kind !== "vote" || message.vote.kind !== VoteKind.notarize)
      return [{ kind: "engine", message }];
    const subject = nullifySubject(toEpoch(message.vote.epoch), toView(message.vote.view));
    const bitmap = new Uint8Array(Math.ceil(validators / 8));
    for (let bit = 0; bit < validators; bit++) bitmap[bit >> 3]! |= 1 << (bit & 7);
    const certificate: Certificate = { ...subject, bitmap, signature: keys.sign(index, subject).signature };
    return [
      { kind: "engine", message },
      { kind: "engine", message: { kind: "certificate", certificate } },
    ];
  },
};
