/** The front door of the SDK: one object per node (or list of nodes) that opens the three kinds of client. */
import { inlineVoteVerifier, type VoteVerifier } from "@consilium/consensus";
import { type CryptoPool, loadCurveVoteSuite } from "@consilium/crypto";
import { type CeremoniesView, type CommitteesView, routes, type StatusView } from "./api/contract.js";
import { HttpApi, type HttpApiOptions } from "./api/http-api.js";
import { type Alliance, readAlliance } from "./chain/network.js";
import { HospitalClient } from "./hospital/hospital.js";
import type { RequestSigner } from "./http/signature.js";
import { LightClient, type LightClientOptions } from "./light/light-client.js";
import { httpLightSource } from "./light/source.js";
import type { LightTrust } from "./light/trust.js";
import { type ClientPorts, portablePorts } from "./ports.js";
import type { EnrolInput } from "./sharing/enrol.js";
import { OwnerClient } from "./sharing/owner.js";
import { RecipientClient } from "./sharing/recipient.js";
import type { Wallet } from "./wallet/wallet.js";

export interface ClientOptions extends Pick<HttpApiOptions, "baseUrls" | "attemptTimeoutMs" | "retryForMs"> {
  readonly pool: CryptoPool;
  /** Replaces single ports, for tests or for native speed. */
  readonly ports?: Partial<ClientPorts>;
  /** Makes owners' and recipients' sessions decide by proofs alone; without it they take the node's word. */
  readonly trust?: TrustOptions;
}

export interface TrustOptions extends Pick<LightClientOptions, "storage" | "maxAgeMs"> {
  /** The alliance's genesis, or a checkpoint: out of trusted hands, never from the node that is to be checked. */
  readonly start: LightTrust;
  /** Checks votes; on Node a native one is several times faster than the portable default. */
  readonly verifier?: VoteVerifier;
}

/** A state newer than the last block is provable with the next one, which an idle chain makes at its heartbeat. */
const LIGHT_PATIENCE_MS = 30_000;

export class ConsiliumClient {
  readonly ports: ClientPorts;
  readonly api: HttpApi;
  readonly #trust: TrustOptions | undefined;
  readonly #baseUrls: readonly string[];
  #light: Promise<LightClient | undefined> | undefined;

  constructor(options: ClientOptions) {
    const { pool, ports, trust, ...rest } = options;
    this.ports = portablePorts(pool, ports);
    this.api = new HttpApi({ ...rest, ports: this.ports });
    this.#trust = trust;
    this.#baseUrls = rest.baseUrls;
  }

  /**
   * The light client of `trust`, one for all sessions; undefined without that option. It asks each base URL by itself,
   * so that an honest one makes up for one that cheats. Throws the codes of `LightClient.open`.
   */
  light(): Promise<LightClient | undefined> {
    this.#light ??= this.#openLight();
    return this.#light;
  }

  async #openLight(): Promise<LightClient | undefined> {
    if (this.#trust === undefined) return undefined;
    const { start, verifier, ...rest } = this.#trust;
    const { ports } = this;
    const sources = this.#baseUrls.map((url) =>
      httpLightSource(new HttpApi({ baseUrls: [url], ports }), url),
    );
    return LightClient.open({
      ...rest,
      trust: start,
      sources,
      verifier: verifier ?? inlineVoteVerifier(await loadCurveVoteSuite(), ports.random),
      clock: ports.clock,
      patienceMs: LIGHT_PATIENCE_MS,
    });
  }

  status(): Promise<StatusView> {
    return this.api.call(routes.status, {});
  }

  /** Id, name and members of the alliance; throws `WRONG_CHAIN` when it is not the one expected. */
  alliance(expectedChainId?: string): Promise<Alliance> {
    return readAlliance(this.api, expectedChainId);
  }

  committees(): Promise<CommitteesView> {
    return this.api.call(routes.committees, {});
  }

  ceremonies(): Promise<CeremoniesView> {
    return this.api.call(routes.ceremonies, {});
  }

  async enrolOwner(input: Pick<EnrolInput, "wallet" | "attest">): Promise<OwnerClient> {
    return OwnerClient.enrol({ ...input, ...(await this.#parts()) });
  }

  async enrolRecipient(input: Pick<EnrolInput, "wallet" | "attest">): Promise<RecipientClient> {
    return RecipientClient.enrol({ ...input, ...(await this.#parts()) });
  }

  async owner(wallet: Wallet): Promise<OwnerClient> {
    return OwnerClient.open(this.api, this.ports, wallet, await this.light());
  }

  async recipient(wallet: Wallet): Promise<RecipientClient> {
    return RecipientClient.open(this.api, this.ports, wallet, await this.light());
  }

  async #parts() {
    const light = await this.light();
    return { api: this.api, ports: this.ports, ...(light === undefined ? {} : { light }) };
  }

  /** Acts for the member whose node key signs; the base URL must be that member's node. */
  hospital(nodeSigner: RequestSigner): Promise<HospitalClient> {
    return HospitalClient.open(this.api, this.ports, nodeSigner);
  }
}
