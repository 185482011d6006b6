import type { GrantSummary } from "@consilium/client";
import { ConsiliumError, equalBytes, sha256, toHex } from "@consilium/crypto";
import { AUTHOR, CLINIC, type Story } from "../context.js";
import type { StepResult } from "../progress.js";
import type { OpenedRecord } from "../state.js";

/** Why the clinician asks: HL7 v3 PurposeOfUse "treatment". */
export const PURPOSE = "TREAT";
const GRANT_DURATION_MS = 24 * 60 * 60 * 1_000;

export const sharedType = (story: Story): string => story.state.facts.sharedType ?? "laboratory";

/** Step 7: ask, grant, open; what comes out equals what was imported, byte for byte. */
export async function shareOneType(story: Story, note: (text: string) => void): Promise<StepResult> {
  const known = story.state.facts.opened;
  if (known !== undefined) {
    await requireAudited(story, known.requestId);
    return { detail: describe(known), resumed: true };
  }
  note("the clinician asks");
  await askOnce(story);
  note("the patient grants");
  const grantId = story.state.facts.grantId ?? (await grantNow(story));
  story.state.keep({ grantId });
  note("the clinician opens");
  const opened = await openAndCompare(story, grantId);
  story.state.keep({ opened });
  return { detail: describe(opened) };
}

/** Opens the shared type's imported record under a grant and compares every byte with the bundle. */
export async function openAndCompare(story: Story, grantId: string, checkAll = false): Promise<OpenedRecord> {
  const type = sharedType(story);
  const recordId = recordIdOf(story, type);
  const started = performance.now();
  const result = await story.clinician.openRecords(grantId, { recordIds: [recordId], checkAll });
  const ms = Math.round(performance.now() - started);
  const record = result.records[0];
  if (record === undefined || !("bytes" in record)) {
    throw new ConsiliumError(record?.code ?? "NO_RECORDS", "The granted record did not open.", { recordId });
  }
  const expected = story.bundle.records.find((each) => each.type === type);
  if (expected === undefined || !equalBytes(record.bytes, expected.plaintext)) {
    throw new ConsiliumError("DEMO_BYTES_DIFFER", "What was opened is not what was imported.", { recordId });
  }
  return {
    type,
    requestId: result.requestId,
    height: result.height,
    bytes: record.bytes.length,
    sha256: toHex(sha256(record.bytes)),
    proxies: result.proxies.filter(({ outcome }) => outcome === "good").map(({ index }) => index),
    liars: result.proxies.filter(({ outcome }) => outcome === "lied").map(({ index }) => index),
    ms,
  };
}

/** A new grant of the shared type to the clinician, for one purpose and 24 hours; or the live one of a cut-off run. */
export async function grantNow(story: Story, except: readonly (string | undefined)[] = []): Promise<string> {
  const recipient = story.clinician.account;
  const type = sharedType(story);
  const usable = (grant: GrantSummary) =>
    grant.state === "active" &&
    grant.type === type &&
    grant.recipient === recipient &&
    !except.includes(grant.grantId);
  const live = (await story.owner.grants()).find(usable);
  const grant =
    live ?? (await story.owner.grant({ recipient, type, purpose: PURPOSE, durationMs: GRANT_DURATION_MS }));
  await story.hospital(CLINIC).hasSeen(grant.height);
  return grant.grantId;
}

export function recordIdOf(story: Story, type: string): string {
  const record = story.state.facts.imported?.find((each) => each.type === type);
  if (record !== undefined) return record.recordId;
  throw new ConsiliumError("DEMO_ORDER", `No ${type} record was imported.`);
}

export function describe({ type, bytes, height, proxies, ms }: OpenedRecord): string {
  return `${type}, ${bytes} bytes identical, access final at height ${height}, proxies ${proxies.join(" ")}, ${ms} ms`;
}

/** The access of an earlier run still stands in the patient's audit trail. */
export async function requireAudited(story: Story, requestId: string): Promise<void> {
  const audit = await story.owner.audit();
  if (audit.some((entry) => entry.requestId === requestId)) return;
  throw new ConsiliumError("DEMO_NOT_AUDITED", "An opening is missing from the audit trail.", { requestId });
}

async function askOnce(story: Story): Promise<void> {
  const type = sharedType(story);
  const isOurs = (entry: object) =>
    "type" in entry && entry.type === type && "purpose" in entry && entry.purpose === PURPOSE;
  const asked = async () =>
    (await story.owner.inbox()).find((entry) => entry.requester === story.clinician.account && isOurs(entry));
  if ((await asked()) !== undefined) return;
  const { height } = await story.clinician.requestAccess({
    owner: story.owner.account,
    type,
    purpose: PURPOSE,
    note: "Demonstration request, synthetic.",
  });
  await story.hospital(AUTHOR).hasSeen(height);
  if ((await asked()) === undefined) {
    throw new ConsiliumError("DEMO_NOT_ASKED", "The clinician's request did not reach the patient's inbox.");
  }
}
