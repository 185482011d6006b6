import { ContainerType, ListCompositeType, OptionalType, type ValueOf } from "@chainsafe/ssz";
import { limits } from "../limits.js";
import { BlockHeader } from "./block.js";
import { Certificate, Vote } from "./vote.js";

/**
 * A proposal: a header offered for a view, on top of a certified parent. It is carried by its proposer's own notarize
 * vote, which is its signature. `parentCertificate` is the parent's notarization, or with parentView 0 the finalization
 * of the epoch's first parent (absent on top of genesis). The body travels by gossip.
 */
export const Proposal = new ContainerType({
  header: BlockHeader,
  vote: Vote,
  parentCertificate: new OptionalType(Certificate),
  /** The newest skipped views' nullifications; older ones are fetched by range. */
  nullifications: new ListCompositeType(Certificate, limits.nullificationsPerProposal),
});
export type Proposal = ValueOf<typeof Proposal>;
