import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsiliumError } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { createLog } from "../../src/logging/index.js";

const openLog = () => {
  const file = join(mkdtempSync(join(tmpdir(), "consilium-log-")), "logs", "node.log");
  const log = createLog({ level: "debug", file, base: { node: "test" } });
  return {
    file,
    log,
    lines: () =>
      readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
  };
};

describe("a log file", () => {
  it("is readable by its user alone", () => {
    const { file, log } = openLog();
    log.info({ account: "ab" }, "something");
    log.close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("holds no bytes and no field whose name says that it is a secret, however deep it lies", () => {
    const { log, lines } = openLog();
    const secret = new Uint8Array(32).fill(0xab);
    log.warn(
      {
        ...{ bytes: secret, share: secret, passphrase: "open sesame", nested: { ownSecret: "open sesame" } },
        error: new ConsiliumError("SOME_CODE", "A sentence.", {}, { cause: new Error("open sesame") }),
      },
      "something",
    );
    log.close();
    const [line] = lines();
    expect(JSON.stringify(line)).not.toMatch(/open sesame|abab|171,171/);
    expect(line).toMatchObject({ bytes: "(32 bytes)", error: { code: "SOME_CODE" }, msg: "something" });
  });
});
