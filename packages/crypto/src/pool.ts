import type { Curve } from "./curve/curve.js";
import { loadMclCurve } from "./curve/mcl-curve.js";
import { nobleCurve } from "./curve/noble-curve.js";
import { type OperationInput, type OperationName, type OperationOutput, operations } from "./operations.js";

/**
 * The one asynchronous port through which callers reach curve work. It is asynchronous from the first day, so that
 * work can move to worker threads without any caller changing shape.
 */
export interface CryptoPool {
  /** Runs one operation. Rejects with the {@link ConsiliumError} that the operation throws. */
  run<Name extends OperationName>(name: Name, input: OperationInput<Name>): Promise<OperationOutput<Name>>;
}

/** A pool that works in the calling thread. */
export class InlineCryptoPool implements CryptoPool {
  constructor(private readonly curve: Curve) {}

  async run<Name extends OperationName>(
    name: Name,
    input: OperationInput<Name>,
  ): Promise<OperationOutput<Name>> {
    const operation = operations[name] as (
      curve: Curve,
      input: OperationInput<Name>,
    ) => OperationOutput<Name>;
    return operation(this.curve, input);
  }
}

/** Which library does the curve work; both give the same bytes. */
export type CurveBackend = "mcl" | "noble";

/** Loads a curve: mcl, and noble where WebAssembly is not to be had; or exactly the backend that is named. */
export async function loadCurve(backend?: CurveBackend): Promise<Curve> {
  if (backend === "noble") return nobleCurve;
  if (backend === "mcl") return loadMclCurve();
  try {
    return await loadMclCurve();
  } catch {
    return nobleCurve;
  }
}

/** A pool on the backend named, or on the fastest that loads. */
export async function createCryptoPool(
  options: { readonly backend?: CurveBackend } = {},
): Promise<CryptoPool> {
  return new InlineCryptoPool(await loadCurve(options.backend));
}
