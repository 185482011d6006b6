import { actors } from "../byzantine/index.js";

/** What a rule of a script loses on the way: messages of one kind and view. */
export interface Loss {
  readonly what:
    | "proposal"
    | "notarize"
    | "nullify"
    | "finalize"
    | "notarization"
    | "nullification"
    | "finalization";
  readonly epoch: number;
  readonly view: number;
  /** From then on nothing of it is lost any more. */
  readonly untilMs: number;
}

export type Act =
  | { readonly kind: "cut"; readonly left: readonly number[]; readonly right: readonly number[] }
  | { readonly kind: "heal" }
  | { readonly kind: "crash" | "wipe"; readonly nodes: readonly number[]; readonly forMs: number }
  | { readonly kind: "send"; readonly nodes: readonly number[] }
  | { readonly kind: "start"; readonly nodes: readonly number[] }
  | { readonly kind: "admit" | "expel"; readonly node: number; readonly by: number };

/** A scenario as its script says it. */
export interface Script {
  readonly about: string;
  readonly nodes: number;
  readonly newcomers: boolean;
  readonly delayMs: number;
  readonly epochLengthHeights: number;
  readonly blockIntervalMs: number;
  readonly untilMs: number;
  readonly showVotes: boolean;
  readonly showFacts: boolean;
  readonly actors: readonly (readonly [machine: number, actor: string])[];
  readonly losses: readonly Loss[];
  /** Nodes whose consensus messages leave that much later. */
  readonly late: readonly (readonly [machine: number, byMs: number])[];
  readonly acts: readonly { readonly atMs: number; readonly act: Act }[];
  /** Crashes of a node once it has cast a vote. */
  readonly triggers: readonly { readonly node: number; readonly vote: Loss; readonly forMs: number }[];
}

type Draft = { -readonly [Name in keyof Script]: Script[Name] };

/**
 * Reads a script: one statement a line, `#` begins a comment, the first comment says what it is about. Throws
 * SyntaxError with the line's number for what it does not understand.
 */
export function parseScript(text: string): Script {
  const draft: Draft = {
    ...{ about: "", nodes: 4, newcomers: false, delayMs: 10, epochLengthHeights: 400, blockIntervalMs: 500 },
    ...{
      untilMs: 0,
      showVotes: false,
      showFacts: false,
      actors: [],
      losses: [],
      late: [],
      acts: [],
      triggers: [],
    },
  };
  for (const [index, line] of text.split("\n").entries()) {
    const [statement = "", comment] = line.split("#");
    if (draft.about === "" && comment !== undefined) draft.about = comment.trim();
    const words = statement
      .trim()
      .split(/\s+/)
      .filter((word) => word !== "");
    if (words.length === 0) continue;
    try {
      read(words, draft);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SyntaxError(`line ${index + 1}: ${statement.trim()}: ${reason}`);
    }
  }
  if (draft.untilMs === 0) throw new SyntaxError("The script does not say until when it runs.");
  return draft;
}

function read(words: readonly string[], draft: Draft): void {
  const [verb, first = "", ...rest] = words;
  switch (verb) {
    case "nodes":
      draft.nodes = numberOf(first);
      return;
    case "newcomers":
      draft.newcomers = true;
      return;
    case "delay":
      draft.delayMs = numberOf(first);
      return;
    case "epoch":
      draft.epochLengthHeights = numberOf(first);
      return;
    case "interval":
      draft.blockIntervalMs = numberOf(first);
      return;
    case "until":
      draft.untilMs = numberOf(first);
      return;
    case "show":
      draft.showVotes ||= [first, ...rest].includes("votes");
      draft.showFacts ||= [first, ...rest].includes("facts");
      return;
    case "actor":
      draft.actors = [...draft.actors, [numberOf(first), actorNamed(rest[0])]];
      return;
    case "lose":
      draft.losses = [...draft.losses, lossOf(first, rest[0], rest[2])];
      return;
    case "late":
      draft.late = [...draft.late, [numberOf(first), numberOf(rest[0])]];
      return;
    case "at":
      draft.acts = [...draft.acts, { atMs: numberOf(first), act: actOf(rest) }];
      return;
    case "every":
      for (let atMs = numberOf(first); atMs < numberOf(rest.at(-1)); atMs += numberOf(first))
        draft.acts = [...draft.acts, { atMs, act: actOf(rest.slice(0, -2)) }];
      return;
    case "when":
      draft.triggers = [...draft.triggers, triggerOf(words.slice(1))];
      return;
    default:
      throw new SyntaxError("there is no such statement");
  }
}

function actOf([verb, ...words]: readonly string[]): Act {
  switch (verb) {
    case "cut": {
      const bar = words.indexOf("|");
      return { kind: "cut", left: nodesOf(words.slice(0, bar)), right: nodesOf(words.slice(bar + 1)) };
    }
    case "heal":
      return { kind: "heal" };
    case "crash":
    case "wipe":
      return { kind: verb, nodes: nodesOf(words.slice(0, -2)), forMs: numberOf(words.at(-1)) };
    case "send":
    case "start":
      return { kind: verb, nodes: nodesOf(words) };
    case "admit":
    case "expel":
      return { kind: verb, node: numberOf(words[0]), by: numberOf(words[2]) };
    default:
      throw new SyntaxError("there is no such act");
  }
}

/** `NODE votes KIND EPOCH.VIEW crash for MS` */
function triggerOf(words: readonly string[]): Script["triggers"][number] {
  const [node, , kind = "", place, , , forMs] = words;
  return { node: numberOf(node), vote: lossOf(kind, place), forMs: numberOf(forMs) };
}

const KINDS = [
  "proposal",
  "notarize",
  "nullify",
  "finalize",
  "notarization",
  "nullification",
  "finalization",
] as const;

function lossOf(what: string, place = "", until?: string): Loss {
  const kind = KINDS.find((each) => each === what);
  if (kind === undefined) throw new SyntaxError(`${what} is none of ${KINDS.join(", ")}`);
  const [epoch, view] = place.split(".").map(numberOf);
  if (epoch === undefined || view === undefined) throw new SyntaxError("give EPOCH.VIEW");
  return {
    what: kind,
    epoch,
    view,
    untilMs: until === undefined ? Number.POSITIVE_INFINITY : numberOf(until),
  };
}

function actorNamed(name = ""): string {
  if (actors.some((each) => each.name === name)) return name;
  throw new SyntaxError(`there is no actor ${name}`);
}

const nodesOf = (words: readonly string[]): number[] => words.map(numberOf);

function numberOf(word = ""): number {
  const value = Number(word);
  if (word !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new SyntaxError(`${word === "" ? "a number is missing" : `${word} is no number`}`);
}
