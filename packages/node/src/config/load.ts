import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConsiliumError } from "@consilium/crypto";
import { LineCounter, parseDocument } from "yaml";
import { configError } from "./messages.js";
import { type NodeConfigFile, NodeConfigSchema } from "./schema.js";

/** A validated config: every path absolute. */
export interface NodeConfig {
  readonly configFile: string;
  readonly name: string;
  readonly dataDir: string;
  readonly genesisFile: string;
  readonly keystoreDir: string;
  readonly passphraseFile: string | undefined;
  readonly network: {
    readonly listen: string;
    readonly announce: readonly string[];
    readonly peers: readonly string[];
  };
  readonly api: { readonly host: string; readonly port: number; readonly names: readonly string[] };
  readonly sync: { readonly mode: "blocks" | "state" };
  readonly log: { readonly level: "debug" | "info" | "warn" | "error"; readonly file: string | undefined };
  readonly demo: { readonly allowFaults: boolean };
}

/**
 * Reads and checks one config file.
 * @throws ConsiliumError `CONFIG_NOT_FOUND`, `CONFIG_BAD_YAML`, `CONFIG_UNKNOWN_KEY`, `CONFIG_MISSING_KEY`,
 * `CONFIG_BAD_VALUE`; each sentence names the key and what to do.
 */
export function loadConfig(file: string): NodeConfig {
  return parseConfig(readConfigText(resolve(file)), resolve(file));
}

/** The same for text already read; `file` gives relative paths their folder and errors their place. */
export function parseConfig(text: string, file: string): NodeConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    throw new ConsiliumError(
      "CONFIG_BAD_YAML",
      `${file} is not valid YAML at line ${line}: ${problem.message.split("\n")[0]}`,
      { file, line },
    );
  }
  const parsed = NodeConfigSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) return resolvePaths(parsed.data, file);
  // A misspelt key also makes the right one missing; the misspelling is the more useful of the two.
  const issues = parsed.error.issues;
  const first = issues.find((issue) => issue.code === "unrecognized_keys") ?? issues[0]!;
  throw configError(first, { file, document, lines });
}

function readConfigText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ConsiliumError(
      "CONFIG_NOT_FOUND",
      `The config file ${file} cannot be read; give its path with --config, or make one with "consilium init".`,
      { file },
      { cause },
    );
  }
}

function resolvePaths(config: NodeConfigFile, file: string): NodeConfig {
  const at = (path: string): string => resolve(dirname(file), path);
  return {
    configFile: file,
    name: config.name,
    dataDir: at(config.dataDir),
    genesisFile: at(config.genesisFile),
    keystoreDir: at(config.keystoreDir),
    passphraseFile: config.passphraseFile === undefined ? undefined : at(config.passphraseFile),
    network: config.network,
    api: { ...config.api.listen, names: config.api.names },
    sync: config.sync,
    log: { level: config.log.level, file: config.log.file === undefined ? undefined : at(config.log.file) },
    demo: config.demo,
  };
}
