import { nullifySubject } from "@consilium/consensus";
import { type Certificate, toEpoch, toView, VoteKind } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { decodeMessage, encodeMessage, meddle, ownVote } from "./tools.js";

/** Claims with each vote that everybody nullified the view, or finalized the block: all bits set, its own signature. */
export const forgedCertificate: Actor = {
  name: "forged-certificate",
  ports(ports) {
    const transport = meddle(ports.options.transport, {
      send(_to, message) {
        const decoded = decodeMessage(message);
        if (decoded.kind !== "vote" || decoded.vote.kind !== VoteKind.notarize) return [message];
        const { epoch, view, parentView, digest, validator } = decoded.vote;
        const subject = ports.random.chance(0.5)
          ? nullifySubject(toEpoch(epoch), toView(view))
          : { kind: VoteKind.finalize, epoch, view, parentView, digest };
        const { signature } = ownVote(ports, validator, subject);
        const certificate: Certificate = { ...subject, bitmap: everybody(ports.names.length), signature };
        return [message, encodeMessage({ kind: "certificate", certificate })];
      },
    });
    return { transport };
  },
};

function everybody(count: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (let bit = 0; bit < count; bit++) bitmap[bit >> 3]! |= 1 << (bit & 7);
  return bitmap;
}
