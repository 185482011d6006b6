import type { GossipSub } from "@chainsafe/libp2p-gossipsub";
import { limits } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { ChainGossip, gossipSettings } from "../../src/network/gossip.js";
import { RecordedLog } from "../support/ledger-chain.js";

describe("a gossip message above the limit", () => {
  it("is not sent, and the log says so: the library would drop it in silence", () => {
    const sent: number[] = [];
    const library = {
      publish: async (_topic: string, { length }: Uint8Array) => {
        sent.push(length);
        return { recipients: [] };
      },
    };
    const log = new RecordedLog();
    const gossip = new ChainGossip(library as unknown as GossipSub, "chain", log);
    gossip.publish("transactions", new Uint8Array(limits.gossipMessageBytes + 1));
    expect(sent).toEqual([]);
    expect(log.lines).toMatchObject([{ fields: { sizeBytes: limits.gossipMessageBytes + 1 } }]);
    gossip.publish("transactions", new Uint8Array(limits.gossipMessageBytes));
    expect(sent).toEqual([limits.gossipMessageBytes]);
  });

  it("is not read from a peer either, and the largest block fits", () => {
    expect(gossipSettings.maxInboundDataLength).toBe(limits.gossipMessageBytes);
    expect(limits.blockPayloadBytes).toBeLessThan(limits.gossipMessageBytes);
  });
});
