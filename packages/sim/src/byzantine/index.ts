import { doubleVoter } from "./double-voter.js";
import { equivocatingProposer } from "./equivocating-proposer.js";
import { forger } from "./forger.js";
import { silentProposer } from "./silent-proposer.js";

/** Each misbehaviour is a file. */
export const behaviours = [silentProposer, equivocatingProposer, doubleVoter, forger] as const;
