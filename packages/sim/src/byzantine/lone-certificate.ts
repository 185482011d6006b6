import { nullifySubject } from "@consilium/consensus";
import { encodeVoteBitmap } from "@consilium/crypto";
import { type Certificate, toEpoch, toView, VoteKind } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { decodeMessage, encodeMessage, meddle, ownVote } from "./tools.js";

/** Hands out its own single vote as a certificate: well formed, truly signed, and far from a quorum. */
export const loneCertificate: Actor = {
  name: "lone-certificate",
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
        const bitmap = encodeVoteBitmap(ports.names.length, [validator]);
        const certificate: Certificate = { ...subject, bitmap, signature };
        return [message, encodeMessage({ kind: "certificate", certificate })];
      },
    });
    return { transport };
  },
};
