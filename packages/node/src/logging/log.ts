import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ConsiliumError, codeOf } from "@consilium/crypto";
import type { Log, LogFields } from "@consilium/protocol";
import { destination, type Logger, pino } from "pino";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Standard output when undefined. */
  readonly file: string | undefined;
  /** Fields of every line, such as the node's name. */
  readonly base: Readonly<Record<string, string>>;
}

export interface ClosableLog extends Log {
  /** Writes what is still buffered. */
  close(): void;
}

/** Fields whose very name says that they must not be written. */
const SECRET_FIELD = /(secret|passphrase|password|seed|private|share$|token)/i;

/** A log names accounts and records by their ids: for the node's user alone. */
const FILE_MODE = 0o600;

/** A log that writes one JSON object a line: level, time, the event as `msg`, and its fields. */
export function createLog(options: LogOptions): ClosableLog {
  if (options.file !== undefined) mkdirSync(dirname(options.file), { recursive: true });
  const stream = destination({ dest: options.file ?? 1, sync: true, mode: FILE_MODE });
  const logger = pino(
    {
      level: options.level,
      base: options.base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return { ...wrap(logger), close: () => stream.flushSync() };
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields, event) => logger.debug(printable(fields), event),
    info: (fields, event) => logger.info(printable(fields), event),
    warn: (fields, event) => logger.warn(printable(fields), event),
    error: (fields, event) => logger.error(printable(fields), event),
    child: (fields) => wrap(logger.child(printable(fields))),
  };
}

/**
 * Fields as they may stand in a log. Byte strings are given by length alone: ids are logged as hex on purpose, so that
 * bytes that reach a log by accident are never readable there.
 */
export function printable(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, printableValue(name, value)]),
  );
}

function printableValue(name: string, value: unknown): unknown {
  if (SECRET_FIELD.test(name)) return "(not logged)";
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (value instanceof ConsiliumError) return { code: value.code, message: value.message, ...value.details };
  if (value instanceof Error) return { code: codeOf(value), message: value.message, stack: value.stack };
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map((entry) => printableValue("", entry));
  if (typeof value === "object" && value !== null) return printable(value as LogFields);
  return value;
}

/** A log that keeps nothing, for commands that print their own answers. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};
