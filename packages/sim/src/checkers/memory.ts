import type { CheckerContext } from "./checker.js";

/** No list, map or set of a running chain may hold more. What remembers on purpose, pools and verified signatures, may. */
const ENTRIES_MAX = 600;
const REMEMBERED_ENTRIES_MAX = 4_200;
const REMEMBERING = /mempool|intake|verif|included/i;

/** Parts that are not the chain's own memory: ports, and what belongs to the simulation. */
const OUTSIDE = new Set([
  "store",
  "transport",
  "clock",
  "log",
  "application",
  "random",
  "verifier",
  "genesis",
]);

/** Invariant 11: memory stays bounded while finality stalls. Walks everything that a driver holds. */
export function checkMemory(context: CheckerContext, node: number, driver: object): number {
  let largest = 0;
  for (const [path, size] of sizesOf(driver)) {
    largest = Math.max(largest, size);
    if (size > (REMEMBERING.test(path) ? REMEMBERED_ENTRIES_MAX : ENTRIES_MAX))
      context.report("memory", `node ${node} keeps ${size} entries in ${path}`);
  }
  return largest;
}

/** Sizes of all collections reachable from an object, by path; bytes and ports are left out. */
export function sizesOf(root: object): Map<string, number> {
  const sizes = new Map<string, number>();
  const seen = new Set<object>();
  const queue: [string, unknown][] = [["driver", root]];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const [path, value] = next;
    if (typeof value !== "object" || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
      sizes.set(path, Math.max(sizes.get(path) ?? 0, Array.isArray(value) ? value.length : value.size));
      for (const each of value.values()) queue.push([`${path}[]`, each]);
      continue;
    }
    for (const [name, each] of Object.entries(value)) {
      if (!OUTSIDE.has(name)) queue.push([`${path}.${name}`, each]);
    }
  }
  return sizes;
}
