import { accountView, committeeView, memberName, WAIT_MS_MAX } from "@consilium/client";
import { ConsiliumError, codeOf, equalBytes, fromHex, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import { chainIdOf, decodeStrict, Genesis, limits, Purpose, SignedTransaction } from "@consilium/protocol";
import { remedyOf } from "../follow-remedies.js";
import { ceremonyRunView } from "./ceremony-view.js";
import type { ApiPorts } from "./ports.js";
import { type Handlers, hexField, idOf, numberOf } from "./router.js";
import type { Submissions } from "./submissions.js";

type PublicRoute =
  | "status"
  | "genesis"
  | "committees"
  | "ceremonies"
  | "account"
  | "submitTransaction"
  | "transaction";

/** What a chain answers for a transaction that it has already. */
const KNOWN = new Set(["TX_KNOWN", "ALREADY_KNOWN", "DUPLICATE"]);
const SIGNED_TRANSACTION_BYTES_MAX = limits.transactionPayloadBytes + 512;

/** Routes that need no signature: what the chain says to everybody, and transactions, which are signed themselves. */
export function publicHandlers(ports: ApiPorts, submissions: Submissions): Pick<Handlers, PublicRoute> {
  const { alliance } = ports;
  return {
    status: async () => statusView(ports),
    genesis: async () => genesisView(ports),
    committees: async () => {
      const state = alliance.state();
      const view = (purpose: Purpose) => {
        const committee = queries.activeCommittee(state, purpose);
        return committee === undefined ? null : committeeView(state, committee);
      };
      return { keyCentre: view(Purpose.keyCentre), proxy: view(Purpose.proxy) };
    },
    ceremonies: async () => {
      const state = alliance.state();
      const runs = [Purpose.keyCentre, Purpose.proxy].flatMap((purpose) =>
        queries.ceremonies(state, purpose),
      );
      return { ceremonies: runs.map((run) => ceremonyRunView(state, run)) };
    },
    account: async ({ parameters }) => {
      const state = alliance.state();
      const account = queries.account(state, idOf(parameters.account, "account"));
      if (account === undefined) {
        throw new ConsiliumError(
          "UNKNOWN_ACCOUNT",
          "No account with this id is final here; wait, or enrol first.",
        );
      }
      const { envelope } = queries.nextNonces(state, account.id);
      return accountView(state, account, submissions.nextNonce(account.id, envelope));
    },
    submitTransaction: async ({ body }) => {
      const encoded = hexField(body, "transaction", SIGNED_TRANSACTION_BYTES_MAX);
      const { transaction } = decodeStrict(SignedTransaction, encoded, "transaction");
      const answer = await alliance.submit(encoded);
      if (!answer.accepted && !KNOWN.has(answer.code)) throw new ConsiliumError(answer.code, answer.reason);
      const id = answer.id ?? new Uint8Array(32);
      if (alliance.transactionResult(id) === undefined) submissions.add(id, transaction);
      return { id: toHex(id) };
    },
    transaction: async ({ parameters }) => {
      const id = idOf(parameters.id, "id");
      const waitMs = numberOf(parameters.waitMs ?? 0, "waitMs", 0, WAIT_MS_MAX);
      return transactionView(alliance, submissions, id, waitMs);
    },
  };
}

async function transactionView(chain: Chain, submissions: Submissions, id: Uint8Array, waitMs: number) {
  const result =
    chain.transactionResult(id) ?? (waitMs === 0 ? undefined : await awaitResult(chain, id, waitMs));
  if (result === undefined) {
    const isPending = submissions.isPending(id, chain.finalized().height);
    const state = isPending ? ("pending" as const) : ("unknown" as const);
    return { id: toHex(id), state, height: null, timeMs: null, code: null };
  }
  const { height, timestampMs: timeMs, code } = result;
  return { id: toHex(id), state: "final" as const, height, timeMs, code: code === "OK" ? null : code };
}

async function awaitResult(chain: Chain, id: Uint8Array, timeoutMs: number) {
  try {
    return await chain.whenFinalized(id, { timeoutMs });
  } catch (error) {
    if (codeOf(error) === "WAIT_TIMEOUT" || codeOf(error) === "TRANSACTION_EXPIRED") return undefined;
    throw error;
  }
}

function chainView(chain: Chain) {
  const tip = chain.finalized();
  return {
    chainId: toHex(chain.chainId),
    finalizedHeight: tip.height,
    finalizedDigest: toHex(tip.digest),
    finalizedTimeMs: tip.timestampMs,
    stateRoot: toHex(tip.stateRoot),
  };
}

function votingView(name: "alliance" | "private", chain: Chain) {
  const { role, followReason } = chain.status();
  return { role, followReason: followReason ?? null, remedy: remedyOf(name, chain) ?? null };
}

function statusView(ports: ApiPorts) {
  const { alliance, keys } = ports;
  const status = alliance.status();
  const state = alliance.state();
  const ownIndex = (purpose: Purpose): number | null => {
    const members = queries.activeCommittee(state, purpose)?.members ?? [];
    const place = members.findIndex((member) => equalBytes(member, keys.node.publicKey));
    return place < 0 ? null : place + 1;
  };
  return {
    node: toHex(keys.node.publicKey),
    name: ports.name,
    version: ports.version,
    timeMs: ports.clock.nowMs(),
    alliance: {
      ...{ ...chainView(alliance), ...votingView("alliance", alliance) },
      ...{ epoch: status.epoch, view: status.view },
    },
    private: { ...chainView(ports.private), ...votingView("private", ports.private) },
    membership: ports.membership.standing(),
    peers: status.peers.map((node) => ({ node, name: memberName(state, fromHex(node)) })),
    mempoolTransactions: status.mempoolTransactions,
    keyCentreIndex: ownIndex(Purpose.keyCentre),
    proxyIndex: ownIndex(Purpose.proxy),
    demo: ports.allowFaults,
  };
}

function genesisView({ genesis, alliance }: ApiPorts) {
  return {
    chainId: toHex(chainIdOf(genesis)),
    name: new TextDecoder().decode(genesis.name),
    genesis: toHex(Genesis.serialize(genesis)),
    members: queries.members(alliance.state()).map((member) => ({
      name: new TextDecoder().decode(member.name),
      node: toHex(member.nodeKey),
      account: toHex(member.account),
      exchangeKey: toHex(member.exchangeKey),
      stake: member.stake,
    })),
  };
}
