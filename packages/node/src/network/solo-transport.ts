import { ConsiliumError } from "@consilium/crypto";
import type { Transport } from "@consilium/protocol";

/** The transport of a chain with one replica: there is nobody to talk to. `self` is the node id, lower-case hex. */
export function soloTransport(self: string): Transport {
  return {
    self,
    connected: () => [],
    send: () => {},
    broadcast: () => {},
    publish: () => {},
    request: async (to, protocol) => {
      const sentence = "This chain has one replica and no peers.";
      throw new ConsiliumError("REQUEST_UNREACHABLE", sentence, { peer: to, protocol });
    },
    receive: () => {},
    serve: () => {},
  };
}
