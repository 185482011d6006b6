import { VoteKind } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { decodeMessage, meddle } from "./tools.js";

/** Notarizes as it should and keeps its finalize votes, and all proof of finality, to itself: blocks wait to be final. */
export const finalizeWithholder: Actor = {
  name: "finalize-withholder",
  ports: ({ options }) => ({
    transport: meddle(options.transport, {
      send(_to, message) {
        const decoded = decodeMessage(message);
        const subject =
          decoded.kind === "vote" ? decoded.vote : decoded.kind === "certificate" && decoded.certificate;
        return subject && subject.kind === VoteKind.finalize ? [] : [message];
      },
    }),
  }),
};
