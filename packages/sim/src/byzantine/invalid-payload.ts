import { type BlockPayload, payloadRootOf } from "@consilium/protocol";
import type { SeededRandom } from "../random.js";
import type { Actor } from "../world/node.js";
import { rewriteBlocks, shameless } from "./tools.js";

/** Proposes blocks whose payload no voter may accept: garbage, a broken signature, one transaction twice. */
export const invalidPayload: Actor = {
  name: "invalid-payload",
  ports: (ports) => ({
    transport: rewriteBlocks(ports, ({ header, payload }) => {
      const bad = spoil(payload, ports.random);
      return { header: { ...header, payloadRoot: payloadRootOf(bad) }, payload: bad };
    }),
    store: shameless(ports.options.store),
  }),
};

function spoil({ transactions, facts }: BlockPayload, random: SeededRandom): BlockPayload {
  const [first] = transactions;
  const garbage = random.bytes(random.between(1, 200));
  if (first === undefined || random.chance(0.3)) return { transactions: [...transactions, garbage], facts };
  if (random.chance(0.5)) return { transactions: [...transactions, first], facts };
  const broken = first.slice();
  broken[broken.length - 1]! ^= 1;
  return { transactions: [broken, ...transactions.slice(1)], facts };
}
