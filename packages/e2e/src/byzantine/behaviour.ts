import type { ChainDriverOptions } from "@consilium/driver";

/** Makes a driver's ports misbehave in one way; the driver itself stays as it is. */
export type Behaviour = (options: ChainDriverOptions) => ChainDriverOptions;
