import type { Actor } from "../world/node.js";
import { certifyWithVotes } from "./tools.js";

/** Claims with each vote that everybody nullified the view, or finalized the block: all bits set, its own signature. */
export const forgedCertificate: Actor = {
  name: "forged-certificate",
  ports: (ports) => ({ transport: certifyWithVotes(ports, () => [...ports.names.keys()]) }),
};
