import { ConsiliumError, codeOf, decodeVoteBitmap } from "@consilium/crypto";
import { type Certificate, fault, ignore, type Verdict, valid } from "@consilium/protocol";
import { subjectFlaw, type VoteVerifier, voteBytes } from "./certificates.js";
import { factsMax, isTimely } from "./election/view-tally.js";
import type { ValidatorSet } from "./validator-set.js";

/**
 * Verifies a fact under the set of its epoch: the right shape, at least one signer of the set, their aggregate
 * signature. Unlike a certificate it needs no quorum, since late votes count as well; the verdict's value are the
 * indices of its signers, ascending.
 */
export async function verifyFact(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  fact: Certificate,
): Promise<Verdict<readonly number[]>> {
  const flaw = subjectFlaw(fact);
  if (flaw !== undefined) return fault("VOTE_MALFORMED", flaw);
  try {
    const signers = decodeVoteBitmap(set.length, fact.bitmap);
    if (signers.length === 0) return fault("FACT_NO_SIGNER", "a fact names at least one voter");
    const keys = signers.map((index) => set[index]!.voteKey);
    if (await verifier.verify(keys, voteBytes(chainId, fact), fact.signature)) return valid(signers);
    return fault("VOTE_BAD_AGGREGATE", "not signed by the validators it names");
  } catch (error) {
    if (error instanceof ConsiliumError) return fault(codeOf(error), error.message);
    throw error;
  }
}

export interface FactsContext {
  /** Epoch of the block that includes the facts. */
  readonly epoch: number;
  /** View of the proposal; facts of its epoch speak of earlier views. */
  readonly view: number;
  readonly setOf: (epoch: number) => ValidatorSet | undefined;
}

/**
 * Judges the facts of a proposed block, the cheap rules first: at most 2n, one for each view and kind, of earlier views
 * of this epoch or of the last, each verified under the set of its own epoch. `ignore` when a set is not known here.
 */
export async function verifyFacts(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  facts: readonly Certificate[],
  context: FactsContext,
): Promise<Verdict> {
  const flaw = factsFlaw(facts, context);
  if (flaw !== undefined) return fault("FACTS_BAD_CHOICE", flaw);
  const verdicts = await Promise.all(
    facts.map((each) => {
      const set = context.setOf(each.epoch);
      return set === undefined
        ? ignore("FACT_UNKNOWN_SET", "the set of a fact's epoch is not known here")
        : verifyFact(verifier, chainId, set, each);
    }),
  );
  const bad = verdicts.find(({ kind }) => kind !== "valid");
  if (bad !== undefined && bad.kind !== "valid") return bad;
  return valid(undefined);
}

function factsFlaw(facts: readonly Certificate[], { epoch, view, setOf }: FactsContext): string | undefined {
  const set = setOf(epoch);
  if (set !== undefined && facts.length > factsMax(set.length))
    return "there are more than two facts a validator";
  const seen = new Set<string>();
  for (const fact of facts) {
    if (!isTimely(fact, epoch)) return "a fact is of an epoch that no longer counts, or not yet";
    if (fact.epoch === epoch && fact.view >= view) return "a fact is of a view that is not earlier";
    const name = `${fact.epoch} ${fact.view} ${fact.kind}`;
    if (seen.has(name)) return "two facts are of one view and kind";
    seen.add(name);
  }
  return undefined;
}
