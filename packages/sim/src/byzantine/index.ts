import { faultBound } from "@consilium/protocol";
import type { Profile } from "../profiles.js";
import type { SeededRandom } from "../random.js";
import type { Actor } from "../world/node.js";
import { cancellingVotes } from "./cancelling-votes.js";
import { doubleVoter } from "./double-voter.js";
import { equivocatingProposer } from "./equivocating-proposer.js";
import { finalizeWithholder } from "./finalize-withholder.js";
import { forgedCertificate } from "./forged-certificate.js";
import { forgedRanges } from "./forged-ranges.js";
import { invalidPayload } from "./invalid-payload.js";
import { loneCertificate } from "./lone-certificate.js";
import { silentProposer } from "./silent-proposer.js";
import { staleVoter } from "./stale-voter.js";
import { voteCensor } from "./vote-censor.js";
import { withholdingRelay } from "./withholding-relay.js";
import { wrongStateRoot } from "./wrong-state-root.js";

/** Each misbehaviour is a file; twins have a profile of their own. */
export const actors: readonly Actor[] = [
  equivocatingProposer,
  doubleVoter,
  silentProposer,
  withholdingRelay,
  staleVoter,
  invalidPayload,
  wrongStateRoot,
  forgedCertificate,
  loneCertificate,
  forgedRanges,
  finalizeWithholder,
  cancellingVotes,
  voteCensor,
];

export interface ActorPlan {
  readonly actors: readonly (readonly [machine: number, actor: Actor])[];
  /** Founders that run twice with one key; the copies are machines after the founders. */
  readonly twinsOf: readonly number[];
}

/** Draws up to f misbehaving validators, at least one where f allows any. */
export function chooseActors(profile: Profile, validators: number, random: SeededRandom): ActorPlan {
  const bound = faultBound(validators);
  if (profile.byzantine === "none" || bound === 0) return { actors: [], twinsOf: [] };
  const machines = random.shuffle(Array.from({ length: validators }, (_, index) => index));
  const faulty = machines.slice(0, random.between(1, bound));
  if (profile.byzantine === "twins") return { actors: [], twinsOf: faulty };
  const choice = actors.filter(({ name }) => profile.actor === undefined || name === profile.actor);
  return { actors: faulty.map((machine) => [machine, random.pick(choice)] as const), twinsOf: [] };
}
