import { toHex } from "@consilium/crypto";
import type { FinalizedBlockEvent } from "@consilium/driver";
import { SignedTransaction, type TransactionKind, transactionKindNames } from "@consilium/protocol";
import { readMessage, type SeenCertificate, type SeenSubject } from "../checkers/wire.js";

interface Entry {
  readonly atMs: number;
  readonly text: string;
  /** Who it happened to; empty for the whole network. */
  readonly nodes: number[];
}

const VOTES = ["", "votes notarize", "votes nullify", "votes finalize"] as const;
const CERTIFIED = ["", "is notarized", "is nullified", "is final"] as const;
const LINE_WIDTH = 150;

/** What happens, in sentences for people: equal ones of one moment share a line. */
export class Story {
  private readonly entries: Entry[] = [];
  private readonly told = new Set<string>();
  /** Blocks by digest: certificates name heights through them. */
  private readonly heights = new Map<string, number>();
  /** The view of each block's first proposal, by digest. */
  private readonly proposed = new Map<string, string>();

  constructor(private readonly options: { readonly votes: boolean; readonly facts: boolean }) {}

  add(atMs: number, nodes: readonly number[], text: string): void {
    const same = this.entries.findLast((entry) => entry.atMs === atMs && entry.text === text);
    if (same === undefined || nodes.length === 0) this.entries.push({ atMs, text, nodes: [...nodes] });
    else same.nodes.push(...nodes.filter((node) => !same.nodes.includes(node)));
  }

  /** What a node says after a restart is told again. */
  restarted(node: number): void {
    for (const name of this.told) if (name.startsWith(`${node} `)) this.told.delete(name);
  }

  /** A message leaves a node: told the first time. */
  sent(atMs: number, from: number, message: Uint8Array): void {
    const seen = readMessage(message);
    if (seen === undefined) this.once(atMs, from, "sends what nobody can read");
    else if (seen.kind === "vote") this.vote(atMs, from, seen.vote);
    else if (seen.kind === "certificate") this.certificate(atMs, seen.certificate);
    else {
      this.heights.set(seen.vote.digest, seen.header.height);
      const { epoch, view, parentView, digest } = seen.vote;
      const on = parentView === 0 ? "" : ` on view ${parentView}`;
      const gaps = seen.nullifications.length === 0 ? "" : `, ${seen.nullifications.length} nullifications`;
      const first = this.proposed.get(digest) ?? `${epoch}.${view}`;
      this.proposed.set(digest, first);
      const again = first === `${epoch}.${view}` ? "" : " again";
      const block = `proposes block ${seen.header.height} (${digest.slice(0, 6)})${again}`;
      this.once(atMs, from, `${block} in view ${epoch}.${view}${on}${gaps}`);
    }
  }

  private vote(atMs: number, from: number, vote: SeenSubject): void {
    const block = vote.kind === 2 ? "" : ` for ${vote.digest.slice(0, 6)}`;
    if (this.options.votes) this.once(atMs, from, `${VOTES[vote.kind]} ${vote.epoch}.${vote.view}${block}`);
  }

  /** Told once, whoever sends it: then everybody soon has it. */
  private certificate(atMs: number, { kind, epoch, view, digest, signers }: SeenCertificate): void {
    if (kind === 3 || (kind === 1 && !this.options.votes)) return;
    const name = `certificate ${kind} ${epoch}.${view} ${digest}`;
    if (this.told.has(name)) return;
    this.told.add(name);
    const block = kind === 2 ? "" : ` for block ${this.heights.get(digest) ?? "?"}`;
    this.add(atMs, [], `view ${epoch}.${view} ${CERTIFIED[kind]}${block} by ${signers.length} validators`);
  }

  final(atMs: number, node: number, { block, tip, results }: FinalizedBlockEvent): void {
    const { transactions, facts } = block.payload;
    const kinds = new Map<string, number>();
    for (const [index, encoded] of transactions.entries()) {
      const { kind } = SignedTransaction.deserialize(encoded).transaction;
      const code = results[index]!.code;
      const name = `${transactionKindNames[kind as TransactionKind]}${code === "OK" ? "" : ` ${code}`}`;
      kinds.set(name, (kinds.get(name) ?? 0) + 1);
    }
    const what = [...kinds].map(([name, count]) => (count === 1 ? name : `${count} ${name}`));
    if (this.options.facts) what.push(...facts.map((fact) => `fact ${factName(fact)}`));
    const content = what.length === 0 ? "empty" : what.join(", ");
    this.add(atMs, [node], `block ${tip.height} (${toHex(tip.digest).slice(0, 6)}) is final: ${content}`);
  }

  private once(atMs: number, node: number, text: string): void {
    const name = `${node} ${text}`;
    if (this.told.has(name)) return;
    this.told.add(name);
    this.add(atMs, [node], text);
  }

  lines(): string[] {
    return this.entries.map(({ atMs, nodes, text }) => {
      const who = nodes.length === 0 ? "-" : [...nodes].sort((left, right) => left - right).join(",");
      const line = `${(atMs / 1_000).toFixed(3).padStart(7)}  ${who.padEnd(11)} ${text}`;
      return line.length <= LINE_WIDTH ? line : `${line.slice(0, LINE_WIDTH - 3)}...`;
    });
  }
}

const factName = (fact: { kind: number; epoch: number; view: number; bitmap: Uint8Array }): string => {
  const voters = [...fact.bitmap].reduce((sum, byte) => sum + countBits(byte), 0);
  return `${["", "notarize", "nullify", "finalize"][fact.kind]} ${fact.epoch}.${fact.view} by ${voters}`;
};

const countBits = (byte: number): number => byte.toString(2).split("1").length - 1;
