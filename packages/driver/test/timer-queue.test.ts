import { describe, expect, it } from "vitest";
import { TimerQueue } from "../src/testing/index.js";

describe("the queue of simulated timers", () => {
  it("fires by time, and by setting where times are equal, leaving out what was cancelled", () => {
    const queue = new TimerQueue();
    const fired: string[] = [];
    const expected: { readonly atMs: number; readonly order: number }[] = [];
    for (let order = 0; order < 2_000; order++) {
      const atMs = (order * 7_919) % 97;
      const timer = queue.add(atMs, () => fired.push(`${atMs} ${order}`));
      if (order % 3 === 0) queue.cancel(timer);
      else expected.push({ atMs, order });
    }
    expect(queue.size).toBe(expected.length);
    for (let timer = queue.take(); timer !== undefined; timer = queue.take()) timer.callback();
    expected.sort((one, other) => one.atMs - other.atMs || one.order - other.order);
    expect(fired).toEqual(expected.map(({ atMs, order }) => `${atMs} ${order}`));
  });

  it("counts nothing twice when a timer is cancelled after it fired", () => {
    const queue = new TimerQueue();
    const first = queue.add(1, () => {});
    queue.add(2, () => {});
    queue.take();
    queue.cancel(first);
    expect(queue.size).toBe(1);
    expect(queue.take()?.atMs).toBe(2);
    expect(queue.take()).toBeUndefined();
  });
});
