import { nullifySubject, voteBytes } from "@consilium/consensus";
import { concat, encodeVoteBitmap } from "@consilium/crypto";
import {
  Block,
  Certificate,
  ConsensusMessageTag,
  digestOf,
  type GossipTopic,
  Proposal,
  type Store,
  type Transport,
  type TransportReceiver,
  toEpoch,
  toView,
  Vote,
  VoteKind,
  type VoteSubject,
} from "@consilium/protocol";
import { hexOf } from "../checkers/wire.js";
import type { ActorPorts } from "../world/node.js";

/** A consensus message as an actor handles it. */
export type Message =
  | { readonly kind: "proposal"; readonly proposal: Proposal }
  | { readonly kind: "vote"; readonly vote: Vote }
  | { readonly kind: "certificate"; readonly certificate: Certificate };

export function decodeMessage(bytes: Uint8Array): Message {
  const body = bytes.slice(1);
  if (bytes[0] === ConsensusMessageTag.proposal)
    return { kind: "proposal", proposal: Proposal.deserialize(body) };
  if (bytes[0] === ConsensusMessageTag.vote) return { kind: "vote", vote: Vote.deserialize(body) };
  return { kind: "certificate", certificate: Certificate.deserialize(body) };
}

export function encodeMessage(message: Message): Uint8Array {
  if (message.kind === "proposal")
    return tagged(ConsensusMessageTag.proposal, Proposal.serialize(message.proposal));
  if (message.kind === "vote") return tagged(ConsensusMessageTag.vote, Vote.serialize(message.vote));
  return tagged(ConsensusMessageTag.certificate, Certificate.serialize(message.certificate));
}

const tagged = (tag: number, body: Uint8Array): Uint8Array => concat(Uint8Array.of(tag), body);

/** A vote with the actor's own key. */
export function ownVote(ports: ActorPorts, validator: number, subject: VoteSubject): Vote {
  const { kind, epoch, view, parentView, digest } = subject;
  const message = voteBytes(ports.options.application.chainId, subject);
  return { kind, epoch, view, parentView, digest, validator, signature: ports.sign(message) };
}

/** What an actor changes of its transport; the rest stays. */
export interface Meddling {
  /** Messages that go to a peer in place of one; none swallows it. */
  send?(to: string, message: Uint8Array): readonly Uint8Array[];
  publish?(topic: GossipTopic, message: Uint8Array): readonly Uint8Array[];
  receive?(receiver: TransportReceiver): TransportReceiver;
  serve?(
    protocol: string,
    handler: (from: string, body: Uint8Array) => Promise<Uint8Array>,
  ): (from: string, body: Uint8Array) => Promise<Uint8Array>;
}

export function meddle(transport: Transport, meddling: Meddling): Transport {
  const send = (to: string, message: Uint8Array): void => {
    for (const each of meddling.send?.(to, message) ?? [message]) transport.send(to, each);
  };
  return {
    self: transport.self,
    connected: () => transport.connected(),
    send,
    broadcast: (to, message) => {
      for (const each of to) send(each, message);
    },
    publish: (topic, message) => {
      for (const each of meddling.publish?.(topic, message) ?? [message]) transport.publish(topic, each);
    },
    request: (...asked) => transport.request(...asked),
    receive: (receiver) => transport.receive(meddling.receive?.(receiver) ?? receiver),
    serve: (protocol, handler) => transport.serve(protocol, meddling.serve?.(protocol, handler) ?? handler),
  };
}

/**
 * A transport that sends, with each notarize vote, a certificate of the same view that nullifies it or finalizes the
 * block: signed by the actor alone, in the name of the validators that `signers` gives.
 */
export function certifyWithVotes(ports: ActorPorts, signers: (self: number) => readonly number[]): Transport {
  return meddle(ports.options.transport, {
    send(_to, message) {
      const decoded = decodeMessage(message);
      if (decoded.kind !== "vote" || decoded.vote.kind !== VoteKind.notarize) return [message];
      const { epoch, view, parentView, digest, validator } = decoded.vote;
      const subject = ports.random.chance(0.5)
        ? nullifySubject(toEpoch(epoch), toView(view))
        : { kind: VoteKind.finalize, epoch, view, parentView, digest };
      const { signature } = ownVote(ports, validator, subject);
      const bitmap = encodeVoteBitmap(ports.names.length, signers(validator));
      return [
        message,
        encodeMessage({ kind: "certificate", certificate: { ...subject, bitmap, signature } }),
      ];
    },
  });
}

/** Key of the mark that a node sets once it saw a foreign vote of its own key: an actor never takes the hint. */
const FORFEITED = 0x89;

export function shameless(store: Store): Store {
  return {
    get: (key) => (key[0] === FORFEITED ? undefined : store.get(key)),
    batch: (changes, options) =>
      store.batch(
        changes.filter(({ key }) => key[0] !== FORFEITED),
        options,
      ),
    range: (range) => store.range(range),
    close: () => store.close(),
  };
}

/**
 * A transport whose own blocks become others on the way out: `change` is given each, once, and the changed block is
 * proposed under the actor's signature in its place to every peer that `audience` names.
 */
export function rewriteBlocks(
  ports: ActorPorts,
  change: (block: Block) => Block,
  audience: (to: string) => boolean = () => true,
  /** Whether a peer gets the original as well. */
  both: () => boolean = () => false,
): Transport {
  const { transport } = ports.options;
  const waiting = new Map<string, { readonly to: string; readonly proposal: Proposal }[]>();
  const changed = new Map<string, Block>();
  const other = ({ vote, ...rest }: Proposal, block: Block): Uint8Array => {
    const { kind, epoch, view, parentView, validator } = vote;
    const subject = { kind, epoch, view, parentView, digest: digestOf(block.header) };
    const proposal = { ...rest, header: block.header, vote: ownVote(ports, validator, subject) };
    return encodeMessage({ kind: "proposal", proposal });
  };
  return meddle(transport, {
    send(to, message) {
      const decoded = decodeMessage(message);
      if (decoded.kind !== "proposal" || !audience(to)) return [message];
      const name = hexOf(decoded.proposal.vote.digest);
      const block = changed.get(name);
      const original = both() ? [message] : [];
      if (block !== undefined) return [...original, other(decoded.proposal, block)];
      // The body follows in the same breath; then the proposal of the changed one goes out.
      waiting.set(name, [...(waiting.get(name) ?? []), { to, proposal: decoded.proposal }]);
      return original;
    },
    publish(topic, message) {
      if (topic !== "blocks") return [message];
      const own = Block.deserialize(message);
      const name = hexOf(digestOf(own.header));
      const block = change(own);
      changed.set(name, block);
      for (const { to, proposal } of waiting.get(name) ?? []) transport.send(to, other(proposal, block));
      waiting.delete(name);
      return [message, Block.serialize(block)];
    },
  });
}
