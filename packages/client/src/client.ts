/** The front door of the SDK: one object per node (or list of nodes) that opens the three kinds of client. */
import type { CryptoPool } from "@consilium/crypto";
import { type CeremoniesView, type CommitteesView, routes, type StatusView } from "./api/contract.js";
import { HttpApi, type HttpApiOptions } from "./api/http-api.js";
import { type Alliance, readAlliance } from "./chain/network.js";
import { HospitalClient } from "./hospital/hospital.js";
import type { RequestSigner } from "./http/signature.js";
import { type ClientPorts, portablePorts } from "./ports.js";
import type { EnrolInput } from "./sharing/enrol.js";
import { OwnerClient } from "./sharing/owner.js";
import { RecipientClient } from "./sharing/recipient.js";
import type { Wallet } from "./wallet/wallet.js";

export interface ClientOptions extends Pick<HttpApiOptions, "baseUrls" | "attemptTimeoutMs" | "retryForMs"> {
  readonly pool: CryptoPool;
  /** Replaces single ports, for tests or for native speed. */
  readonly ports?: Partial<ClientPorts>;
}

export class ConsiliumClient {
  readonly ports: ClientPorts;
  readonly api: HttpApi;

  constructor(options: ClientOptions) {
    const { pool, ports, ...rest } = options;
    this.ports = portablePorts(pool, ports);
    this.api = new HttpApi({ ...rest, ports: this.ports });
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

  enrolOwner(input: Pick<EnrolInput, "wallet" | "attest">): Promise<OwnerClient> {
    return OwnerClient.enrol({ ...input, api: this.api, ports: this.ports });
  }

  enrolRecipient(input: Pick<EnrolInput, "wallet" | "attest">): Promise<RecipientClient> {
    return RecipientClient.enrol({ ...input, api: this.api, ports: this.ports });
  }

  owner(wallet: Wallet): Promise<OwnerClient> {
    return OwnerClient.open(this.api, this.ports, wallet);
  }

  recipient(wallet: Wallet): Promise<RecipientClient> {
    return RecipientClient.open(this.api, this.ports, wallet);
  }

  /** Acts for the member whose node key signs; the base URL must be that member's node. */
  hospital(nodeSigner: RequestSigner): Promise<HospitalClient> {
    return HospitalClient.open(this.api, this.ports, nodeSigner);
  }
}
