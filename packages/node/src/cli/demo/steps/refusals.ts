import { encodeScope, HttpApi, routes, TransactionSender } from "@consilium/client";
import { ConsiliumError, codeOf, fromHex, toHex } from "@consilium/crypto";
import { RecordIndex, TransactionKind } from "@consilium/protocol";
import { CLINIC, LIAR, OTHER_HOSPITAL, type Story } from "../context.js";
import type { StepResult } from "../progress.js";
import type { Refusal } from "../state.js";
import { importOtherType } from "./records.js";
import { grantNow, openAndCompare, PURPOSE, recordIdOf, requireAudited, sharedType } from "./sharing.js";

/** Step 8: what must not work. Each attempt is real, and refused with the code that the design names. */
export async function tryForbidden(story: Story, note: (text: string) => void): Promise<StepResult> {
  const known = story.state.facts;
  if (known.refused !== undefined && known.openedDespiteLiar !== undefined) {
    await requireAudited(story, known.openedDespiteLiar.requestId);
    await requireRevoked(story);
    return { detail: summary(story), resumed: true };
  }
  const grantId = await grantNow(story);
  story.state.keep({ grantId });
  const attempts: readonly [what: string, codes: readonly string[], attempt: () => Promise<unknown>][] = [
    ["another type under the grant", ["REQ_LABEL"], () => openOtherType(story, grantId)],
    ["another clinician with the grant", ["GRANT_INACTIVE"], () => openAsOther(story, grantId)],
    ["an index entry replayed under another record", ["CAPSULE_INVALID"], () => openReplayed(story, grantId)],
  ];
  const refused: Refusal[] = [];
  for (const [what, codes, attempt] of attempts) {
    note(what);
    refused.push(await mustBeRefused(what, codes, attempt));
  }
  note("a proxy's bad fragment");
  refused.push(await openDespiteLiar(story, grantId));
  note("an opening after the patient revoked");
  refused.push(...(await openRevoked(story, grantId)));
  story.state.keep({ refused });
  return { detail: summary(story) };
}

function summary(story: Story): string {
  return (story.state.facts.refused ?? []).map(({ what, code }) => `${what}: ${code}`).join("; ");
}

async function mustBeRefused(
  what: string,
  codes: readonly string[],
  attempt: () => Promise<unknown>,
): Promise<Refusal> {
  try {
    await attempt();
  } catch (error) {
    const code = codeOf(error);
    if (codes.includes(code)) return { what, code };
    throw error;
  }
  throw new ConsiliumError(
    "DEMO_NOT_REFUSED",
    `${what} should have been refused with ${codes.join(" or ")}.`,
  );
}

async function openOtherType(story: Story, grantId: string): Promise<unknown> {
  const other = story.state.facts.imported?.find(({ type }) => type !== sharedType(story));
  const recordId = other?.recordId ?? (await importOtherType(story));
  return submitAccess(story.clinician, grantId, recordId);
}

function openAsOther(story: Story, grantId: string): Promise<unknown> {
  return submitAccess(story.otherClinician, grantId, recordIdOf(story, sharedType(story)));
}

/** The chain alone decides: nothing is checked at the client first. */
async function submitAccess(who: Story["clinician"], grantId: string, recordId: string): Promise<unknown> {
  const scope = encodeScope(PURPOSE);
  const access = await who.submitAccess({ grantId, scope: toHex(scope), recordIds: [recordId] });
  access.requestSecret.fill(0);
  return access;
}

/**
 * Hospital B's administration copies A's index entry, capsule and all, into an entry of its own. Nodes index it, as
 * they check lengths only; the opening is recorded; but no proxy answers, because the capsule is bound to its record.
 */
async function openReplayed(story: Story, grantId: string): Promise<unknown> {
  const recordId = story.state.facts.replayedRecordId ?? (await replayEntry(story));
  story.state.keep({ replayedRecordId: recordId });
  const access = await story.clinician.submitAccess({
    grantId,
    scope: toHex(encodeScope(PURPOSE)),
    recordIds: [recordId],
  });
  access.requestSecret.fill(0);
  return proxyAnswer(story, toHex(access.requestId));
}

/** Asks one proxy, through the clinician's node, for its fragment. */
async function proxyAnswer(story: Story, requestId: string): Promise<unknown> {
  const { api, ports } = story.clinician.session;
  const deadlineMs = ports.clock.nowMs() + 60_000;
  for (;;) {
    try {
      return await api.call(routes.fragment, {}, { requestId, index: 1 });
    } catch (error) {
      // The proxy may not have seen the access final yet.
      if (!["REQ_UNKNOWN", "TIP_STALE"].includes(codeOf(error))) throw error;
      if (ports.clock.nowMs() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function replayEntry(story: Story): Promise<string> {
  const { admin, member } = story.hospital(OTHER_HOSPITAL);
  const original = (await story.owner.records()).find(
    ({ recordId }) => recordId === recordIdOf(story, sharedType(story)),
  );
  if (original === undefined) throw new ConsiliumError("DEMO_ORDER", "The original index entry is missing.");
  const desk = await story.hospital(OTHER_HOSPITAL).desk();
  const { reserved } = await desk.reserve(1);
  const { recordNonce, recordId } = reserved[0]!;
  const payload = RecordIndex.serialize({
    recordNonce,
    owner: fromHex(original.owner),
    label: fromHex(original.label),
    kgcKeyNo: original.kgcKeyNo,
    ownerKeyNo: original.ownerKeyNo,
    headerDigest: fromHex(original.headerDigest),
    lengthBytes: original.lengthBytes,
    digest: fromHex(original.digest),
    commitment: fromHex(original.commitment),
    capsule: fromHex(original.capsule),
    custodian: fromHex(original.custodian),
    privateHeight: original.privateHeight,
    dateBucket: original.dateBucket,
  });
  const account = desk.alliance.members.find(({ node }) => node === member.nodeId)!.account;
  const sender = new TransactionSender({
    api: new HttpApi({ baseUrls: [member.apiUrl], ports: story.ports }),
    ports: story.ports,
    chainId: desk.alliance.chainId,
    signer: { keyId: account, sign: admin.signer.sign },
  });
  const { height } = await sender.send(TransactionKind.recordIndex, payload);
  await story.hospital(CLINIC).hasSeen(height);
  return recordId;
}

/** A node that restarts forgets to lie, so that a crash just then asks for another try. */
const LIAR_ATTEMPTS = 4;

/** Hospital D's proxy lies; it is named, and the opening succeeds from the others. */
async function openDespiteLiar(story: Story, grantId: string): Promise<Refusal> {
  const { desk, member } = story.hospital(LIAR);
  for (let attempt = 1; attempt <= LIAR_ATTEMPTS; attempt++) {
    await (await desk()).setLying(true);
    const { proxy } = await story.hospital(LIAR).api.call(routes.committees, {});
    const liar = proxy?.members.find(({ node }) => node === member.nodeId)?.index;
    const opened = await openAndCompare(story, grantId, true);
    if (liar === undefined || opened.liars.length !== 1 || opened.liars[0] !== liar) continue;
    story.state.keep({ openedDespiteLiar: opened });
    return {
      what: `a bad fragment of proxy ${liar} (${member.name}); opened from the others`,
      code: "FRAGMENT_BAD_PROOF",
    };
  }
  throw new ConsiliumError("DEMO_LIAR_UNNAMED", `The lying proxy of ${member.name} was not named.`);
}

/** A new access is refused by the chain, and the fragments of an old one by the proxies. */
async function openRevoked(story: Story, grantId: string): Promise<Refusal[]> {
  const grant = (await story.owner.grants()).find((each) => each.grantId === grantId);
  if (grant?.state === "active") {
    const { height } = await story.owner.revoke(grantId);
    // Each proxy decides by its own finalized state.
    for (const hospital of story.hospitals) await hospital.hasSeen(height);
  }
  const refusal = await mustBeRefused("an opening after the patient revoked", ["GRANT_INACTIVE"], () =>
    submitAccess(story.clinician, grantId, recordIdOf(story, sharedType(story))),
  );
  const earlier = story.state.facts.openedDespiteLiar?.requestId;
  if (earlier === undefined) return [refusal];
  const late = await mustBeRefused(
    "a fragment of an earlier access, after the patient revoked",
    ["GRANT_INACTIVE"],
    () => proxyAnswer(story, earlier),
  );
  return [refusal, late];
}

async function requireRevoked(story: Story): Promise<void> {
  const { grantId } = story.state.facts;
  const grant = (await story.owner.grants()).find((each) => each.grantId === grantId);
  if (grant?.state === "revoked") return;
  throw new ConsiliumError("DEMO_NOT_REVOKED", "The revoked grant is not revoked on the chain.");
}
