import { creditBounds } from "@consilium/consensus";
import { accountId } from "@consilium/crypto";
import { type NewMember, Role } from "@consilium/protocol";
import { CandidateEntry } from "../state/election-values.js";
import { keyOf, prefixes } from "../state/keys.js";
import { listLength } from "../state/read.js";
import { Account, AccountStatus, Member } from "../state/values.js";
import type { StateWriter } from "../state/writer.js";

const NONE = new Uint8Array(0);

export interface Joining extends Omit<NewMember, "votePossession"> {
  readonly stake: number;
  /** 1 for a member of the key centre. */
  readonly keyCentre: number;
  /** Height of the block that admits it, 0 for genesis. */
  readonly height: number;
}

/** Writes a member that joins, and the account from which it sends. */
export function writeMember(state: StateWriter, chainId: Uint8Array, joining: Joining): void {
  const { name, nodeKey, exchangeKey, voteKey, stake, keyCentre, height } = joining;
  const id = accountId(chainId, nodeKey);
  const index = listLength(state, prefixes.members, NONE);
  const keys = { nodeKey, account: id, exchangeKey, voteKey };
  const member = { index, name, ...keys, stake, keyCentre, joinedHeight: height, leftHeight: 0 };
  state.putValue(keyOf(prefixes.member, nodeKey), Member, member);
  state.append(prefixes.members, NONE, nodeKey);
  state.putValue(keyOf(prefixes.account, id), Account, {
    id,
    role: Role.member,
    status: AccountStatus.live,
    signKey: nodeKey,
    exchangeKey,
    member: nodeKey,
    registeredHeight: height,
    kgcKeyNo: 0,
    ownerKeyNo: 0,
  });
}

/** Writes a candidate that stands for the first time. Whoever joins later than genesis has yet to say that it is up. */
export function writeCandidate(
  state: StateWriter,
  node: Uint8Array,
  voteKey: Uint8Array,
  readyEpoch: number | null = null,
): void {
  const fresh = { standing: 1, credit: creditBounds.start, epochsServed: 0, bannedHeight: 0 };
  state.putValue(keyOf(prefixes.candidate, node), CandidateEntry, { node, voteKey, readyEpoch, ...fresh });
  state.put(keyOf(prefixes.voteKeyOwner, voteKey), node);
}
