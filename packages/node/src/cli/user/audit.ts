import type { AuditEntry } from "@consilium/client";
import type { Command } from "commander";
import { type CommandContext, type CommandResult, table } from "../output.js";
import { addUserCommand, type WalletOptions, withWallet } from "./common-options.js";
import { shortId, timeText } from "./formats.js";
import { useOwner } from "./sdk.js";

/** `consilium audit`: who saw what of the owner's records, when and why. */
export function registerAudit(program: Command, context: CommandContext): void {
  addUserCommand<WalletOptions>(program, context, {
    usage: "audit",
    description: "who opened which of your records, when and what for",
    configure: withWallet,
    action: (options) =>
      useOwner(options, async (owner): Promise<CommandResult> => {
        const accesses = await owner.audit();
        return { json: { accesses }, lines: auditTable(accesses) };
      }),
    examples: ["consilium audit", "consilium audit --json"],
  });
}

function auditTable(accesses: readonly AuditEntry[]): string[] {
  if (accesses.length === 0) return ["Nobody has opened your records."];
  const rows = accesses.map((access) => [
    timeText(access.timeMs),
    shortId(access.recipient),
    access.memberName,
    access.type ?? "unknown",
    access.purpose,
    String(access.recordIds.length),
    shortId(access.grantId),
    String(access.height),
  ]);
  return table([["when", "who", "member", "type", "purpose", "records", "grant", "height"], ...rows]);
}
