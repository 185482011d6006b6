import { type HttpApi, routes } from "@consilium/client";
import { codeOf, fromHex, toHex } from "@consilium/crypto";
import { decodeStrict, digestOf, Handover, ValidatorList } from "@consilium/protocol";
import type { RunNode } from "../cluster/cluster.js";
import type { LoadAccount } from "../load/account.js";
import { answered } from "./answered.js";
import { type WalkResult, walkChains } from "./chain-walk.js";
import type { Witness } from "./witness.js";

export interface SweepResult extends WalkResult {
  /** Answers compared, over all nodes. */
  readonly transactionsChecked: number;
  readonly accountsChecked: number;
  readonly handoversChecked: number;
  /** Transactions that a wiped node does not hold any more, having taken over a snapshot above them. */
  readonly notHeldAfterWipe: number;
}

/** Questions to one node under way at a time. */
const AT_ONCE = 4;
const RETRY_FOR_MS = 20_000;
const HANDOVERS_PER_CALL = 64;

/**
 * Asks every node for everything that was ever reported final: each block, each transaction at its one height with its
 * one result, each account with exactly as many transactions as were reported, each epoch's hand-over.
 * @param upTo height that every node has reported final.
 */
export async function sweep(
  nodes: readonly RunNode[],
  witness: Witness,
  accounts: readonly LoadAccount[],
  upTo: number,
  isLate: (name: string) => boolean,
): Promise<SweepResult> {
  const totals = { transactionsChecked: 0, accountsChecked: 0, handoversChecked: 0, notHeldAfterWipe: 0 };
  await Promise.all(
    nodes.map(async (node) => {
      await forEach([...witness.transactions.keys()], (id) =>
        answered(node, witness, () => checkTransaction(node, witness, id, totals)),
      );
      await forEach(accounts, (account) =>
        answered(node, witness, () => checkAccount(node, witness, account, totals)),
      );
    }),
  );
  await compareHandovers(nodes, witness, totals);
  return { ...totals, ...(await walkChains(nodes, witness, upTo, isLate)) };
}

type Totals = { -readonly [Key in Exclude<keyof SweepResult, keyof WalkResult>]: number };

async function checkTransaction(node: RunNode, witness: Witness, id: string, totals: Totals): Promise<void> {
  const view = await ask(node, (api, options) => api.call(routes.transaction, { id }, undefined, options));
  totals.transactionsChecked += 1;
  witness.transaction(node.name, view);
  if (view.state === "final") return;
  if (node.wipes > 0) totals.notHeldAfterWipe += 1;
  else {
    const { height } = witness.transactions.get(id)!;
    const sentence = `Transaction ${id} was reported final at height ${height}; ${node.name} calls it ${view.state}.`;
    witness.violated("TRANSACTION_LOST", sentence);
  }
}

async function checkAccount(
  node: RunNode,
  witness: Witness,
  account: LoadAccount,
  totals: Totals,
): Promise<void> {
  totals.accountsChecked += 1;
  try {
    const view = await ask(node, (api, options) =>
      api.call(routes.account, { account: account.id }, undefined, options),
    );
    if (view.nextNonce === account.finalCount) return;
    if (account.isWaiting && view.nextNonce === account.finalCount + 1) return;
    const code = view.nextNonce > account.finalCount ? "TRANSACTION_DOUBLED" : "TRANSACTION_LOST";
    const sentence = `${account.finalCount} transactions of account ${account.id} were reported final; on ${node.name} it has ${view.nextNonce}.`;
    witness.violated(code, sentence);
  } catch (error) {
    if (codeOf(error) !== "UNKNOWN_ACCOUNT") throw error;
    witness.violated(
      "TRANSACTION_LOST",
      `Account ${account.id} was reported registered; ${node.name} does not know it.`,
    );
  }
}

/**
 * Boundary blocks pin everything below them: where they are equal, so is the chain up to there. Nodes may hold different
 * finalizations of one, as any quorum of votes makes one.
 */
async function compareHandovers(nodes: readonly RunNode[], witness: Witness, totals: Totals): Promise<void> {
  const first = new Map<number, { readonly boundary: string; readonly by: string }>();
  for (const node of nodes) {
    const handovers: string[] = [];
    await answered(node, witness, () => readHandovers(node, handovers));
    handovers.forEach((encoded, epoch) => {
      totals.handoversChecked += 1;
      const { header, nextSet } = decodeStrict(Handover, fromHex(encoded), "hand-over");
      const boundary = `${toHex(digestOf(header))} ${toHex(ValidatorList.serialize(nextSet))}`;
      const known = first.get(epoch);
      if (known === undefined) first.set(epoch, { boundary, by: node.name });
      else if (known.boundary !== boundary) {
        const sentence = `${known.by} and ${node.name} hold different boundary blocks or validators after epoch ${epoch}.`;
        witness.violated("HANDOVER_DIFFERS", sentence);
      }
    });
  }
}

async function readHandovers(node: RunNode, all: string[]): Promise<void> {
  for (;;) {
    const from = all.length;
    const { handovers } = await ask(node, (api, options) =>
      api.call(routes.lightHandovers, { from, count: HANDOVERS_PER_CALL }, undefined, options),
    );
    all.push(...handovers);
    if (handovers.length === 0) return;
  }
}

const ask = <Answer>(
  node: RunNode,
  call: (api: HttpApi, options: { readonly retryForMs: number }) => Promise<Answer>,
): Promise<Answer> => call(node.api, { retryForMs: RETRY_FOR_MS });

async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
