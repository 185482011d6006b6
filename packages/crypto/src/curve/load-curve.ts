import type { Curve } from "./curve.js";
import { loadMclCurve } from "./mcl-curve.js";
import { nobleCurve } from "./noble-curve.js";

/** Which library does the curve work; both give the same bytes. */
export type CurveBackend = "mcl" | "noble";

export interface CurveOptions {
  /** Exactly this backend; by default mcl, and noble where WebAssembly is not to be had. */
  readonly backend?: CurveBackend;
  /** Loads the WebAssembly backend; another loader shows how callers fare where it does not load. */
  readonly loadMcl?: () => Promise<Curve>;
}

/** Loads a curve. Rejects only when mcl is named as the backend and does not load. */
export async function loadCurve({ backend, loadMcl = loadMclCurve }: CurveOptions = {}): Promise<Curve> {
  if (backend === "noble") return nobleCurve;
  if (backend === "mcl") return loadMcl();
  try {
    return await loadMcl();
  } catch {
    return nobleCurve;
  }
}
