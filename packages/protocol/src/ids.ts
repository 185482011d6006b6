/**
 * Counters with a type each, so that an epoch is never passed where a height is meant.
 * All are non-negative safe integers; on the wire u64 (or u32 where a schema says so).
 */
declare const unit: unique symbol;
type Counter<Unit extends string> = number & { readonly [unit]: Unit };

/** Position in the finalized chain; the genesis block has height 0. */
export type Height = Counter<"Height">;
/** One validator set of the chain. */
export type Epoch = Counter<"Epoch">;
/** One proposer's attempt inside an epoch, from 1; 0 names the epoch's first parent. */
export type View = Counter<"View">;

export const toHeight = (value: number): Height => value as Height;
export const toEpoch = (value: number): Epoch => value as Epoch;
export const toView = (value: number): View => value as View;

/** 32 bytes: a chain id, block digest, account id, node id, record id, grant id or request id. */
export type Bytes32 = Uint8Array;
/** Lower-case hex of an id, for map keys, logs and JSON. */
export type HexId = string;

export const ZERO_32: Bytes32 = new Uint8Array(32);
