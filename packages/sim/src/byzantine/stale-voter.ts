import type { Actor } from "../world/node.js";
import { meddle } from "./tools.js";

const REMEMBERED_MAX = 400;

/** Says everything again, long after: with each message goes an old one of its own or of its peers. */
export const staleVoter: Actor = {
  name: "stale-voter",
  ports({ options, random }) {
    const heard: Uint8Array[] = [];
    const remember = (message: Uint8Array): void => {
      if (heard.length >= REMEMBERED_MAX) heard[random.between(0, REMEMBERED_MAX - 1)] = message;
      else heard.push(message);
    };
    const transport = meddle(options.transport, {
      send(_to, message) {
        remember(message);
        return [message, random.pick(heard)];
      },
      receive: (receiver) => ({
        message: (from, message) => {
          remember(message);
          receiver.message(from, message);
        },
        gossip: (from, topic, message) => receiver.gossip(from, topic, message),
        connected: (peer) => receiver.connected(peer),
        disconnected: (peer) => receiver.disconnected(peer),
      }),
    });
    return { transport };
  },
};
