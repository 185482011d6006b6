import { equalBytes } from "@consilium/crypto";
import { type Block, digestOf, fault, payloadRootOf, type Verdict, valid } from "@consilium/protocol";

/** A body that belongs to its header and this chain: the digest, or the fault of whoever sent it. */
export function checkBody(block: Block, chainId: Uint8Array): Verdict<Uint8Array> {
  if (!equalBytes(block.header.chainId, chainId))
    return fault("BLOCK_WRONG_CHAIN", "the block is of another chain");
  if (!equalBytes(payloadRootOf(block.payload), block.header.payloadRoot)) {
    return fault("BLOCK_BAD_PAYLOAD_ROOT", "the payload is not the one its header names");
  }
  return valid(digestOf(block.header));
}
