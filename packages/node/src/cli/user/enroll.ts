import {
  type KeyCentreFault,
  type OwnerClient,
  type RecipientClient,
  WALLET_LOSS_WARNING,
} from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { type Command, Option } from "commander";
import { loadConfig } from "../../config/index.js";
import type { CommandContext, CommandResult } from "../output.js";
import { addUserCommand, type Say, sayTo, type WalletOptions, withWallet } from "./common-options.js";
import { counted } from "./formats.js";
import { type Member, useMember } from "./member.js";
import { openClient, useWalletFile, type WalletTools } from "./sdk.js";

interface EnrollOptions extends WalletOptions {
  readonly role?: "owner" | "recipient";
  readonly adminConfig?: string;
}

/** `consilium user enroll`: a wallet, an account on the chain, and the keys of the person. */
export function registerUser(program: Command, context: CommandContext): void {
  const user = program.command("user").description("enrol a person and keep their wallet");
  addUserCommand<EnrollOptions>(user, context, {
    usage: "enroll",
    description:
      "enrol a person: make their wallet, let the hospital vouch for them, collect their keys from the key centre; run again, it goes on where it stopped",
    configure: (command) =>
      withWallet(command)
        .addOption(
          new Option("--role <role>", "owner: a patient; recipient: a clinician or researcher").choices([
            "owner",
            "recipient",
          ]),
        )
        .option(
          "--admin-config <file>",
          "config of the hospital's node: its key, opened on this machine, vouches for the person",
        ),
    action: (options) => enroll(options, sayTo(context, options)),
    examples: [
      "consilium user enroll --role owner --wallet patient.wallet --admin-config north/consilium.yaml",
      "consilium user enroll --role recipient --wallet clinician.wallet --admin-config south/consilium.yaml",
    ],
  });
}

async function enroll(options: EnrollOptions, say: Say): Promise<CommandResult> {
  const { role, adminConfig } = options;
  if (role === undefined)
    throw new ConsiliumError("USAGE", "Say whom to enrol: --role owner or --role recipient.");
  if (adminConfig === undefined) {
    throw new ConsiliumError("USAGE", "Name the config of the hospital that vouches: --admin-config FILE.");
  }
  return useMember(adminConfig, async (member) => {
    // The hospital's own node serves unless another is named.
    const api = options.api ?? member.apiUrl;
    // The hospital's copy of the genesis is the first thing that a wallet is told to trust.
    const genesis = options.genesis ?? loadConfig(adminConfig).genesisFile;
    return useWalletFile({ ...options, api, genesis }, true, (tools) => enrollWith(tools, role, member, say));
  });
}

async function enrollWith(
  tools: WalletTools,
  role: "owner" | "recipient",
  member: Member,
  say: Say,
): Promise<CommandResult> {
  if (tools.isNew) say(WALLET_LOSS_WARNING);
  const hospitalClient = await openClient([member.apiUrl]);
  const hospital = await hospitalClient.hospital(member.signer);
  const input = { wallet: tools.walletOptions, attest: hospital.attest.bind(hospital) };
  say(`Registering the account; ${member.name} vouches for it …`);
  if (role === "recipient") {
    const recipient = await tools.client.enrolRecipient(input);
    requireRole(recipient, role);
    say("Collecting the user key from the key centre …");
    const faults = await recipient.collectUserKey();
    return describe(recipient, member, { faults });
  }
  const owner = await tools.client.enrolOwner(input);
  requireRole(owner, role);
  say("Collecting a key for each type of record from the key centre …");
  const { collected, faults } = await owner.collectTypes();
  say(`Leaving the sealed list of types with ${member.name} …`);
  const catalogue = await owner.leaveCatalogue(hospital.node, hospitalClient.api);
  return describe(owner, member, { collected, faults, catalogue });
}

/** An enrolment that goes on takes the role of its wallet, whatever was asked for. */
function requireRole({ session }: OwnerClient | RecipientClient, role: string): void {
  const found = session.wallet.content.role;
  if (found === role) return;
  throw new ConsiliumError(
    "WALLET_ROLE",
    `This wallet belongs to ${found === "owner" ? "an owner" : "a recipient"}; name another wallet file, or give --role ${found}.`,
  );
}

interface Facts {
  readonly faults: readonly KeyCentreFault[];
  readonly collected?: readonly string[];
  readonly catalogue?: number;
}

function describe(person: OwnerClient | RecipientClient, member: Member, facts: Facts): CommandResult {
  const { account, role } = person.session.wallet.content;
  const { collected, faults } = facts;
  return {
    json: { account, role, member: member.signer.keyId, memberName: member.name, ...facts },
    lines: [
      `Enrolled ${role === "owner" ? "an owner" : "a recipient"} through ${member.name}`,
      `Account: ${account}`,
      ...(collected === undefined ? [] : [`Keys collected for ${counted(collected.length, "type")}`]),
      ...faults.map(({ name, code }) => `Key-centre node ${name} gave no good part: ${code}`),
    ],
  };
}
