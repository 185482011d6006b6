import { readFileSync } from "node:fs";
import {
  type HttpApi,
  type NewcomerBody,
  type ProposalBody,
  type ProposalView,
  routes,
} from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import type { Command } from "commander";
import { addCommand, type CommandContext, type CommandResult, table, wholeNumber } from "../output.js";
import { idFromPrefix } from "../user/prefixes.js";
import {
  type ActOptions,
  act,
  actResult,
  apiOf,
  memberNamed,
  membersOf,
  type TargetOptions,
  withActor,
  withTarget,
} from "./target.js";

type ProposeOptions = ActOptions & { readonly file?: string; readonly stake?: number };

const THEN =
  "It passes with two thirds of the stake and takes effect when the epoch ends; others approve it with: consilium member approve";

/** Who the members are and what they decide: `members`, `member`, `safety`. */
export function registerMembers(program: Command, context: CommandContext): void {
  addCommand<TargetOptions>(
    program,
    context,
    "members",
    "the members of the alliance, their stake and their votes",
    withTarget,
    members,
  ).addHelpText("after", "\nExample:\n  $ consilium members --config north/consilium.yaml");
  const member = program.command("member").description("what the members decide together");
  addCommand<TargetOptions>(
    member,
    context,
    "proposals",
    "what was proposed, newest first, and how it stands",
    withTarget,
    proposals,
  ).addHelpText("after", "\nExample:\n  $ consilium member proposals --config north/consilium.yaml");
  addCommand<ActOptions>(
    member,
    context,
    "approve <proposal>",
    "add this member's stake to a proposal; the first digits of its id will do",
    withActor,
    approve,
  ).addHelpText("after", "\nExample:\n  $ consilium member approve 4f1c --config east/consilium.yaml");
  registerPropose(member.command("propose").description("put something to the members"), context);
  registerSafety(program, context);
}

function registerPropose(propose: Command, context: CommandContext): void {
  const add = (
    usage: string,
    description: string,
    example: string,
    configure: (command: Command) => Command,
    proposalOf: (options: ProposeOptions, args: readonly string[], api: HttpApi) => Promise<ProposalBody>,
  ) =>
    addCommand<ProposeOptions>(propose, context, usage, description, configure, async (options, args) => {
      const result = await act(options, async (api) => ({
        act: "propose",
        proposal: await proposalOf(options, args, api),
      }));
      const id = result.transaction;
      const then = `${THEN} ${id.slice(0, 8)}`;
      const made = actResult(`Proposed: ${usage.split(" ")[0]} ${args.join(" ")}`.trimEnd(), result, then);
      return { ...made, json: { proposal: id, ...result } };
    }).addHelpText(
      "after",
      `\nExample:\n  $ consilium member propose ${example} --config north/consilium.yaml`,
    );
  const subject = async (args: readonly string[], api: HttpApi) =>
    memberNamed(args[0]!, await membersOf(api));
  add(
    "admit",
    "a new member, by the member.json of its node",
    "admit --file member.json --stake 1000",
    (command) =>
      withActor(command)
        .requiredOption("--file <file>", "the newcomer's member.json")
        .requiredOption("--stake <n>", "stake that it is to hold", wholeNumber),
    async ({ file, stake }) => ({ action: "admit", newcomer: readNewcomer(file!), stake: stake! }),
  );
  add("expel <member>", "that a member leaves", "expel South", withActor, async (_options, args, api) => ({
    action: "expel",
    member: await subject(args, api),
  }));
  add(
    "set-stake <member> <stake>",
    "another stake for a member",
    "set-stake South 2000",
    withActor,
    async (_options, args, api) => ({
      action: "set-stake",
      member: await subject(args, api),
      stake: wholeNumber(args[1]!),
    }),
  );
  add(
    "set-seats <seats>",
    "another number of validators, 4 to 31",
    "set-seats 7",
    withActor,
    async (_options, args) => ({ action: "set-seats", seats: wholeNumber(args[0]!) }),
  );
  add(
    "reinstate <member>",
    "that a banned member may stand for election again",
    "reinstate South",
    withActor,
    async (_options, args, api) => ({ action: "reinstate", member: await subject(args, api) }),
  );
}

function registerSafety(program: Command, context: CommandContext): void {
  const safety = program.command("safety").description("the record of what this node's vote key signed");
  addCommand<ActOptions>(
    safety,
    context,
    "reset",
    "let a node that lost its record vote again, from the epoch after this one",
    withActor,
    async (options) => {
      const result = await act(options, () => ({ act: "reset-safety-record" }));
      const then =
        "The node votes again from the next epoch on. Make sure that no other process uses its keystores.";
      return actResult("Reset the safety record", result, then);
    },
  ).addHelpText("after", "\nExample:\n  $ consilium safety reset --config north/consilium.yaml");
}

async function members(options: TargetOptions): Promise<CommandResult> {
  const view = await (await apiOf(options)).call(routes.members, {});
  const nameOf = new Map(view.members.map(({ node, name }) => [node, name]));
  const rows = view.members.map((member) => [
    member.name,
    member.node.slice(0, 16),
    String(member.stake),
    member.keyCentre ? "yes" : "",
    member.candidacy,
    member.votes
      .map(({ candidate, stake }) => `${nameOf.get(candidate) ?? candidate.slice(0, 8)}=${stake}`)
      .join(" "),
  ]);
  return {
    json: view,
    lines: table([["member", "node", "stake", "key centre", "candidacy", "votes"], ...rows]),
  };
}

async function proposals(options: TargetOptions): Promise<CommandResult> {
  const view = await (await apiOf(options)).call(routes.proposals, {});
  const rows = view.proposals.map((proposal) => [
    proposal.id.slice(0, 16),
    proposal.action,
    aboutOf(proposal),
    proposal.status,
    `${proposal.approvedStake}/${proposal.wholeStake}`,
    String(proposal.height),
    proposal.approvals.map(({ name }) => name).join(", "),
  ]);
  const head = ["proposal", "action", "about", "status", "stake", "height", "approved by"];
  return {
    json: view,
    lines: rows.length === 0 ? ["Nothing was proposed yet."] : table([head, ...rows]),
  };
}

const aboutOf = ({ subject, stake, seats }: ProposalView): string =>
  [
    subject?.name,
    stake === null ? undefined : `stake ${stake}`,
    seats === null ? undefined : `${seats} seats`,
  ]
    .filter((part) => part !== undefined)
    .join(", ");

async function approve(options: ActOptions, args: readonly string[]): Promise<CommandResult> {
  let proposal = "";
  const result = await act(options, async (api) => {
    const known = (await api.call(routes.proposals, {})).proposals;
    proposal = idFromPrefix(
      args[0]!,
      known.map(({ id }) => id),
      "proposal",
    );
    return { act: "approve", proposal };
  });
  return actResult(`Approved ${proposal.slice(0, 16)}`, result);
}

/** @throws ConsiliumError `USAGE` for a file that is no member.json. */
function readNewcomer(file: string): NewcomerBody {
  const wrong = (cause?: unknown) =>
    new ConsiliumError(
      "USAGE",
      `${file} is no member.json; get the file that "consilium init --name NAME" wrote for the newcomer.`,
      { file },
      { cause },
    );
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw wrong(cause);
  }
  const field = (name: string): string => {
    const value = content?.[name];
    if (typeof value === "string" && value !== "") return value;
    throw wrong();
  };
  return {
    name: field("name"),
    nodeId: field("nodeId"),
    exchangeKey: field("exchangeKey"),
    voteKey: field("voteKey"),
    votePossession: field("votePossession"),
  };
}
