import type { Actor } from "../world/node.js";
import { rewriteBlocks, shameless } from "./tools.js";

/** How often it is careless, and one peer sees both. */
const BOTH = 0.2;

/** Proposes one block to some peers and another to the rest, both well formed, available and signed. */
export const equivocatingProposer: Actor = {
  name: "equivocating-proposer",
  ports(ports) {
    const others = new Set(ports.names.filter((_, index) => index % 2 === ports.index % 2));
    const later = ({ header, payload }: Parameters<Parameters<typeof rewriteBlocks>[1]>[0]) => ({
      header: { ...header, timestampMs: header.timestampMs + 1 },
      payload,
    });
    return {
      transport: rewriteBlocks(
        ports,
        later,
        (to) => others.has(to),
        () => ports.random.chance(BOTH),
      ),
      store: shameless(ports.options.store),
    };
  },
};
