import {
  ConsiliumError,
  type CryptoPool,
  DKG_MEMBERS_MIN,
  dkgWindowBlocksMin,
  ed25519CheckKey,
  toHex,
} from "@consilium/crypto";
import { ChainKind, type Genesis } from "@consilium/protocol";

/** An epoch's first block elects the next set and its last commits to it: they cannot be one block. */
const EPOCH_LENGTH_HEIGHTS_MIN = 2;

/**
 * Judges a genesis that others wrote, before this node trusts it: every founder proves possession of its vote key, no
 * key stands twice, and epochs can turn. Without the proofs a founder could make up its vote key from the others'
 * (a rogue key) and sign certificates in the name of all; the transactions that bring later keys are judged likewise.
 *
 * @throws ConsiliumError `GENESIS_BAD_KEYS`, `GENESIS_BAD_PARAMETERS`, `SIG_BAD_KEY`.
 */
export async function checkGenesis(genesis: Genesis, pool: CryptoPool): Promise<void> {
  checkParameters(genesis);
  const { members } = genesis;
  requireDistinct(members.map(({ nodeKey }) => nodeKey));
  requireDistinct(members.map(({ voteKey }) => voteKey));
  for (const { nodeKey } of members) ed25519CheckKey(nodeKey);
  const proofs = await Promise.all(
    members.map(({ voteKey, votePossession }) =>
      pool.run("voteCheckPossession", { publicKey: voteKey, proof: votePossession }),
    ),
  );
  const unproven = proofs.indexOf(false);
  if (unproven < 0) return;
  throw new ConsiliumError(
    "GENESIS_BAD_KEYS",
    "A member does not prove that it holds the vote key it names; do not join this chain, and ask for a new genesis.",
    { member: toHex(members[unproven]!.nodeKey) },
  );
}

function checkParameters({ kind, seats, keyCentre, parameters, members }: Genesis): void {
  const committee = Math.min(Math.max(seats, keyCentre.length), members.length);
  if (kind === ChainKind.alliance && committee >= DKG_MEMBERS_MIN) checkWindow(parameters, committee);
  const stake = members.reduce((sum, member) => sum + BigInt(member.stake), 0n);
  const canTurn = parameters.epochLengthHeights >= EPOCH_LENGTH_HEIGHTS_MIN;
  if (canTurn && stake <= BigInt(Number.MAX_SAFE_INTEGER)) return;
  throw new ConsiliumError(
    "GENESIS_BAD_PARAMETERS",
    "Make a genesis with epochs of at least two heights, and with less than 2^53 units of stake in all.",
    { epochLengthHeights: parameters.epochLengthHeights, stake: stake.toString() },
  );
}

/** With windows too short for a committee no key ceremony could ever be announced, and members would try for ever. */
function checkWindow({ ceremonyWindowHeights }: Genesis["parameters"], committee: number): void {
  const min = dkgWindowBlocksMin(committee);
  if (ceremonyWindowHeights >= min) return;
  throw new ConsiliumError(
    "GENESIS_BAD_PARAMETERS",
    `Make a genesis with ceremony windows of at least ${min} heights: a committee of ${committee} needs as many.`,
    { ceremonyWindowHeights, committee },
  );
}

function requireDistinct(keys: readonly Uint8Array[]): void {
  if (new Set(keys.map(toHex)).size === keys.length) return;
  throw new ConsiliumError("GENESIS_BAD_KEYS", "Give each member of the genesis keys of its own.");
}
