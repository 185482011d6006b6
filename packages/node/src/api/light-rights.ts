import { ConsiliumError, concat, equalBytes, fromHex, toHex } from "@consilium/crypto";
import { prefixes, queries } from "@consilium/ledger";
import type { StateReader } from "@consilium/protocol";
import type { Signer } from "./authentication.js";
import { malformed } from "./router.js";

/**
 * Who may read which keys of the alliance's state with proofs: what the signed routes of the contract allow, key by key.
 * Members' nodes take part in the chain and hold all of it, so their keys may read all of it here too. A key that is not
 * listed is refused, so that a new kind of state stays closed until somebody decides about it.
 */

const ID_SIZE_BYTES = 32;
const INDEX_SIZE_BYTES = 8;

/** What a rule is given beside the key: who asks, and all keys of the same request. */
interface Question {
  /** Account id. */
  readonly account: Uint8Array;
  readonly keys: readonly Uint8Array[];
  readonly state: StateReader;
}

type Rule =
  | "everybody"
  | "members"
  /** Sizes that the key may have after its first byte, and whether a user may read it. */
  | {
      readonly sizes: readonly number[];
      readonly allows: (subject: Uint8Array, question: Question) => boolean;
    };

const LIST = (size: number): readonly number[] => [size, size + INDEX_SIZE_BYTES];

/** A list, or a thing, that is about one account. */
const aboutAccount = (sizes: readonly number[]): Rule => ({
  sizes,
  allows: (subject, { account }) => equalBytes(subject.slice(0, ID_SIZE_BYTES), account),
});

/** Labels are salted: whoever names one was told it. */
const aboutLabel = (sizes: readonly number[]): Rule => ({ sizes, allows: () => true });

/** An entry with two sides, each of which may read it; that there is none is for every account to know. */
const betweenSides = (
  read: (
    state: StateReader,
    id: Uint8Array,
  ) => { readonly owner: Uint8Array; readonly recipient: Uint8Array } | undefined,
): Rule => ({
  sizes: [ID_SIZE_BYTES],
  allows: (id, { state, account }) => {
    const entry = read(state, id);
    return entry === undefined || equalBytes(entry.owner, account) || equalBytes(entry.recipient, account);
  },
});

/** Record ids can be counted through, so knowing one says nothing: the owner's, or under a label that is named too. */
const record: Rule = {
  sizes: [ID_SIZE_BYTES],
  allows: (id, { state, account, keys }) => {
    const entry = queries.record(state, id);
    if (entry === undefined || equalBytes(entry.owner, account)) return true;
    const list = toHex(concat(Uint8Array.of(prefixes.recordsOfLabel), entry.owner, entry.label));
    return keys.some((key) => toHex(key).startsWith(list));
  },
};

/** What the open routes show: the chain, its members and elections, ceremonies and committees, accounts and their keys. */
const open = [
  ...[prefixes.chain, prefixes.tip, prefixes.member, prefixes.members, prefixes.validatorSet],
  ...[prefixes.epoch, prefixes.election, prefixes.candidate, prefixes.stakeVotes, prefixes.openViews],
  ...[prefixes.creditTallies, prefixes.voteKeyOwner, prefixes.safetyReset],
  ...[prefixes.account, prefixes.envelopeNonce, prefixes.ownerKey, prefixes.recordNonce, prefixes.grantNonce],
  ...[prefixes.proposal, prefixes.proposals, prefixes.openProposals],
  ...[prefixes.conviction, prefixes.convictions, prefixes.convictionsOfMember],
  ...[prefixes.dealingKey, prefixes.ceremonies, prefixes.ceremony, prefixes.ceremonyState],
  ...[prefixes.committee, prefixes.serving, prefixes.anchor, prefixes.anchorAtHeight],
  ...[prefixes.transactionResult, prefixes.resultsAtHeight],
];

const rules: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  ...open.map((prefix) => [prefix, "everybody"] as const),
  [prefixes.accountsOfMember, "members"],
  [prefixes.grantsExpiring, "members"],
  [prefixes.grantExpiryCursor, "members"],
  [prefixes.requestKeyUsed, aboutAccount([2 * ID_SIZE_BYTES])],
  [prefixes.labelClosed, aboutLabel([2 * ID_SIZE_BYTES])],
  [prefixes.record, record],
  [prefixes.recordsOfOwner, aboutAccount(LIST(ID_SIZE_BYTES))],
  [prefixes.recordsOfLabel, aboutLabel(LIST(2 * ID_SIZE_BYTES))],
  [prefixes.request, betweenSides(queries.request)],
  [prefixes.requestsOfOwner, aboutAccount(LIST(ID_SIZE_BYTES))],
  [prefixes.grant, betweenSides(queries.grant)],
  [prefixes.grantsOfOwner, aboutAccount(LIST(ID_SIZE_BYTES))],
  [prefixes.grantsOfRecipient, aboutAccount(LIST(ID_SIZE_BYTES))],
  [prefixes.access, betweenSides(queries.access)],
  [prefixes.accessesOfOwner, aboutAccount(LIST(ID_SIZE_BYTES))],
  [prefixes.accessesOfRecipient, aboutAccount(LIST(ID_SIZE_BYTES))],
]);

/**
 * Refuses keys that nobody may read, and without a signer those that need one. What is left is judged by
 * {@link requireRights}, over the state that is proven.
 * @throws ConsiliumError `REQUEST_MALFORMED`, `AUTH_MISSING`.
 */
export function requireKnownKeys(keys: readonly Uint8Array[], signer: Signer | undefined): void {
  for (const key of keys) {
    const rule = rules.get(key[0]!);
    const isSized = typeof rule !== "object" || rule.sizes.includes(key.length - 1);
    if (rule === undefined || !isSized) throw malformed('"key" must be a key of the alliance\'s state.');
    if (rule !== "everybody" && signer === undefined) {
      throw new ConsiliumError(
        "AUTH_MISSING",
        "What concerns people is told to whom it concerns: sign the request with an account's key (RFC 9421).",
      );
    }
  }
}

/** @throws ConsiliumError `NOT_YOURS`, `ROLE_REQUIRED`. */
export function requireRights(
  keys: readonly Uint8Array[],
  state: StateReader,
  signer: Signer | undefined,
): void {
  if (signer === undefined || signer.role !== "user") return;
  const question: Question = { account: fromHex(signer.keyId), keys, state };
  for (const key of keys) {
    const rule = rules.get(key[0]!);
    if (rule === "everybody") continue;
    if (typeof rule !== "object") {
      throw new ConsiliumError("ROLE_REQUIRED", "Only members' nodes may read this part of the state.");
    }
    if (rule.allows(key.subarray(1), question)) continue;
    throw new ConsiliumError(
      "NOT_YOURS",
      "A key asks for what concerns other people than the account that signed the request.",
    );
  }
}
