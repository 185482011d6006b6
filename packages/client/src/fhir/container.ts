/**
 * The plaintext of a sealed record: the resources of one type, each with the bytes it had in the bundle.
 *
 *   "CSR1" ‖ u8 version (1) ‖ u16 catalogue version ‖ lp16(type) ‖ u32 n ‖ n × ( lp16(fullUrl) ‖ lp32(resource) )
 *
 * Big endian; lp16 and lp32 are length-prefixed bytes; type and fullUrl are UTF-8. Nothing follows. A reader gives back
 * byte for byte what went in.
 */
import { ConsiliumError, concatList, lp16, lp32, Reader, u8, u16, u32, utf8 } from "@consilium/crypto";

export const CONTAINER_VERSION = 1;
const MAGIC = utf8("CSR1");

export interface RecordItem {
  readonly fullUrl: string;
  readonly bytes: Uint8Array;
}

export interface RecordContainer {
  readonly catalogueVersion: number;
  readonly type: string;
  readonly items: readonly RecordItem[];
}

/** The bytes of a container. Throws `BAD_ENCODING` when a name is longer than 65,535 bytes. */
export function encodeContainer(container: RecordContainer): Uint8Array {
  const head = [
    MAGIC,
    u8(CONTAINER_VERSION),
    u16(container.catalogueVersion),
    lp16(utf8(container.type)),
    u32(container.items.length),
  ];
  return concatList([
    ...head,
    ...container.items.flatMap((item) => [lp16(utf8(item.fullUrl)), lp32(item.bytes)]),
  ]);
}

/** Reads a container. Throws `CONTAINER_UNKNOWN` for another format or version, `BAD_LENGTH` when it is cut off. */
export function decodeContainer(bytes: Uint8Array): RecordContainer {
  const reader = new Reader(bytes);
  const isKnown =
    bytes.length > MAGIC.length && reader.take(MAGIC.length).every((byte, i) => byte === MAGIC[i]);
  if (!isKnown || reader.u8("version") !== CONTAINER_VERSION) {
    throw new ConsiliumError(
      "CONTAINER_UNKNOWN",
      "This record is not a container of version 1; open it with a newer client or as an attachment.",
    );
  }
  const catalogueVersion = reader.u16("catalogue version");
  const type = text(reader.lp16("type"));
  const count = reader.u32("count");
  const items: RecordItem[] = [];
  for (let index = 0; index < count; index++) {
    items.push({ fullUrl: text(reader.lp16("fullUrl")), bytes: reader.lp32("resource") });
  }
  reader.end("container");
  return { catalogueVersion, type, items };
}

const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
