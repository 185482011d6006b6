/** What a hospital's own staff do over their node: vouch for people, import records, look at their chain. */
import { ConsiliumError, codeOf, fromHex, toHex } from "@consilium/crypto";
import {
  type AnswerOf,
  type BodyOf,
  type CatalogueView,
  type HospitalRecordView,
  routes,
} from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import { type Alliance, readAlliance } from "../chain/network.js";
import { splitBundle, type TypedRecord } from "../fhir/split.js";
import type { RequestSigner } from "../http/signature.js";
import type { ClientPorts } from "../ports.js";
import { type ImportJournal, JournalFile } from "./journal.js";
import { sealRecord } from "./seal-record.js";

export interface ImportedRecord {
  readonly type: string;
  readonly recordId: string;
  /** SHA-256 of the plaintext, hex, and its length: known to the hospital alone. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly resourceCount: number;
  /** Heights at which it is final on the private chain and in the alliance's index. */
  readonly privateHeight: number;
  readonly height: number;
  /** True when an earlier run had imported it already. */
  readonly isOld: boolean;
}

export interface ImportResult {
  readonly bundleId: string;
  readonly records: readonly ImportedRecord[];
}

export interface ImportInput {
  readonly bundle: Uint8Array;
  /** Account id of the owner. */
  readonly owner: string;
  readonly journal: ImportJournal;
  /** Called after each record, for a progress line. */
  readonly onRecord?: (record: ImportedRecord) => void;
}

/** A record id that another import took in between is replaced this often. */
const RESEAL_ATTEMPTS = 3;

export class HospitalClient {
  private constructor(
    readonly api: HttpApi,
    readonly ports: ClientPorts,
    readonly alliance: Alliance,
    /** Node id, hex. */
    readonly node: string,
  ) {}

  /** @param nodeSigner Signs with the member's node key; `keyId` is the node id. */
  static async open(api: HttpApi, ports: ClientPorts, nodeSigner: RequestSigner): Promise<HospitalClient> {
    const alliance = await readAlliance(api);
    return new HospitalClient(api.as(nodeSigner), ports, alliance, nodeSigner.keyId);
  }

  /** The member vouches for a person who stands before its staff. */
  attest(person: BodyOf<typeof routes.attest>): Promise<AnswerOf<typeof routes.attest>> {
    return this.api.call(routes.attest, {}, person);
  }

  /** The types that an owner lets this hospital seal under. Throws `NO_CATALOGUE`. */
  catalogue(owner: string): Promise<CatalogueView> {
    return this.api.call(routes.catalogue, { owner });
  }

  /** All records of this hospital. */
  async records(): Promise<readonly HospitalRecordView[]> {
    return (await this.api.call(routes.hospitalRecords, {})).records;
  }

  /** Makes this node's proxy lie, or stop; only where its config allows demo faults. */
  async setLying(lie: boolean): Promise<boolean> {
    return (await this.api.call(routes.demoLie, {}, { lie })).lie;
  }

  /** Enters a record as it stands. Importing goes through {@link importBundle}. */
  putRecord(put: Uint8Array): Promise<AnswerOf<typeof routes.putRecord>> {
    return this.api.call(routes.putRecord, {}, { record: toHex(put) });
  }

  /** Reserves record ids of this hospital. */
  async reserve(count: number): Promise<AnswerOf<typeof routes.reserveRecords>> {
    return this.api.call(routes.reserveRecords, {}, { count });
  }

  /**
   * Imports a FHIR bundle: splits it by type, seals one record per type, puts each on the private chain and into the
   * alliance's index. Run again with the same journal, it skips what is indexed and goes on with the rest.
   * Throws the codes of `readBundle`, `NO_CATALOGUE`, `TYPE_NOT_IN_CATALOGUE`, and the node's codes.
   */
  async importBundle(input: ImportInput): Promise<ImportResult> {
    const { bundleId, records } = splitBundle(input.bundle);
    const journal = await JournalFile.open(input.journal, bundleId, input.owner);
    const catalogue = await this.catalogue(input.owner);
    requireTypes(records, catalogue);
    const imported: ImportedRecord[] = [];
    // One after the other: record nonces must reach the chain in rising order.
    for (const record of records) {
      const result = await this.#importRecord(input.owner, record, catalogue, journal);
      imported.push(result);
      input.onRecord?.(result);
    }
    return { bundleId, records: imported };
  }

  async #importRecord(
    owner: string,
    record: TypedRecord,
    catalogue: CatalogueView,
    journal: JournalFile,
  ): Promise<ImportedRecord> {
    const { type, sha256, resourceCount } = record;
    const facts = { type, sha256, resourceCount, sizeBytes: record.plaintext.length };
    for (let attempt = 1; ; attempt++) {
      const entry = journal.entry(type);
      if (entry?.done !== undefined)
        return { ...facts, recordId: entry.recordId, ...entry.done, isOld: true };
      const sealed = entry ?? (await this.#sealAndUpload(owner, record, catalogue, journal));
      try {
        const { privateHeight, height } = await this.putRecord(fromHex(sealed.put));
        await journal.write(type, { ...sealed, done: { privateHeight, height } });
        return { ...facts, recordId: sealed.recordId, privateHeight, height, isOld: false };
      } catch (error) {
        if (codeOf(error) !== "RECORD_ID_USED" || attempt === RESEAL_ATTEMPTS) throw error;
        await journal.drop(type);
      }
    }
  }

  /** The journal names a record only once its ciphertext is at the node, so that a later run need not seal again. */
  async #sealAndUpload(owner: string, record: TypedRecord, catalogue: CatalogueView, journal: JournalFile) {
    const named = catalogue.entries.find(({ type }) => type === record.type)!;
    const { author, reserved } = await this.reserve(1);
    const { recordNonce, recordId } = reserved[0]!;
    const sealed = await sealRecord(this.ports, {
      chainId: this.alliance.chainId,
      author: fromHex(author),
      recordNonce,
      recordId: fromHex(recordId),
      owner: await this.api.call(routes.account, { account: owner }),
      type: record.type,
      version: named.version,
      salt: fromHex(named.salt),
      plaintext: record.plaintext,
      dateBucket: record.dateBucket,
    });
    await this.api.call(routes.putBlob, { digest: toHex(sealed.digest) }, sealed.file);
    const entry = { recordId, put: toHex(sealed.put) };
    await journal.write(record.type, entry);
    return entry;
  }
}

/** Everything or nothing: a bundle is refused before its first record when a type is missing. */
function requireTypes(records: readonly TypedRecord[], catalogue: CatalogueView): void {
  const known = new Set(catalogue.entries.map(({ type }) => type));
  const missing = records.map(({ type }) => type).filter((type) => !known.has(type));
  if (missing.length === 0) return;
  throw new ConsiliumError(
    "TYPE_NOT_IN_CATALOGUE",
    "The owner's catalogue lacks types of this bundle; ask the owner to leave a newer one.",
    { types: missing.join(", ") },
  );
}
