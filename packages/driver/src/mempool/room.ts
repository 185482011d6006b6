import { limits } from "@consilium/protocol";

/** What everybody may fill; the rest is kept for local submissions and for members. */
const OPEN_SHARE = 0.75;
/** An account may hold one part in that many of the pool's bytes. */
const ACCOUNT_BYTES_SHARE = 16;

/** Bounds of a pool: transactions, their bytes together, and what one account and the public may have of them. */
export interface MempoolLimits {
  readonly transactions: number;
  readonly bytes: number;
  readonly perAccount: number;
  readonly perAccountBytes?: number;
  /** Part of the pool, 0 to 1, that is open to everybody. */
  readonly openShare?: number;
}

export const defaultMempoolLimits: MempoolLimits = {
  transactions: limits.mempoolTransactions,
  bytes: limits.mempoolBytes,
  perAccount: limits.mempoolTransactionsPerAccount,
};

interface Used {
  transactions: number;
  bytes: number;
}

/** Counts what the pool holds against its bounds. */
export class Room {
  private readonly used: Used = { transactions: 0, bytes: 0 };
  private readonly accounts = new Map<string, Used>();
  private readonly perAccountBytes: number;
  private readonly openShare: number;

  constructor(private readonly limits: MempoolLimits) {
    this.perAccountBytes = limits.perAccountBytes ?? Math.ceil(limits.bytes / ACCOUNT_BYTES_SHARE);
    this.openShare = limits.openShare ?? OPEN_SHARE;
  }

  get sizeBytes(): number {
    return this.used.bytes;
  }

  /** Whether a transaction fits; `reserved` ones may use the whole pool. */
  has(sizeBytes: number, reserved: boolean, transactions = 1): boolean {
    const share = reserved ? 1 : this.openShare;
    const fits = this.used.transactions + transactions <= Math.ceil(this.limits.transactions * share);
    return fits && this.used.bytes + sizeBytes <= Math.ceil(this.limits.bytes * share);
  }

  /** Whether its account may have another one, or this one in the place of `replaced`. */
  hasForAccount(
    account: string,
    sizeBytes: number,
    replaced: { readonly encoded: Uint8Array } | undefined,
  ): boolean {
    const { transactions, bytes } = this.accounts.get(account) ?? { transactions: 0, bytes: 0 };
    if (transactions === 0) return true;
    const after = replaced === undefined ? transactions + 1 : transactions;
    const bytesAfter = bytes + sizeBytes - (replaced?.encoded.length ?? 0);
    return after <= this.limits.perAccount && bytesAfter <= this.perAccountBytes;
  }

  take(account: string, sizeBytes: number): void {
    const own = this.accounts.get(account) ?? { transactions: 0, bytes: 0 };
    this.accounts.set(account, own);
    for (const used of [this.used, own]) {
      used.transactions += 1;
      used.bytes += sizeBytes;
    }
  }

  give(account: string, sizeBytes: number): void {
    const own = this.accounts.get(account);
    if (own === undefined) return;
    for (const used of [this.used, own]) {
      used.transactions -= 1;
      used.bytes -= sizeBytes;
    }
    if (own.transactions === 0) this.accounts.delete(account);
  }
}
