import { ByteListType, ByteVectorType, type Type, UintNumberType } from "@chainsafe/ssz";
import { ConsiliumError, equalBytes } from "@consilium/crypto";

/** The SSZ building blocks, for packages above that define values of their own. */
export {
  ByteListType,
  ByteVectorType,
  ContainerType,
  ListBasicType,
  ListCompositeType,
  OptionalType,
  UintNumberType,
  type ValueOf,
} from "@chainsafe/ssz";

export const U8 = new UintNumberType(1);
export const U16 = new UintNumberType(2);
export const U32 = new UintNumberType(4);

/**
 * u64 restricted to safe integers. The library reads larger values as the nearest double, and those that a double holds
 * exactly (2^60) would even encode back to the same bytes; counters past 2^53 − 1 no longer count.
 */
class SafeUint64Type extends UintNumberType {
  constructor() {
    super(8);
  }

  override value_deserializeFromBytes(
    ...at: Parameters<UintNumberType["value_deserializeFromBytes"]>
  ): number {
    const value = super.value_deserializeFromBytes(...at);
    if (!Number.isSafeInteger(value)) throw new RangeError("A counter lies below 2^53.");
    return value;
  }
}

export const U64: UintNumberType = new SafeUint64Type();
export const B32 = new ByteVectorType(32);
export const B48 = new ByteVectorType(48);
export const B64 = new ByteVectorType(64);
export const B96 = new ByteVectorType(96);
export const B192 = new ByteVectorType(192);
export const bytesUpTo = (maxBytes: number): ByteListType => new ByteListType(maxBytes);

/**
 * Decodes SSZ bytes of peers and disks: the value must encode back to exactly the same bytes.
 * @throws ConsiliumError `BAD_ENCODING` for anything else.
 */
export function decodeStrict<Value>(type: Type<Value>, bytes: Uint8Array, what: string): Value {
  let value: Value;
  try {
    // Sockets hand out Node's Buffers, whose slice() is a view: a later change of a "copy" would change the message.
    value = type.deserialize(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    if (equalBytes(type.serialize(value), bytes)) return value;
  } catch (cause) {
    throw new ConsiliumError(
      "BAD_ENCODING",
      `${what} is not well formed`,
      { sizeBytes: bytes.length },
      { cause },
    );
  }
  throw new ConsiliumError("BAD_ENCODING", `${what} is not canonical`, { sizeBytes: bytes.length });
}
