import { createCryptoPool } from "@consilium/crypto";
import {
  type ClientPorts,
  ConsiliumClient,
  type HospitalClient,
  type OwnerClient,
  type RecipientClient,
  type WalletOptions,
} from "../../src/index.js";
import { BASE_URL, FakeAlliance } from "./fake-alliance.js";
import { QuickClock, testPorts, testWallet } from "./platform.js";

export interface Story {
  readonly alliance: FakeAlliance;
  readonly clock: QuickClock;
  readonly ports: ClientPorts;
  readonly client: ConsiliumClient;
  readonly hospital: HospitalClient;
}

/** A running alliance with nobody enrolled. */
export async function startStory(seed: string): Promise<Story> {
  const clock = new QuickClock();
  const pool = await createCryptoPool();
  const alliance = await FakeAlliance.start(pool, clock);
  const ports = await testPorts(alliance.fetch, clock, seed);
  const client = new ConsiliumClient({ baseUrls: [BASE_URL], pool, ports });
  return { alliance, clock, ports, client, hospital: await client.hospital(alliance.nodeSigner) };
}

export async function enrolOwner(
  story: Story,
  wallet: WalletOptions = testWallet("owner"),
): Promise<OwnerClient> {
  return story.client.enrolOwner({ wallet, attest: (person) => story.hospital.attest(person) });
}

export async function enrolRecipient(story: Story, seed = "recipient"): Promise<RecipientClient> {
  const wallet = testWallet(seed);
  const recipient = await story.client.enrolRecipient({
    wallet,
    attest: (person) => story.hospital.attest(person),
  });
  await recipient.collectUserKey();
  return recipient;
}
