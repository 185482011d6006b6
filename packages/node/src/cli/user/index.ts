import type { Command } from "commander";
import type { CommandContext } from "../output.js";

/** The commands that owners, recipients and a hospital's import desk give; all act through @consilium/client. */
export function registerUserCommands(program: Command, _context: CommandContext): void {
  program.command("user").description("enrol a person and keep their wallet");
  program.command("record").description("import documents, and list what is indexed");
  program.command("access").description("ask for records, and open those that were granted");
  program.command("grant").description("grant and revoke access to your records");
  program.command("audit").description("who saw what of your records, when and why");
}
