import type { Actor } from "../world/node.js";
import { rewriteBlocks, shameless } from "./tools.js";

/** Proposes blocks that claim another state than their parent's execution gives. */
export const wrongStateRoot: Actor = {
  name: "wrong-state-root",
  ports: (ports) => ({
    transport: rewriteBlocks(ports, ({ header, payload }) => ({
      header: { ...header, stateRoot: ports.random.bytes(32) },
      payload,
    })),
    store: shameless(ports.options.store),
  }),
};
