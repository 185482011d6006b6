/**
 * What a session decides by: committees, keys of others, grants, the index, the audit trail. Without a light client that
 * is what the node says. With one it is proven: the node's word then only tells how new a state to wait for.
 */
import { ConsiliumError, codeOf, fromHex, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { Purpose, type StateReader } from "@consilium/protocol";
import {
  type AccessView,
  type AccountView,
  type CommitteeView,
  type GrantView,
  type RecordView,
  routes,
} from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import { accessView, accountView, committeeView, grantView, recordView } from "../api/ledger-views.js";
import type { RequestSigner } from "../http/signature.js";
import type { LightClient, QueryOptions } from "../light/light-client.js";
import type { Page } from "../light/reads.js";

type Side = "owner" | "recipient";

/** Accounts and nodes are named by their ids, hex. Lists come oldest first and whole. */
export interface ChainFacts {
  /** The newest block time that is known. */
  timeMs(): Promise<number>;
  committee(purpose: Purpose): Promise<CommitteeView | null>;
  /** @throws ConsiliumError `UNKNOWN_ACCOUNT`. */
  account(account: string): Promise<AccountView>;
  /** X25519 key of a member's hospital, hex. @throws ConsiliumError `MEMBER_UNKNOWN`. */
  exchangeKeyOf(node: string): Promise<string>;
  /** Grants of the session's account, and the block time at which they stood so. */
  grants(side: Side): Promise<{ readonly timeMs: number; readonly grants: readonly GrantView[] }>;
  records(owner: string, label?: string): Promise<readonly RecordView[]>;
  /** Accesses to the records of the session's account. */
  accesses(): Promise<readonly AccessView[]>;
}

/** The word of the node behind an API that signs as the session's account. */
export function nodeFacts(api: HttpApi): ChainFacts {
  return {
    timeMs: async () => (await api.call(routes.status, {})).alliance.finalizedTimeMs,
    async committee(purpose) {
      const { keyCentre, proxy } = await api.call(routes.committees, {});
      return purpose === Purpose.keyCentre ? keyCentre : proxy;
    },
    account: (account) => api.call(routes.account, { account }),
    async exchangeKeyOf(node) {
      const { members } = await api.call(routes.genesis, {});
      const member = members.find((each) => each.node === node);
      if (member === undefined) throw unknownMember(node);
      return member.exchangeKey;
    },
    grants: (side) => api.call(routes.grants, { as: side }),
    async records(owner, label) {
      const parameters = label === undefined ? { owner } : { owner, label };
      return (await api.call(routes.records, parameters)).records;
    },
    accesses: async () => (await api.call(routes.audit, {})).accesses,
  };
}

/**
 * The same, proven under finalizations that the light client has verified. `signer` is the session's account; it signs
 * only for what nodes tell to nobody else, so that everything before and at enrolment needs no account.
 */
export function provenFacts(node: ChainFacts, light: LightClient, signer: RequestSigner): ChainFacts {
  const own = fromHex(signer.keyId);
  return {
    timeMs: async () => (await light.advance()).timeMs,
    async committee(purpose) {
      const minHeight = (await node.committee(purpose))?.sinceHeight ?? 0;
      const read = (state: StateReader) => {
        const committee = queries.activeCommittee(state, purpose);
        return committee === undefined ? null : committeeView(state, committee);
      };
      return (await light.query(read, { minHeight })).value;
    },
    account: (id) => provenAccount(node, light, id),
    async exchangeKeyOf(id) {
      const { value } = await light.query((state) => queries.memberOf(state, fromHex(id)));
      if (value === undefined) throw unknownMember(id);
      return toHex(value.exchangeKey);
    },
    async grants(side) {
      const list = side === "owner" ? queries.grantsOfOwner : queries.grantsOfRecipient;
      const { grants } = await node.grants(side);
      const minHeight = Math.max(0, ...grants.map((each) => Math.max(each.height, each.revokedHeight ?? 0)));
      const { items, timeMs } = await readAll(light, { minHeight, signer }, (state, page) =>
        list(state, own, page).map(grantView),
      );
      return { timeMs, grants: distinct(items, ({ grantId }) => grantId) };
    },
    async records(owner, label) {
      const minHeight = newestOf(await node.records(owner, label));
      const named = label === undefined ? undefined : { owner: fromHex(owner), label: fromHex(label) };
      const options = { minHeight, signer, ...(named && { named }) };
      const { items } = await readAll(light, options, (state, page) => {
        const entries =
          named === undefined
            ? queries.recordsOfOwner(state, fromHex(owner), page)
            : queries.recordsOfLabel(state, named.owner, named.label, page);
        return entries.map(recordView);
      });
      return distinct(items, ({ recordId }) => recordId);
    },
    async accesses() {
      const minHeight = newestOf(await node.accesses());
      const { items } = await readAll(light, { minHeight, signer }, (state, page) =>
        queries.accessesOfOwner(state, own, page).map((each) => accessView(state, each)),
      );
      return distinct(items, ({ requestId }) => requestId);
    },
  };
}

async function provenAccount(node: ChainFacts, light: LightClient, id: string): Promise<AccountView> {
  const said = await node.account(id).catch((error: unknown) => {
    if (codeOf(error) === "UNKNOWN_ACCOUNT") return undefined;
    throw error;
  });
  const read = (state: StateReader) => {
    const account = queries.account(state, fromHex(id));
    // The next nonce counts what waits in the node's mempool, and is checked by the chain alone.
    return account && accountView(state, account, said?.nextNonce ?? 0);
  };
  const { value } = await light.query(read, { minHeight: said?.registeredHeight ?? 0 });
  if (value !== undefined)
    return { ...value, nextGrantNonce: Math.max(value.nextGrantNonce, said?.nextGrantNonce ?? 0) };
  throw new ConsiliumError("UNKNOWN_ACCOUNT", "No account with this id is final; wait, or enrol first.", {
    account: id,
  });
}

const PAGE_ENTRIES = 500;

/** A whole list, page by page, oldest first; what came meanwhile may stand in it twice. */
async function readAll<View>(
  light: LightClient,
  options: QueryOptions,
  read: (state: StateReader, page: Page) => readonly View[],
): Promise<{ readonly items: readonly View[]; readonly timeMs: number }> {
  const items: View[] = [];
  for (let skip = 0; ; skip += PAGE_ENTRIES) {
    const page = { skip, limit: PAGE_ENTRIES };
    const { value, timeMs } = await light.query((state) => read(state, page), options);
    items.push(...value);
    if (value.length < PAGE_ENTRIES) return { items: items.reverse(), timeMs };
  }
}

const distinct = <View>(views: readonly View[], idOf: (view: View) => string): View[] => [
  ...new Map(views.map((view) => [idOf(view), view])).values(),
];

const newestOf = (views: readonly { readonly height: number }[]): number =>
  Math.max(0, ...views.map(({ height }) => height));

const unknownMember = (node: string): ConsiliumError =>
  new ConsiliumError("MEMBER_UNKNOWN", "Name a member of the alliance by its node id.", { node });
