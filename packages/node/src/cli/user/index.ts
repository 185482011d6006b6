import type { Command } from "commander";
import type { CommandContext } from "../output.js";
import { registerAccess } from "./access.js";
import { registerAudit } from "./audit.js";
import { registerUser } from "./enroll.js";
import { registerGrant } from "./grant.js";
import { registerRecord } from "./record.js";

/** The commands that owners, recipients and a hospital's import desk give; all act through @consilium/client. */
export function registerUserCommands(program: Command, context: CommandContext): void {
  registerUser(program, context);
  registerRecord(program, context);
  registerAccess(program, context);
  registerGrant(program, context);
  registerAudit(program, context);
}
