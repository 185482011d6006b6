/** Resolves after a time, or at once when the signal is aborted; never throws. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, delayMs));
    signal.addEventListener("abort", done);
  });
}

/**
 * Asks again and again until `probe` says true, the deadline passes or the signal is aborted.
 * @returns whether it said true.
 */
export async function until(
  probe: () => boolean | Promise<boolean>,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly intervalMs?: number },
): Promise<boolean> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    if (await probe()) return true;
    if (options.signal.aborted || performance.now() > deadlineMs) return false;
    await pause(options.intervalMs ?? 100, options.signal);
  }
}
