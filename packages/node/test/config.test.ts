import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsiliumError } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { loadConfig, parseConfig, readPassphrase } from "../src/config/index.js";

const GOOD = `name: Hospital A
dataDir: data
genesisFile: ../genesis.json
keystoreDir: keys
network:
  listen: /ip4/127.0.0.1/tcp/9000
api:
  listen:
    port: 9001
`;
const FILE = "/srv/a/consilium.yaml";

function refusal(act: () => unknown): ConsiliumError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConsiliumError) return error;
  }
  throw new Error("it was accepted");
}

describe("the node's config", () => {
  it("takes relative paths from the folder of the file and fills in defaults", () => {
    expect(parseConfig(GOOD, FILE)).toEqual({
      configFile: FILE,
      name: "Hospital A",
      dataDir: "/srv/a/data",
      genesisFile: "/srv/genesis.json",
      keystoreDir: "/srv/a/keys",
      sync: { mode: "blocks" },
      passphraseFile: undefined,
      network: { listen: "/ip4/127.0.0.1/tcp/9000", announce: [], peers: [] },
      api: { host: "127.0.0.1", port: 9001, names: [] },
      log: { level: "info", file: undefined },
      demo: { allowFaults: false },
    });
  });

  it("names an unknown key, its line, and the key that was meant", () => {
    const error = refusal(() => parseConfig(GOOD.replace("  listen: /ip4", "  lisen: /ip4"), FILE));
    expect(error.code).toBe("CONFIG_UNKNOWN_KEY");
    expect(error.message).toBe(
      `Unknown key "network.lisen" at ${FILE} line 6. Did you mean "network.listen"?`,
    );
    expect(error.details).toEqual({ key: "network.lisen", file: FILE, line: 6 });
  });

  it("lists the known keys when nothing similar exists", () => {
    const error = refusal(() => parseConfig(`${GOOD}colour: blue\n`, FILE));
    expect(error.code).toBe("CONFIG_UNKNOWN_KEY");
    expect(error.message).toContain('Unknown key "colour"');
    expect(error.message).toContain("line 10");
    expect(error.message).toContain("keystoreDir");
  });

  it("says where secrets belong when one is written into the file, and does not repeat it", () => {
    const error = refusal(() => parseConfig(`${GOOD}passphrase: hunter2\n`, FILE));
    expect(error.code).toBe("CONFIG_UNKNOWN_KEY");
    expect(error.message).toContain("CONSILIUM_PASSPHRASE");
    expect(error.message).not.toContain("hunter2");
  });

  it("names a missing key and says what it is for", () => {
    const error = refusal(() => parseConfig(GOOD.replace(/genesisFile.*\n/, ""), FILE));
    expect(error.code).toBe("CONFIG_MISSING_KEY");
    expect(error.message).toContain('"genesisFile"');
    expect(error.message).toContain("every member holds the same one");
  });

  it.each([
    ["port: 9001", "port: 90010", "api.listen.port", "1 to 65535"],
    ["port: 9001", "port: web", "api.listen.port", "port number"],
    ["/ip4/127.0.0.1/tcp/9000", "localhost:9000", "network.listen", "not a multiaddr"],
    ["name: Hospital A", "name: ''", "name", "letters"],
    [
      "  listen: /ip4/127.0.0.1/tcp/9000",
      "  listen: /ip4/1.1.1.1/tcp/1\n  peers: [/ip4/1.1.1.1/tcp/1]",
      "network.peers.0",
      "peer's id",
    ],
    ["name: Hospital A", "name: A\nlog: { level: loud }", "log.level", "debug, info, warn, error"],
    ["name: Hospital A", "name: A\ndemo: { allowFaults: 1 }", "demo.allowFaults", "true or false"],
  ])("refuses a bad value: %s → %s", (from, to, key, remedy) => {
    const error = refusal(() => parseConfig(GOOD.replace(from, to), FILE));
    expect(error.code).toBe("CONFIG_BAD_VALUE");
    expect(error.details.key).toBe(key);
    expect(error.message).toContain(remedy);
    expect(error.details.line).toBeTypeOf("number");
  });

  it("points at the line of broken YAML", () => {
    const error = refusal(() => parseConfig(`${GOOD}log: {level: info\n`, FILE));
    expect(error.code).toBe("CONFIG_BAD_YAML");
    expect(error.message).toMatch(/line \d+/);
  });

  it("says how to make a config when there is none", () => {
    const error = refusal(() => loadConfig("/nowhere/consilium.yaml"));
    expect(error.code).toBe("CONFIG_NOT_FOUND");
    expect(error.message).toContain("consilium init");
  });
});

describe("the passphrase", () => {
  const dir = mkdtempSync(join(tmpdir(), "consilium-passphrase-"));

  it("comes from the file, without its last line end", () => {
    writeFileSync(join(dir, "passphrase"), "correct horse\n");
    expect(readPassphrase(join(dir, "passphrase"), {})).toBe("correct horse");
  });

  it("comes from the environment when no file is named", () => {
    expect(readPassphrase(undefined, { CONSILIUM_PASSPHRASE: "battery" })).toBe("battery");
  });

  it("is asked for by both names when there is none", () => {
    const error = refusal(() => readPassphrase(undefined, {}));
    expect(error.code).toBe("PASSPHRASE_MISSING");
    expect(error.message).toContain("passphraseFile");
    expect(error.message).toContain("CONSILIUM_PASSPHRASE");
  });
});
