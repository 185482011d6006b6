import { type AuditEntry, routes } from "@consilium/client";
import type { Story } from "./context.js";
import type { StepReport } from "./progress.js";
import type { ImportedRecord, OpenedRecord, Refusal } from "./state.js";

/** What `--json` writes. */
export interface DemoReport {
  readonly ok: boolean;
  readonly steps: readonly StepReport[];
  readonly nodes: readonly {
    readonly name: string;
    readonly node: string;
    readonly api: string;
    readonly config: string;
    readonly log: string;
    readonly pid: number | null;
    readonly finalizedHeight: number | null;
    readonly stateRoot: string | null;
  }[];
  readonly finalizedHeight: number | null;
  readonly stateRoot: string | null;
  readonly ceremonies: readonly {
    readonly purpose: string;
    readonly keyNo: number;
    readonly shareEpoch: number;
    readonly threshold: number;
    readonly members: number;
    readonly sinceHeight: number;
    readonly publicKey: string;
  }[];
  readonly records: readonly ImportedRecord[];
  readonly opened: readonly OpenedRecord[];
  readonly refused: readonly Refusal[];
  readonly audit: readonly AuditEntry[];
}

/** Gathers what can be known, also after a step failed: a node that does not answer leaves nulls. */
export async function makeReport(story: Story): Promise<DemoReport> {
  const facts = story.state.facts;
  const nodes = await Promise.all(story.hospitals.map(describeNode));
  const answering = nodes.find(({ finalizedHeight }) => finalizedHeight !== null);
  const steps = story.progress.steps;
  return {
    ok: steps.length > 0 && steps.every(({ ok }) => ok),
    steps,
    nodes,
    finalizedHeight: answering?.finalizedHeight ?? null,
    stateRoot: answering?.stateRoot ?? null,
    ceremonies: await orElse(describeCommittees(story), []),
    records: facts.imported ?? [],
    opened: [facts.opened, facts.openedDespiteLiar, facts.openedWhileDown].filter(
      (each) => each !== undefined,
    ),
    refused: facts.refused ?? [],
    audit: await orElse((async () => story.owner.audit())(), []),
  };
}

async function describeNode({ member, process, status }: Story["hospitals"][number]) {
  const alliance = await orElse(
    status().then((view) => view.alliance),
    undefined,
  );
  return {
    name: member.name,
    node: member.nodeId,
    api: member.apiUrl,
    config: member.configFile,
    log: member.logFile,
    pid: process.pid ?? null,
    finalizedHeight: alliance?.finalizedHeight ?? null,
    stateRoot: alliance?.stateRoot ?? null,
  };
}

async function describeCommittees(story: Story): Promise<DemoReport["ceremonies"]> {
  const { keyCentre, proxy } = await story
    .hospital(0)
    .api.call(routes.committees, {}, undefined, { retryForMs: 0 });
  return [keyCentre, proxy]
    .filter((committee) => committee !== null)
    .map(({ purpose, keyNo, shareEpoch, threshold, members, sinceHeight, publicKey }) => {
      return { purpose, keyNo, shareEpoch, threshold, members: members.length, sinceHeight, publicKey };
    });
}

/** The closing pages for a person: what was shared, who saw it, and where to look on. */
export function summaryLines(story: Story, report: DemoReport): string[] {
  const { owner, clinician } = story;
  return [
    "",
    `Patient    ${owner.account}  at ${story.hospital(0).member.name} (synthetic)`,
    `Clinician  ${clinician.account}  at ${story.hospital(2).member.name}`,
    `Chain      height ${report.finalizedHeight}, state root ${report.stateRoot}`,
    "",
    "Records",
    ...report.records.map(
      ({ type, bytes, sha256 }) =>
        `  ${type.padEnd(16)} ${String(bytes).padStart(9)} bytes  sha256 ${sha256.slice(0, 16)}…`,
    ),
    "Opened, byte for byte as imported",
    ...report.opened.map(
      ({ type, bytes, height, proxies, liars, ms }) =>
        `  ${type.padEnd(16)} ${String(bytes).padStart(9)} bytes  height ${String(height).padStart(4)}  ${ms} ms  proxies ${proxies.join(" ")}${liars.length > 0 ? `, lied: ${liars.join(" ")}` : ""}`,
    ),
    "Refused",
    ...report.refused.map(({ what, code }) => `  ${code.padEnd(20)} ${what}`),
    "Who saw what (the patient's audit trail)",
    ...report.audit.map(
      ({ timeMs, height, memberName, type, purpose, recordIds }) =>
        `  ${new Date(timeMs).toISOString()}  height ${String(height).padStart(4)}  ${memberName}  ${type ?? "?"}  ${purpose}  ${recordIds.length} record`,
    ),
    "Nodes",
    ...report.nodes.map(
      ({ name, api, config, log }) => `  ${name}  API ${api}  config ${config}  log ${log}`,
    ),
    `Wallets    ${story.walletFile("patient")} and beside it (passphrases in *.passphrase)`,
  ];
}

async function orElse<Value, Other>(promise: Promise<Value>, other: Other): Promise<Value | Other> {
  try {
    return await promise;
  } catch {
    return other;
  }
}
