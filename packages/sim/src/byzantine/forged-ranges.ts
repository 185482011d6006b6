import {
  type Block,
  BlocksRequest,
  BlocksResponse,
  digestOf,
  payloadRootOf,
  RequestProtocol,
} from "@consilium/protocol";
import type { Actor, ActorPorts } from "../world/node.js";
import { meddle } from "./tools.js";

/**
 * Helps others to catch up with a history of its own: a block in the middle that is not the one that the next names, a
 * last block that the finalization does not name, or one that a finalization names which nobody signed.
 */
export const forgedRanges: Actor = {
  name: "forged-ranges",
  ports: (ports) => ({
    transport: meddle(ports.options.transport, {
      serve: (protocol, handler) =>
        protocol !== RequestProtocol.blocks
          ? handler
          : async (from, body) => {
              BlocksRequest.deserialize(body);
              const honest = BlocksResponse.deserialize(await handler(from, body));
              return BlocksResponse.serialize(forge(honest, ports));
            },
    }),
  }),
};

function forge({ blocks, finalization }: BlocksResponse, { random }: ActorPorts): BlocksResponse {
  const last = blocks.at(-1);
  if (last === undefined || finalization === null) return { blocks, finalization };
  const kind = random.between(0, 2);
  if (kind === 0 && blocks.length > 1) {
    const place = random.between(0, blocks.length - 2);
    return { blocks: blocks.map((each, index) => (index === place ? altered(each) : each)), finalization };
  }
  const other = altered(last);
  const forged = [...blocks.slice(0, -1), other];
  if (kind !== 2) return { blocks: forged, finalization };
  return { blocks: forged, finalization: { ...finalization, digest: digestOf(other.header) } };
}

/** The same height without its transactions: well formed, and another block. */
function altered({ header, payload }: Block): Block {
  const emptied = { ...payload, transactions: [] };
  return {
    header: { ...header, payloadRoot: payloadRootOf(emptied), timestampMs: header.timestampMs + 1 },
    payload: emptied,
  };
}
