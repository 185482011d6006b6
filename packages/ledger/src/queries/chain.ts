/** What the chain is, where it stands, and who its members are. */
import { type Epoch, epochOfHeight, type StateReader } from "@consilium/protocol";
import { keyOf, prefixes } from "../state/keys.js";
import { readList, readValue } from "../state/read.js";
import * as values from "../state/values.js";

const NONE = new Uint8Array(0);

/** What the chain is and the parameters it runs by; throws nothing, undefined before genesis is written. */
export const chainInfo = (state: StateReader): values.ChainInfo | undefined =>
  readValue(state, keyOf(prefixes.chain), values.ChainInfo);

/** Height and timestamp of the last block applied. */
export const tip = (state: StateReader): values.Tip =>
  readValue(state, keyOf(prefixes.tip), values.Tip) ?? { height: 0, timestampMs: 0 };

/** The epoch at work: that of the next block, whose transactions name it. */
export function presentEpoch(state: StateReader): Epoch {
  const lengthHeights = chainInfo(state)?.epochLengthHeights ?? 1;
  return epochOfHeight(tip(state).height + 1, lengthHeights);
}

/** A member by its node id, also one that has left. */
export const memberOf = (state: StateReader, nodeKey: Uint8Array): values.Member | undefined =>
  readValue(state, keyOf(prefixes.member, nodeKey), values.Member);

/** Whether a node belongs to a member that has not left. */
export const isMember = (state: StateReader, nodeKey: Uint8Array): boolean =>
  memberOf(state, nodeKey)?.leftHeight === 0;

/** All that ever were members, in the order in which they joined. */
export function everyMember(state: StateReader): values.Member[] {
  const nodes = readList(state, prefixes.members, NONE, { limit: Number.MAX_SAFE_INTEGER }).reverse();
  return nodes.flatMap((node) => memberOf(state, node) ?? []);
}

/** The members of now, in the order in which they joined. */
export const members = (state: StateReader): values.Member[] =>
  everyMember(state).filter(({ leftHeight }) => leftHeight === 0);
