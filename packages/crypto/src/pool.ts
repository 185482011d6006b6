import type { Curve } from "./curve/curve.js";
import { type CurveOptions, loadCurve } from "./curve/load-curve.js";
import { type OperationInput, type OperationName, type OperationOutput, operations } from "./operations.js";

/**
 * The one asynchronous port through which callers reach all curve work but votes (`VoteSuite`). It is asynchronous from the first day, so that
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

/** A pool on the backend named, or on the fastest that loads. */
export async function createCryptoPool(options: CurveOptions = {}): Promise<CryptoPool> {
  return new InlineCryptoPool(await loadCurve(options));
}
