import { createHash } from "node:crypto";
import {
  type GossipSub,
  type GossipsubOpts,
  type Message,
  StrictNoSign,
  TopicValidatorResult,
} from "@chainsafe/libp2p-gossipsub";
import { type GossipTopic, type Log, limits } from "@consilium/protocol";
import type { PeerId } from "@libp2p/interface";
import { nodeIdOf } from "./peer-names.js";

const digest = (data: Uint8Array): Buffer => createHash("sha256").update(data).digest();

/**
 * Gossip for an alliance whose messages carry their own signatures. Validation comes before forwarding; a fast message
 * id keeps duplicates from being verified again, which is the largest gain of all settings. Several nodes of a test
 * cluster stand behind one address, so that is no reason for a low score.
 */
export const gossipSettings: Partial<GossipsubOpts> = {
  globalSignaturePolicy: StrictNoSign,
  D: 3,
  Dlo: 2,
  Dhi: 4,
  Dout: 1,
  fallbackToFloodsub: false,
  allowPublishToZeroTopicPeers: true,
  ignoreDuplicatePublishError: true,
  emitSelf: false,
  doPX: false,
  tagMeshPeers: false,
  fastMsgIdFn: ({ topic, data }) => `${topic}:${digest(data ?? new Uint8Array()).toString("base64")}`,
  msgIdFn: ({ topic, data }) => createHash("sha256").update(topic).update(digest(data)).digest(),
  msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.length).toString("base64"),
  scoreParams: { IPColocationFactorWeight: 0 },
  maxInboundDataLength: limits.gossipMessageBytes,
};

export type GossipVerdict = "accept" | "ignore" | "reject";
export type GossipReceiver = (
  from: string,
  topic: GossipTopic,
  message: Uint8Array,
) => Promise<GossipVerdict>;

const verdicts: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

const topics = ["blocks", "transactions"] as const;

/** The two gossip topics of one chain. */
export class ChainGossip {
  constructor(
    private readonly gossip: GossipSub,
    private readonly chainId: string,
    private readonly log: Log,
  ) {}

  /** Every message is judged by the receiver before it is forwarded. */
  install(receiver: GossipReceiver): void {
    for (const topic of topics) {
      this.gossip.topicValidators.set(this.nameOf(topic), (peer, message) =>
        this.judge(receiver, topic, peer, message),
      );
    }
  }

  /** Asks the peers for messages. Gossipsub allows that only once it was started. */
  subscribe(): void {
    for (const topic of topics) this.gossip.subscribe(this.nameOf(topic));
  }

  publish(topic: GossipTopic, message: Uint8Array): void {
    if (message.length > limits.gossipMessageBytes) {
      // Gossipsub would report no recipients and nothing else.
      this.log.error({ topic, sizeBytes: message.length }, "gossip message above the limit not sent");
      return;
    }
    this.gossip.publish(this.nameOf(topic), message).catch((error: unknown) => {
      this.log.debug({ topic, reason: String(error) }, "gossip not published");
    });
  }

  private nameOf(topic: GossipTopic): string {
    return `/consilium/${this.chainId}/${topic}/1`;
  }

  private async judge(
    receiver: GossipReceiver,
    topic: GossipTopic,
    peer: PeerId,
    message: Message,
  ): Promise<TopicValidatorResult> {
    const from = nodeIdOf(peer);
    if (from === undefined) return TopicValidatorResult.Ignore;
    return verdicts[await receiver(from, topic, plainView(message.data))];
  }
}

/**
 * Gossipsub hands out Buffers, whose `slice` shares memory where a Uint8Array's copies. Nothing behind the transport
 * may depend on that difference.
 */
const plainView = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);
