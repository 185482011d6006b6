import type { Chain } from "@consilium/driver";
import { Gauge, Registry } from "prom-client";

/** Metrics in the Prometheus text format, read from the chains when they are asked for. */
export function createMetrics(chains: Readonly<Record<"alliance" | "private", Chain>>): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, read: (chain: Chain) => number): void => {
    new Gauge({
      name: `consilium_${name}`,
      help,
      labelNames: ["chain"],
      registers: [registry],
      collect() {
        for (const [chain, source] of Object.entries(chains)) this.set({ chain }, read(source));
      },
    });
  };
  gauge("finalized_height", "Height of the newest finalized block.", (chain) => chain.finalized().height);
  gauge(
    "finalized_time_seconds",
    "Timestamp of the newest finalized block.",
    (chain) => chain.finalized().timestampMs / 1_000,
  );
  gauge("view", "View of consensus.", (chain) => chain.status().view);
  gauge("peers", "Members connected now.", (chain) => chain.status().peers.length);
  gauge("mempool_transactions", "Transactions waiting.", (chain) => chain.status().mempoolTransactions);
  gauge("mempool_bytes", "Bytes of the transactions waiting.", (chain) => chain.status().mempoolBytes);
  gauge("voting", "1 while this node votes, 0 while it follows.", (chain) =>
    chain.status().role === "voting" ? 1 : 0,
  );
  gauge("views_nullified", "Views nullified since start.", (chain) => chain.counters.viewsNullified);
  gauge(
    "transactions_finalized",
    "Transactions finalized since start.",
    (chain) => chain.counters.transactionsFinalized,
  );
  return registry;
}
