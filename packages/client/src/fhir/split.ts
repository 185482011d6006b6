/** Splits a bundle into one record per type. */
import { sha256, toHex } from "@consilium/crypto";
import { type BundleResource, readBundle } from "./bundle.js";
import { CATALOGUE_VERSION, RECORD_TYPES, type RecordType, typeOfResource } from "./catalogue.js";
import { encodeContainer } from "./container.js";
import { dateBucketOf } from "./dates.js";

/** The resources of one type as they will be sealed. */
export interface TypedRecord {
  readonly type: RecordType;
  /** Encoded container: the plaintext of the record. */
  readonly plaintext: Uint8Array;
  /** SHA-256 of the plaintext, for the importer's journal; never published. */
  readonly sha256: string;
  readonly resourceCount: number;
  /** See `dateBucketOf`. */
  readonly dateBucket: number;
}

export interface SplitBundle {
  /** SHA-256 of the file, hex: names the import in the importer's journal. */
  readonly bundleId: string;
  /** One per type that occurs, in the order of the catalogue; resources keep their order. */
  readonly records: readonly TypedRecord[];
}

/** Reads and splits a bundle. Throws the codes of {@link readBundle}. */
export function splitBundle(file: Uint8Array): SplitBundle {
  const groups = new Map<RecordType, BundleResource[]>();
  for (const resource of readBundle(file).resources) {
    const type = typeOfResource(resource.fields);
    const group = groups.get(type);
    if (group === undefined) groups.set(type, [resource]);
    else group.push(resource);
  }
  const records = RECORD_TYPES.flatMap((type) => {
    const group = groups.get(type);
    return group === undefined ? [] : [toRecord(type, group)];
  });
  return { bundleId: toHex(sha256(file)), records };
}

function toRecord(type: RecordType, resources: readonly BundleResource[]): TypedRecord {
  const plaintext = encodeContainer({ catalogueVersion: CATALOGUE_VERSION, type, items: resources });
  return {
    type,
    plaintext,
    sha256: toHex(sha256(plaintext)),
    resourceCount: resources.length,
    dateBucket: dateBucketOf(resources.map(({ fields }) => fields)),
  };
}
