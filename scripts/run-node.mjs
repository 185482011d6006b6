import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Runs Node with these arguments in place of this process: same terminal, same signals, same exit code. */
export function runNode(args, options = {}) {
  const child = spawn(process.execPath, args, { ...options, stdio: "inherit" });
  // A terminal signals the whole group; a supervisor signals only us, so pass its signal on.
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.on("SIGINT", () => {});
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
