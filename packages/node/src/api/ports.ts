import type { Chain } from "@consilium/driver";
import type { Clock, Genesis, Log, Store, Transport } from "@consilium/protocol";
import type { KeyCentre, ProxyService } from "../committee/index.js";
import type { MemberActs } from "../elections/index.js";
import type { NodeKeys } from "../keys/index.js";
import type { Membership } from "../membership/index.js";
import type { BlobIndex, BodyService, RecordAuthor } from "../records/index.js";

/** Everything of the node that the API's handlers reach. */
export interface ApiPorts {
  readonly name: string;
  readonly version: string;
  readonly genesis: Genesis;
  readonly keys: NodeKeys;
  readonly alliance: Chain;
  readonly private: Chain;
  /** Requests to other nodes, on the alliance chain. */
  readonly transport: Pick<Transport, "request">;
  readonly keyCentre: KeyCentre;
  readonly proxy: ProxyService;
  readonly bodies: BodyService;
  readonly author: RecordAuthor;
  readonly memberActs: Pick<MemberActs, "submit">;
  readonly membership: Pick<Membership, "standing">;
  readonly blobs: BlobIndex;
  /** Services' own part of the database. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the config allows demonstrations of misbehaviour. */
  readonly allowFaults: boolean;
}
