import { ConsensusMessageTag } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { meddle } from "./tools.js";

/** Takes and gives nothing back: passes no gossip on, answers no request, and tells certificates to few. */
export const withholdingRelay: Actor = {
  name: "withholding-relay",
  ports({ options, names, random }) {
    const told = new Set(random.shuffle(names).slice(0, 1 + Math.floor(names.length / 3)));
    const transport = meddle(options.transport, {
      send: (to, message) =>
        message[0] === ConsensusMessageTag.certificate && !told.has(to) ? [] : [message],
      receive: (receiver) => ({
        message: (from, message) => receiver.message(from, message),
        gossip: async (from, topic, message) => {
          await receiver.gossip(from, topic, message);
          return "ignore";
        },
        connected: (peer) => receiver.connected(peer),
        disconnected: (peer) => receiver.disconnected(peer),
      }),
      serve: () => () => new Promise(() => {}),
    });
    return { transport };
  },
};
