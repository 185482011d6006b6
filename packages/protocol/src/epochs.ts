import { type Epoch, type Height, toEpoch, toHeight } from "./ids.js";

/**
 * Heights and epochs of a chain with L heights per epoch. Epoch e holds the heights e·L + 1 … (e + 1)·L; the last one is
 * its boundary block. Genesis, height 0, stands before epoch 0.
 */

/** The epoch to which the block of this height belongs; genesis counts as epoch 0. */
export const epochOfHeight = (height: number, lengthHeights: number): Epoch =>
  toEpoch(height === 0 ? 0 : Math.floor((height - 1) / lengthHeights));

/** Height of an epoch's boundary block. */
export const boundaryHeightOf = (epoch: number, lengthHeights: number): Height =>
  toHeight((epoch + 1) * lengthHeights);

/** Whether the block of this height ends its epoch. */
export const isBoundaryHeight = (height: number, lengthHeights: number): boolean =>
  height > 0 && height % lengthHeights === 0;

/** Whether the block of this height is the first of its epoch. */
export const isFirstOfEpoch = (height: number, lengthHeights: number): boolean =>
  height > 0 && (height - 1) % lengthHeights === 0;
