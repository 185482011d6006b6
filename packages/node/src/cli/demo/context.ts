import { join } from "node:path";
import {
  type ClientPorts,
  HospitalClient,
  HttpApi,
  type OwnerClient,
  type RecipientClient,
  routes,
  type SplitBundle,
  type StatusView,
} from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import type { Alliance, AllianceMember } from "../../config/index.js";
import { type Member, openMember } from "../user/member.js";
import { WalletFile } from "../user/wallet-file.js";
import { NodeProcess, until } from "./node-process.js";
import type { Progress } from "./progress.js";
import type { DemoState } from "./state.js";

export interface DemoOptions {
  /** Folder of everything the demo writes. */
  readonly dir: string;
  readonly bundleFile: string;
  readonly basePort?: number;
  /** Program and leading arguments that start the command line. */
  readonly command: readonly [program: string, ...args: string[]];
}

/** One hospital of the story: its node's process, its API, and its administration's client. */
export interface Hospital {
  readonly member: AllianceMember;
  readonly process: NodeProcess;
  readonly api: HttpApi;
  readonly admin: Member;
  /** Waits until this hospital's node has a height final: what became final elsewhere reaches it a moment later. */
  hasSeen(height: number): Promise<unknown>;
  /** Opened at first use, which needs the node to answer. */
  desk(): Promise<HospitalClient>;
  status(): Promise<StatusView>;
}

/** The hospitals' parts in the story, as indices. */
export const AUTHOR = 0;
export const OTHER_HOSPITAL = 1;
export const CLINIC = 2;
export const LIAR = 3;

/** How long a step waits for something that other processes do; a node killed meanwhile has time to come back. */
export const STEP_TIMEOUT_MS = 180_000;

/** What the steps share. Fields are filled by the step that makes them. */
export class Story {
  readonly #wallets: WalletFile[] = [];
  #alliance: Alliance | undefined;
  #hospitals: readonly Hospital[] = [];
  #owner: OwnerClient | undefined;
  #clinician: RecipientClient | undefined;
  #otherClinician: RecipientClient | undefined;

  constructor(
    readonly options: DemoOptions,
    readonly ports: ClientPorts,
    readonly state: DemoState,
    readonly progress: Progress,
    readonly bundle: SplitBundle,
  ) {}

  get alliance(): Alliance {
    return present(this.#alliance);
  }

  get hospitals(): readonly Hospital[] {
    return this.#hospitals;
  }

  hospital(index: number): Hospital {
    return present(this.#hospitals[index]);
  }

  get owner(): OwnerClient {
    return present(this.#owner);
  }

  get clinician(): RecipientClient {
    return present(this.#clinician);
  }

  get otherClinician(): RecipientClient {
    return present(this.#otherClinician);
  }

  /** Makes a process and clients for each member; starts nothing. */
  async found(alliance: Alliance): Promise<void> {
    this.#alliance = alliance;
    this.#hospitals = await Promise.all(alliance.members.map((member) => this.#hospital(member)));
  }

  enrolled(owner: OwnerClient, clinician: RecipientClient, otherClinician: RecipientClient): void {
    this.#owner = owner;
    this.#clinician = clinician;
    this.#otherClinician = otherClinician;
  }

  walletFile(name: string): string {
    return join(this.options.dir, "wallets", `${name}.json`);
  }

  /** A wallet of the demo, held until {@link releaseWallets}. */
  wallet(name: string): WalletFile {
    const file = WalletFile.acquire(this.walletFile(name), true);
    this.#wallets.push(file);
    return file;
  }

  /** Lets the command line use the people's wallets. */
  releaseWallets(): void {
    for (const file of this.#wallets.splice(0)) file.release();
  }

  /** Stops every node, gracefully, and forgets the administrators' keys. */
  async stop(): Promise<void> {
    this.releaseWallets();
    await Promise.all(this.#hospitals.map((hospital) => hospital.process.stop()));
    for (const hospital of this.#hospitals) hospital.admin.forget();
  }

  async #hospital(member: AllianceMember): Promise<Hospital> {
    const api = new HttpApi({ baseUrls: [member.apiUrl], ports: this.ports, retryForMs: STEP_TIMEOUT_MS });
    const admin = await openMember(member.configFile);
    const process = new NodeProcess({
      name: member.name,
      configFile: member.configFile,
      folder: member.dir,
      command: this.options.command,
      onRestart: (reason) => this.progress.say(`     ! ${member.name}'s process ${reason}`),
    });
    let desk: Promise<HospitalClient> | undefined;
    const status = () => api.call(routes.status, {}, undefined, { retryForMs: 0 });
    return {
      member,
      process,
      api,
      admin,
      desk: () => (desk ??= HospitalClient.open(api, this.ports, admin.signer)),
      status,
      hasSeen: (height) =>
        until(`height ${height} on ${member.name}`, STEP_TIMEOUT_MS, async () =>
          (await status()).alliance.finalizedHeight >= height ? true : undefined,
        ),
    };
  }
}

function present<Value>(value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new ConsiliumError("DEMO_ORDER", "An earlier step of the story has not run.");
}
