import type { Actor } from "../world/node.js";
import { certifyWithVotes } from "./tools.js";

/** Hands out its own single vote as a certificate: well formed, truly signed, and far from a quorum. */
export const loneCertificate: Actor = {
  name: "lone-certificate",
  ports: (ports) => ({ transport: certifyWithVotes(ports, (self) => [self]) }),
};
