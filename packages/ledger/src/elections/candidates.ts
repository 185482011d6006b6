import type { StateReader } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, refuse } from "../rules.js";
import type { CandidateEntry } from "../state/election-values.js";

/**
 * A candidate that stands for election now.
 * @throws ConsiliumError `CANDIDATE_UNKNOWN`, `CANDIDATE_BANNED`, `CANDIDATE_RESIGNED`.
 */
export function standingCandidate(state: StateReader, node: Uint8Array): CandidateEntry {
  const candidate = queries.candidate(state, node);
  if (candidate === undefined) refuse("CANDIDATE_UNKNOWN");
  ensure(candidate.bannedHeight === 0, "CANDIDATE_BANNED");
  ensure(candidate.standing === 1, "CANDIDATE_RESIGNED");
  return candidate;
}
