import type { EngineMessage } from "@consilium/consensus";
import { ConsiliumError, concat, u8 } from "@consilium/crypto";
import { Certificate, ConsensusMessageTag, decodeStrict, Proposal, Vote } from "@consilium/protocol";

/** One consensus stream message: tag byte and SSZ. */
export function encodeMessage(message: EngineMessage): Uint8Array {
  switch (message.kind) {
    case "proposal":
      return concat(u8(ConsensusMessageTag.proposal), Proposal.serialize(message.proposal));
    case "vote":
      return concat(u8(ConsensusMessageTag.vote), Vote.serialize(message.vote));
    case "certificate":
      return concat(u8(ConsensusMessageTag.certificate), Certificate.serialize(message.certificate));
  }
}

/** Throws `BAD_ENCODING` for anything that {@link encodeMessage} does not make. */
export function decodeMessage(bytes: Uint8Array): EngineMessage {
  const body = bytes.subarray(1);
  switch (bytes[0]) {
    case ConsensusMessageTag.proposal:
      return { kind: "proposal", proposal: decodeStrict(Proposal, body, "proposal") };
    case ConsensusMessageTag.vote:
      return { kind: "vote", vote: decodeStrict(Vote, body, "vote") };
    case ConsensusMessageTag.certificate:
      return { kind: "certificate", certificate: decodeStrict(Certificate, body, "certificate") };
    default:
      throw new ConsiliumError("BAD_ENCODING", "The message has an unknown tag.", { tag: bytes[0] ?? -1 });
  }
}
