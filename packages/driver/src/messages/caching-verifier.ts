import type { VoteVerifier } from "@consilium/consensus";
import { type SignedVote, sha256, toHex } from "@consilium/crypto";

const REMEMBERED_MAX = 2_048;

/**
 * Remembers what was found good. Certificates arrive from every peer and again inside proposals; the pairing is paid
 * once. Only successes are kept, so nobody can make a bad signature good, nor fill memory.
 */
export function cachingVerifier(inner: VoteVerifier): VoteVerifier {
  const good = new Set<string>();
  const remember = (name: string) => {
    const oldest = good.size >= REMEMBERED_MAX ? good.values().next().value : undefined;
    if (oldest !== undefined) good.delete(oldest);
    good.add(name);
  };
  return {
    async verifyBatch(votes) {
      const unknown = votes.filter((vote) => !good.has(nameOfVote(vote)));
      if (unknown.length === 0) return true;
      const holds = await inner.verifyBatch(unknown);
      if (holds) for (const vote of unknown) remember(nameOfVote(vote));
      return holds;
    },
    async verify(publicKeys, message, signature) {
      const name = toHex(sha256(message, signature, ...publicKeys));
      if (good.has(name)) return true;
      const holds = await inner.verify(publicKeys, message, signature);
      if (holds) remember(name);
      return holds;
    },
    aggregate: (signatures) => inner.aggregate(signatures),
  };
}

const nameOfVote = ({ publicKey, message, signature }: SignedVote): string =>
  toHex(sha256(message, signature, publicKey));
