import { type CandidateView, type DelegateView, type MemberDetailView, routes } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import type { Command } from "commander";
import { addCommand, type CommandContext, type CommandResult, table, wholeNumber } from "../output.js";
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

interface EpochOptions extends TargetOptions {
  readonly epoch?: number;
}

const withEpoch = (command: Command): Command =>
  withTarget(command).option("--epoch <n>", "another epoch than the present one", wholeNumber);

/** Who agrees on the alliance chain and who would: `epoch`, `delegates`, `candidates`, `vote`, `candidate`. */
export function registerElections(program: Command, context: CommandContext): void {
  addCommand<EpochOptions>(
    program,
    context,
    "epoch",
    "where the chain stands in its epochs, and who is seated now and next",
    withEpoch,
    epoch,
  ).addHelpText("after", "\nExample:\n  $ consilium epoch --config north/consilium.yaml");
  addCommand<EpochOptions>(
    program,
    context,
    "delegates",
    "the elected validators of an epoch, with their credit",
    withEpoch,
    delegates,
  ).addHelpText("after", "\nExample:\n  $ consilium delegates --epoch 12 --config north/consilium.yaml");
  addCommand<TargetOptions>(
    program,
    context,
    "candidates",
    "every member as the next election would rank it now",
    withTarget,
    candidates,
  ).addHelpText("after", "\nExample:\n  $ consilium candidates --config north/consilium.yaml");
  addCommand<ActOptions & { readonly none?: true }>(
    program,
    context,
    "vote [node=stake...]",
    "spread this member's stake over candidates, in place of its votes before",
    (command) => withActor(command).option("--none", "vote for nobody"),
    vote,
  ).addHelpText(
    "after",
    "\nA node is a member's name or the first digits of its node id.\n\nExample:\n  $ consilium vote North=600 East=400 --config north/consilium.yaml",
  );
  registerCandidate(program, context);
}

function registerCandidate(program: Command, context: CommandContext): void {
  const candidate = program.command("candidate").description("this member's own candidacy");
  addCommand<ActOptions>(
    candidate,
    context,
    "register",
    "stand for election with the node's vote key, for the first time, again, or with a new key",
    withActor,
    async (options) => {
      const result = await act(options, () => ({ act: "register" }));
      return actResult(
        "Registered as a candidate",
        result,
        "The node says by itself in each epoch that it is up.",
      );
    },
  ).addHelpText("after", "\nExample:\n  $ consilium candidate register --config north/consilium.yaml");
  addCommand<ActOptions>(
    candidate,
    context,
    "resign",
    "stand no more; a seat that is elected already stays until its epoch ends",
    withActor,
    async (options) =>
      actResult(
        "Resigned from the elections",
        await act(options, () => ({ act: "resign" })),
        "Keep the node up until its last seat ends: see consilium epoch.",
      ),
  ).addHelpText("after", "\nExample:\n  $ consilium candidate resign --config north/consilium.yaml");
}

async function epoch(options: EpochOptions): Promise<CommandResult> {
  const asked = options.epoch === undefined ? {} : { epoch: options.epoch };
  const view = await (await apiOf(options)).call(routes.epoch, asked);
  const names = (of: typeof view.validators) => of.map(({ name }) => name).join(", ");
  const next = view.nextValidators;
  return {
    json: view,
    lines: [
      `epoch ${view.epoch}: heights ${view.firstHeight} to ${view.boundaryHeight}; final up to ${view.finalizedHeight}`,
      `validators: ${names(view.validators)} (${view.validators.length} of ${view.seats} seats)`,
      `next epoch: ${next === null ? "not elected yet" : names(next)}`,
      ...(view.refusal === null
        ? []
        : [`The election for the next epoch was refused (${view.refusal}): the old validators stay.`]),
    ],
  };
}

async function delegates(options: EpochOptions): Promise<CommandResult> {
  const asked = options.epoch === undefined ? {} : { epoch: options.epoch };
  const view = await (await apiOf(options)).call(routes.delegates, asked);
  const head = ["seat", "member", "node", "stake", "credit", "served", "blocks", "failed", "votes", "missed"];
  return { json: view, lines: table([head, ...view.delegates.map(delegateRow)]) };
}

const delegateRow = (delegate: DelegateView): string[] => {
  const { index, name, node, stake, credit, epochsServed, tally } = delegate;
  const counts = tally === null ? ["", "", "", ""] : Object.values(tally).map(String);
  const standing = [String(stake), credit === null ? "" : String(credit), String(epochsServed)];
  return [String(index), name, node.slice(0, 16), ...standing, ...counts];
};

async function candidates(options: TargetOptions): Promise<CommandResult> {
  const view = await (await apiOf(options)).call(routes.candidates, {});
  const head = ["member", "node", "stake", "votes", "credit", "class", "weight", "ready", "now"];
  return { json: view, lines: table([head, ...view.candidates.map(candidateRow)]) };
}

const candidateRow = (candidate: CandidateView): string[] => [
  candidate.name,
  candidate.node.slice(0, 16),
  ...[candidate.stake, candidate.cappedVotes, candidate.credit].map(String),
  candidate.class,
  String(candidate.weight),
  candidate.readyEpoch === null ? "" : String(candidate.readyEpoch),
  candidate.seated ? "seated" : (candidate.ineligible ?? "standby"),
];

async function vote(
  options: ActOptions & { readonly none?: true },
  args: readonly string[],
): Promise<CommandResult> {
  if ((args.length === 0) !== (options.none === true)) {
    throw new ConsiliumError("USAGE", "Name candidates as NODE=STAKE, or give --none to vote for nobody.");
  }
  const result = await act(options, async (api) => {
    const members = await membersOf(api);
    return { act: "vote", votes: args.map((arg) => voteOf(arg, members)) };
  });
  const what = args.length === 0 ? "Voted for nobody" : `Voted ${args.join(", ")}`;
  return actResult(what, result, "It counts from the next snapshot on, which is taken when the epoch ends.");
}

function voteOf(arg: string, members: readonly MemberDetailView[]): { candidate: string; stake: number } {
  const [, name, stake] = /^(.+)=([0-9]{1,16})$/.exec(arg) ?? [];
  if (name === undefined || stake === undefined || !Number.isSafeInteger(Number(stake))) {
    throw new ConsiliumError("USAGE", `"${arg}" is no vote; write NODE=STAKE, for example North=600.`);
  }
  return { candidate: memberNamed(name, members), stake: Number(stake) };
}
