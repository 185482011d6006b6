import { concat, sha256, u32, utf8 } from "@consilium/crypto";
import type { Random } from "@consilium/protocol";

/** Random bytes from a seed: the same test run twice draws the same. */
export function seededRandom(seed: string): Random {
  let drawn = 0;
  return {
    bytes(length) {
      const blocks: Uint8Array[] = [];
      for (let made = 0; made < length; made += 32) blocks.push(sha256(utf8(seed), u32(drawn++)));
      return concat(...blocks).slice(0, length);
    },
  };
}
