import { B32, ContainerType, decodeStrict, ListCompositeType, OptionalType } from "@consilium/protocol";
import type { StateProof } from "./tree.js";

/** A state proof as it travels: SSZ. */
export const StateProofBytes = new ContainerType({
  siblings: new ListCompositeType(B32, 256),
  otherLeaf: new OptionalType(new ContainerType({ keyHash: B32, valueHash: B32 })),
});

export const encodeStateProof = ({ siblings, otherLeaf }: StateProof): Uint8Array =>
  StateProofBytes.serialize({ siblings: [...siblings], otherLeaf: otherLeaf ?? null });

/** @throws ConsiliumError `BAD_ENCODING`. */
export function decodeStateProof(bytes: Uint8Array): StateProof {
  const { siblings, otherLeaf } = decodeStrict(StateProofBytes, bytes, "state proof");
  return otherLeaf === null ? { siblings } : { siblings, otherLeaf };
}
