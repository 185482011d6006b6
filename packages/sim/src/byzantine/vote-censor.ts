import { payloadRootOf } from "@consilium/protocol";
import type { Actor } from "../world/node.js";
import { meddle, rewriteBlocks, shameless } from "./tools.js";

/** Wants one peer to look silent: leaves all facts out of its blocks, and hears nothing of that peer. */
export const voteCensor: Actor = {
  name: "vote-censor",
  ports(ports) {
    const victim = ports.random.pick(ports.names.filter((_, index) => index !== ports.index));
    const deaf = meddle(ports.options.transport, {
      receive: (receiver) => ({
        message: (from, message) => {
          if (from !== victim) receiver.message(from, message);
        },
        gossip: (from, topic, message) => receiver.gossip(from, topic, message),
        connected: (peer) => receiver.connected(peer),
        disconnected: (peer) => receiver.disconnected(peer),
      }),
    });
    const options = { ...ports.options, transport: deaf };
    const transport = rewriteBlocks({ ...ports, options }, ({ header, payload }) => {
      const { transactions } = payload;
      const without = { transactions, facts: [] };
      return { header: { ...header, payloadRoot: payloadRootOf(without) }, payload: without };
    });
    return { transport, store: shameless(ports.options.store) };
  },
};
