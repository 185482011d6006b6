export type { MemberAddress } from "./dialer.js";
export { Network, type NetworkOptions, openNetwork } from "./network.js";
export { soloTransport } from "./solo-transport.js";
