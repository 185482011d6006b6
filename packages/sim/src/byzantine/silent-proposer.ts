import { ConsensusMessageTag } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { meddle } from "./tools.js";

/** Never proposes, but votes: its views end by nullification. */
export const silentProposer: Actor = {
  name: "silent-proposer",
  ports: ({ options }) => ({
    transport: meddle(options.transport, {
      send: (_to, message) => (message[0] === ConsensusMessageTag.proposal ? [] : [message]),
      publish: (topic, message) => (topic === "blocks" ? [] : [message]),
    }),
  }),
};
