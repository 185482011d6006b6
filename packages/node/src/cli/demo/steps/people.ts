import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type EnrolInput, OwnerClient, RecipientClient } from "@consilium/client";
import { nativeKeystorePlatform, secureRandom, writeDurably } from "../../../keys/index.js";
import { AUTHOR, CLINIC, type Hospital, OTHER_HOSPITAL, type Story } from "../context.js";
import type { StepResult } from "../progress.js";
import { DEMO_KEYSTORE_COST } from "./network.js";

/** Step 5: a patient at hospital A, a clinician at C, and another at B who will be refused. */
export async function enrolPeople(story: Story, note: (text: string) => void): Promise<StepResult> {
  const isResumed = ["patient", "clinician", "other-clinician"].every((name) =>
    existsSync(story.walletFile(name)),
  );
  note("the patient at Hospital A");
  const owner = await OwnerClient.enrol(enrolment(story, "patient", story.hospital(AUTHOR)));
  note("collecting the patient's keys, one per record type");
  const types = await owner.collectTypes();
  note("leaving the patient's type catalogue with Hospital A");
  if (types.collected.length > 0 || !isResumed)
    await owner.leaveCatalogue(story.hospital(AUTHOR).member.nodeId);
  const clinician = await enrolClinician(story, "clinician", CLINIC, note);
  const otherClinician = await enrolClinician(story, "other-clinician", OTHER_HOSPITAL, note);
  story.enrolled(owner, clinician, otherClinician);
  const held = owner.session.wallet.content.typeKeys.length;
  const detail = `patient ${owner.account.slice(0, 16)} holds ${held} type keys, clinician ${clinician.account.slice(0, 16)}`;
  return { detail, resumed: isResumed && types.collected.length === 0 };
}

async function enrolClinician(
  story: Story,
  name: string,
  hospital: number,
  note: (text: string) => void,
): Promise<RecipientClient> {
  note(`the ${name.replace("-", " ")} at ${story.hospital(hospital).member.name}`);
  const recipient = await RecipientClient.enrol(enrolment(story, name, story.hospital(hospital)));
  await recipient.collectUserKey();
  return recipient;
}

/** Wallets and their passphrases lie in the demo's folder, so that the same people can be played from the command line. */
function enrolment(story: Story, name: string, hospital: Hospital): Omit<EnrolInput, "role"> {
  const storage = story.wallet(name);
  return {
    api: hospital.api,
    ports: story.ports,
    wallet: {
      storage,
      password: passphraseOf(story, name),
      random: secureRandom,
      platform: nativeKeystorePlatform,
      cost: DEMO_KEYSTORE_COST,
    },
    attest: async (person) => (await hospital.desk()).attest(person),
  };
}

function passphraseOf(story: Story, name: string): string {
  const file = join(dirname(story.walletFile(name)), `${name}.passphrase`);
  if (!existsSync(file)) writeDurably(file, `${randomBytes(24).toString("base64url")}\n`);
  return readFileSync(file, "utf8").trim();
}
