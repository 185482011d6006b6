import { validatorSetRoot } from "@consilium/consensus";
import { ConsiliumError, equalBytes } from "@consilium/crypto";
import type { Application } from "@consilium/ledger";
import {
  type BlockHeader,
  type Bytes32,
  type Certificate,
  epochOfHeight,
  type Handover,
  isBoundaryHeight,
  type StateReader,
  ZERO_32,
} from "@consilium/protocol";

/**
 * What a block of this height must say in `nextSetRoot`: in a boundary block the root of the next epoch's set, as the
 * state after its parent knows it, else zero. Throws `EPOCH_UNKNOWN` when the state does not know the next set: every
 * epoch has at least two heights, and its first block elects.
 */
export function nextSetRootOf(
  application: Pick<Application, "validatorSet">,
  state: StateReader,
  height: number,
  lengthHeights: number,
): Bytes32 {
  if (!isBoundaryHeight(height, lengthHeights)) return ZERO_32;
  const epoch = epochOfHeight(height, lengthHeights);
  return validatorSetRoot(requireSet(application, state, epoch + 1));
}

/**
 * How an epoch ended, from its boundary block, the finalization of it and the state after it. Throws
 * `BLOCK_BAD_NEXT_SET` when the header commits to another set than this node's state elects: the chain must halt here.
 */
export function handoverOf(
  application: Pick<Application, "validatorSet">,
  state: StateReader,
  header: BlockHeader,
  finalization: Certificate,
): Handover {
  const nextSet = requireSet(application, state, header.epoch + 1);
  if (!equalBytes(validatorSetRoot(nextSet), header.nextSetRoot)) {
    throw new ConsiliumError(
      "BLOCK_BAD_NEXT_SET",
      "The boundary block names another next set than its execution elects here.",
      { height: header.height },
    );
  }
  return { header, finalization, nextSet: [...nextSet] };
}

function requireSet(application: Pick<Application, "validatorSet">, state: StateReader, epoch: number) {
  const set = application.validatorSet(state, epoch);
  if (set !== undefined) return set;
  throw new ConsiliumError("EPOCH_UNKNOWN", "The state does not know the validators of the next epoch.", {
    epoch,
  });
}
