/**
 * Loaded into the process of a validator that shall misbehave: every chain driver that starts in it gets ports that do
 * what CONSILIUM_E2E_BYZANTINE names. No release holds any of this: it lies in a package that nothing else imports.
 */
import { ChainDriver, type ChainDriverOptions } from "@consilium/driver";
import { ChainKind } from "@consilium/protocol";
import type { Behaviour } from "../byzantine/behaviour.js";
import { doubleVoter } from "../byzantine/double-voter.js";
import { silentProposer } from "../byzantine/silent-proposer.js";

const behaviours: Readonly<Record<string, Behaviour>> = {
  "double-voter": doubleVoter,
  "silent-proposer": silentProposer,
};

const behaviour = behaviours[process.env.CONSILIUM_E2E_BYZANTINE ?? ""];
if (behaviour === undefined) throw new Error("CONSILIUM_E2E_BYZANTINE names no behaviour");

const startHonestly = ChainDriver.prototype.start;
ChainDriver.prototype.start = function start(this: ChainDriver): Promise<void> {
  const inside = this as unknown as { options: ChainDriverOptions };
  if (inside.options.genesis.kind === ChainKind.alliance) inside.options = behaviour(inside.options);
  return startHonestly.call(this);
};
