import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { Namespaces } from "../src/network/namespaces.js";

/** Whether this machine lets us make namespaces: root on Linux with iproute2. */
async function areNamespacesHere(): Promise<boolean> {
  try {
    await (await Namespaces.create([])).remove();
    return true;
  } catch {
    return false;
  }
}

const list = (): string => execFileSync("ip", ["netns", "list"], { encoding: "utf8" });

describe.skipIf(!(await areNamespacesHere()))("network namespaces", () => {
  it("give each node an address that only the hub reaches, and leave nothing behind", async () => {
    const namespaces = await Namespaces.create(["a", "b"]);
    try {
      const placement = namespaces.placement(false);
      const inside = (wrapper: readonly string[], ...command: string[]) => {
        const [program, ...args] = [...wrapper, ...command] as [string, ...string[]];
        return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      };
      const routeTo = (address: string) => ["ip", "route", "get", address];
      expect(inside(namespaces.hubWrapper, ...routeTo(placement.hostOf("b")))).toContain("node2");
      const { host } = placement.relayFor("a", "b");
      expect(inside(placement.wrapperOf("a"), ...routeTo(host))).toContain("eth0");
      expect(() => inside(placement.wrapperOf("a"), ...routeTo(placement.hostOf("b")))).toThrow();
    } finally {
      await namespaces.remove();
    }
    expect(list()).not.toContain(namespaces.hub);
  });
});
