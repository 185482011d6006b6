import { setHasher } from "@chainsafe/persistent-merkle-tree";

/**
 * Lets SSZ hash tree roots use SHA-256 in WebAssembly, several times faster than the portable one; the roots are the
 * same. For nodes and simulators, once at start; browsers and small tools do well without.
 */
export async function installFastTreeHasher(): Promise<void> {
  const { hasher } = await import("@chainsafe/persistent-merkle-tree/hasher/as-sha256");
  setHasher(hasher);
}
