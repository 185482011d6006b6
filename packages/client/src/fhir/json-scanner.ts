/**
 * A strict JSON reader (RFC 8259) over bytes that says where values stand instead of what they are. The importer must
 * keep a resource exactly as it was written: parsing and writing again would turn 1.50 into 1.5.
 *
 * Stricter than `JSON.parse` in two ways: nesting is bounded, and a repeated key is refused, because two readers may
 * take different ones of the two and then disagree about what a resource says.
 */
import { ConsiliumError } from "@consilium/crypto";

/** Objects and arrays inside each other. FHIR resources stay below 20. */
export const JSON_DEPTH_MAX = 100;

/** Where a value stands: from its first byte to the one after its last. */
export interface JsonRange {
  readonly from: number;
  readonly to: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const LITERALS = ["true", "false", "null"].map((text) => Uint8Array.from(text, (c) => c.charCodeAt(0)));
const ESCAPES = new Set(Array.from('"\\/bfnrt', (c) => c.charCodeAt(0)));

/** Reads values one after the other from `offset` on. Throws ConsiliumError `BUNDLE_BAD_JSON`, `BUNDLE_TOO_DEEP`, `BUNDLE_DUPLICATE_KEY`. */
export class JsonScanner {
  offset: number;
  #depth = 0;

  constructor(
    readonly bytes: Uint8Array,
    offset = 0,
  ) {
    this.offset = offset;
  }

  /** The next value of any kind, checked through and through. */
  skipValue(): JsonRange {
    this.skipSpace();
    const from = this.offset;
    const first = this.bytes[from];
    if (first === 0x7b) this.object(() => this.skipValue());
    else if (first === 0x5b) this.array(() => this.skipValue());
    else if (first === QUOTE) this.#skipString();
    else if (first === 0x2d || isDigit(first)) this.#skipNumber();
    else this.#skipLiteral();
    return { from, to: this.offset };
  }

  /** Reads an object; `member` must read each value, standing before it. */
  object(member: (key: string) => void): void {
    const keys = new Set<string>();
    this.#enclosed(0x7b, 0x7d, () => {
      this.skipSpace();
      const at = this.offset;
      const key = this.string();
      if (keys.has(key)) {
        throw new ConsiliumError(
          "BUNDLE_DUPLICATE_KEY",
          "An object of the bundle has the same key twice; correct it at its source.",
          { offset: at },
        );
      }
      keys.add(key);
      this.skipSpace();
      this.#expect(COLON);
      this.skipSpace();
      member(key);
    });
  }

  /** Reads an array; `item` must read each value, standing before it. */
  array(item: (index: number) => void): void {
    let index = 0;
    this.#enclosed(0x5b, 0x5d, () => {
      this.skipSpace();
      item(index++);
    });
  }

  /** Reads a string and returns what it says. */
  string(): string {
    const from = this.offset;
    if (this.bytes[from] !== QUOTE) throw this.#bad();
    this.#skipString();
    return JSON.parse(new TextDecoder().decode(this.bytes.subarray(from, this.offset))) as string;
  }

  /** The byte a value starts with, or undefined at the end. */
  peek(): number | undefined {
    this.skipSpace();
    return this.bytes[this.offset];
  }

  /** Ends the text: only white space may follow. */
  end(): void {
    if (this.peek() !== undefined) throw this.#bad();
  }

  skipSpace(): void {
    for (;;) {
      const byte = this.bytes[this.offset];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.offset++;
    }
  }

  #enclosed(open: number, close: number, element: () => void): void {
    this.skipSpace();
    this.#expect(open);
    if (++this.#depth > JSON_DEPTH_MAX) {
      throw new ConsiliumError(
        "BUNDLE_TOO_DEEP",
        "The bundle nests values too deeply; split it at its source.",
        {
          depthMax: JSON_DEPTH_MAX,
        },
      );
    }
    if (this.peek() === close) this.offset++;
    else {
      do element();
      while (this.#separator(close));
    }
    this.#depth--;
  }

  #separator(close: number): boolean {
    const byte = this.peek();
    if (byte !== COMMA && byte !== close) throw this.#bad();
    this.offset++;
    return byte === COMMA;
  }

  #skipString(): void {
    for (this.offset++; ; this.offset++) {
      const byte = this.bytes[this.offset];
      if (byte === undefined || byte < 0x20) throw this.#bad();
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) this.#skipEscape();
    }
    this.offset++;
  }

  /** Stands on the backslash; stops on the last byte of the escape. */
  #skipEscape(): void {
    const kind = this.bytes[++this.offset];
    if (kind === 0x75) {
      for (let digits = 0; digits < 4; digits++) {
        if (!isHexDigit(this.bytes[++this.offset])) throw this.#bad();
      }
    } else if (kind === undefined || !ESCAPES.has(kind)) throw this.#bad();
  }

  #skipNumber(): void {
    if (this.bytes[this.offset] === 0x2d) this.offset++;
    if (this.bytes[this.offset] === 0x30) this.offset++;
    else this.#skipDigits();
    if (this.bytes[this.offset] === 0x2e) {
      this.offset++;
      this.#skipDigits();
    }
    const exponent = this.bytes[this.offset];
    if (exponent === 0x65 || exponent === 0x45) {
      const sign = this.bytes[++this.offset];
      if (sign === 0x2b || sign === 0x2d) this.offset++;
      this.#skipDigits();
    }
  }

  #skipDigits(): void {
    if (!isDigit(this.bytes[this.offset])) throw this.#bad();
    while (isDigit(this.bytes[this.offset])) this.offset++;
  }

  #skipLiteral(): void {
    const literal = LITERALS.find((each) => each.every((byte, i) => this.bytes[this.offset + i] === byte));
    if (literal === undefined) throw this.#bad();
    this.offset += literal.length;
  }

  #expect(byte: number): void {
    if (this.bytes[this.offset] !== byte) throw this.#bad();
    this.offset++;
  }

  #bad(): ConsiliumError {
    return new ConsiliumError("BUNDLE_BAD_JSON", "The bundle is not well-formed JSON; export it again.", {
      offset: this.offset,
    });
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
