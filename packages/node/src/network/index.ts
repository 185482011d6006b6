export type { MemberAddress } from "./dialer.js";
export type { Admission } from "./libp2p-node.js";
export { Network, type NetworkOptions, openNetwork } from "./network.js";
export { nodeIdOfAddress } from "./peer-names.js";
export { soloTransport } from "./solo-transport.js";
