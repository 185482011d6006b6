import { ConsensusMessageTag } from "@consilium/protocol";
import type { Behaviour } from "./behaviour.js";

/** Votes like everybody, but never sends a proposal of its own: each of its views has to time out. */
export const silentProposer: Behaviour = (options) => {
  const { transport } = options;
  const isProposal = (message: Uint8Array) => message[0] === ConsensusMessageTag.proposal;
  return {
    ...options,
    transport: {
      ...boundMethods(transport),
      send: (to, message) => {
        if (!isProposal(message)) transport.send(to, message);
      },
      broadcast: (to, message) => {
        if (!isProposal(message)) transport.broadcast(to, message);
      },
    },
  };
};

type Transport = Parameters<Behaviour>[0]["transport"];

/** All of a transport, so that single methods can be replaced although it is an instance of a class. */
export function boundMethods(transport: Transport): Transport {
  return {
    self: transport.self,
    connected: () => transport.connected(),
    send: (to, message) => transport.send(to, message),
    broadcast: (to, message) => transport.broadcast(to, message),
    publish: (topic, message) => transport.publish(topic, message),
    request: (to, protocol, body, options) => transport.request(to, protocol, body, options),
    receive: (receiver) => transport.receive(receiver),
    serve: (protocol, handler) => transport.serve(protocol, handler),
  };
}
