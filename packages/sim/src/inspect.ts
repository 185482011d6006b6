import { deltaMs, type State } from "@consilium/consensus";
import type { ChainDriver } from "@consilium/driver";

/** What the simulation reads of a driver that no public method tells; it changes nothing. */
interface Inside {
  readonly runtime?: { readonly runner: { readonly state: State } };
}

/** The Δ to which a running node has adapted; undefined before it runs. */
export function adaptedDeltaMs(driver: ChainDriver): number | undefined {
  const { runtime } = driver as unknown as Inside;
  return runtime && deltaMs(runtime.runner.state);
}
