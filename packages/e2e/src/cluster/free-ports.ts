import { createServer } from "node:net";
import { ConsiliumError } from "@consilium/crypto";

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere): a node that is down
 * for a while must find its port free when it comes back.
 */
const PORT_FIRST = 15_000;
const PORT_LAST = 32_000;

/**
 * Ports on 127.0.0.1 that nobody listens on now, all different. The search starts at another place in each process.
 * @throws ConsiliumError `E2E_NO_PORTS`
 */
export async function freePorts(count: number): Promise<number[]> {
  const span = PORT_LAST - PORT_FIRST;
  const start = (process.pid * 61) % span;
  const found: number[] = [];
  for (let tried = 0; tried < span && found.length < count; tried++) {
    const port = PORT_FIRST + ((start + tried) % span);
    if (await isFree(port)) found.push(port);
  }
  if (found.length === count) return found;
  throw new ConsiliumError(
    "E2E_NO_PORTS",
    `Fewer than ${count} ports from ${PORT_FIRST} to ${PORT_LAST} are free here.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
