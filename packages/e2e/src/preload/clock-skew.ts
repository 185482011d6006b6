/**
 * Loaded into a node's process before anything else: shifts its wall clock by what the runner says. Timers keep running
 * at their pace, as they do on a machine whose clock is set. Exists in runs of this package only; a node that is started
 * without it has no such switch.
 */
let skewMs = Number(process.env.CONSILIUM_E2E_CLOCK_SKEW_MS ?? 0);

const SystemDate = Date;
const systemNow = Date.now.bind(Date);

class SkewedDate extends SystemDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(systemNow() + skewMs);
    else super(...(args as [number]));
  }

  static override now(): number {
    return systemNow() + skewMs;
  }
}

globalThis.Date = SkewedDate as DateConstructor;

process.on("message", (message: { readonly clockSkewMs?: unknown }) => {
  if (typeof message.clockSkewMs === "number") skewMs = message.clockSkewMs;
});
