import { type CurveOptions, loadCurve } from "./curve/load-curve.js";
import { createCurveVoteSuite, type VoteSuite } from "./vote-suite.js";

/** Votes on the curve port: for browsers, and for platforms where the native library does not load. */
export async function loadCurveVoteSuite(options: CurveOptions = {}): Promise<VoteSuite> {
  return createCurveVoteSuite(await loadCurve(options));
}
