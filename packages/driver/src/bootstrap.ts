import { ConsiliumError, equalBytes } from "@consilium/crypto";
import { digestOf } from "@consilium/protocol";
import { freshSafetyRecord } from "./engine/safe-signer.js";
import { lostChange } from "./epochs/lost-record.js";
import type { ChainDriverOptions, ChainIdentity } from "./options.js";
import { ChainStore } from "./store/chain-store.js";
import { buckets } from "./store/keys.js";
import type { TipRecord } from "./store/records.js";
import { finishAdoption } from "./sync/staged-state.js";

/** Instead of a record, in the folder of a key that has voted elsewhere: nobody here knows how far. */
const emptied = lostChange({ reason: "SAFETY_RECORD_MISSING", votedUpTo: undefined, reset: undefined });

/**
 * Opens a chain's data. A fresh folder gets genesis, its state and an empty safety record in one batch, so that a
 * folder without a record is never mistaken for a fresh one; a snapshot that was being put into place is finished first; no record for a vote key that has voted. Throws `STORE_CORRUPT` for what is neither.
 */
export async function openChainStore(
  options: Pick<ChainDriverOptions, "store" | "application"> & { readonly identity?: ChainIdentity },
): Promise<{ readonly store: ChainStore; readonly record: TipRecord; readonly fresh: boolean }> {
  const { application } = options;
  const store = new ChainStore(options.store);
  await finishAdoption(store);
  const known = store.tip();
  if (known !== undefined) return { store, record: known, fresh: false };
  requireEmpty(store);
  const block = application.genesisBlock();
  const digest = digestOf(block.header);
  const { changes, stateRoot } = await application.genesisChanges();
  const { height, timestampMs, epoch } = block.header;
  const record = { tip: { height, digest, stateRoot, timestampMs, epoch, view: 0 }, finalization: undefined };
  const safety = options.identity?.hasVoted === true ? [emptied] : [freshSafetyRecord(application.chainId)];
  await store.commit([{ block, digest, changes, results: [] }], record, safety);
  return { store, record, fresh: true };
}

/** Genesis over what is left of a chain would give its vote key an empty record, and so let it vote twice. */
function requireEmpty(store: ChainStore): void {
  if (store.encodedBlock(0) === undefined && store.read(buckets.safetyRecord) === undefined) return;
  throw new ConsiliumError(
    "STORE_CORRUPT",
    "The database holds a chain without its cursor; check the disk, and restore the folder's newest state.",
  );
}

/** Whether the stored chain begins with this application's genesis: a folder of another alliance must not be used. */
export function sameGenesis(store: ChainStore, options: Pick<ChainDriverOptions, "application">): boolean {
  const stored = store.block(0);
  const genesis = options.application.genesisBlock();
  return stored !== undefined && equalBytes(digestOf(stored.header), digestOf(genesis.header));
}
