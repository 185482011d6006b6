/**
 * The curve port: BLS12-381 as two groups, a target group and a pairing, behind opaque handles.
 *
 * Two backends implement it (`mcl-curve.ts` on WebAssembly, the default; `noble-curve.ts`, reference and fallback)
 * and are byte for byte interchangeable: what one makes the other reads. Bytes are parsed strictly by `encoding.ts`
 * before a backend sees them, because the libraries differ in what they let through.
 *
 * Groups are written additively. Scalars are bigints in [0, q).
 * The handles of the three groups are branded, so that a G1 handle cannot be passed where a G2 handle is meant.
 */
export interface Curve<G1 = G1Point, G2 = G2Point, Gt = GtElement> {
  readonly name: string;
  readonly g1: Group<G1>;
  readonly g2: Group<G2>;
  /** hash_to_curve to G1 (RFC 9380, SSWU, random oracle) under the given domain separation tag. */
  hashToG1(message: Uint8Array, dst: Uint8Array): G1;
  /** hash_to_curve to G2 (RFC 9380, SSWU, random oracle) under the given domain separation tag. */
  hashToG2(message: Uint8Array, dst: Uint8Array): G2;
  /** Product of pairings, with one final exponentiation. Points must be in the order-q subgroups; infinity gives one. */
  pairingProduct(pairs: readonly PairingInput<G1, G2>[]): Gt;
  /** True when the product of pairings is one: cheaper than comparing two pairings. */
  pairingProductIsOne(pairs: readonly PairingInput<G1, G2>[]): boolean;
  gtMultiply(left: Gt, right: Gt): Gt;
  gtPower(base: Gt, scalar: bigint): Gt;
  gtEquals(left: Gt, right: Gt): boolean;
  /** 576 bytes: Fp12 = c1‖c0, Fp6 = c2‖c1‖c0, Fp2 = c1‖c0, each Fp 48 bytes big endian. Never transmitted. */
  gtToBytes(value: Gt): Uint8Array;
}

declare const group: unique symbol;

/** Opaque handle of a point of G1; belongs to the backend that made it. */
export interface G1Point {
  readonly [group]: "G1";
}

/** Opaque handle of a point of G2. */
export interface G2Point {
  readonly [group]: "G2";
}

/** Opaque handle of an element of the target group. */
export interface GtElement {
  readonly [group]: "GT";
}

export interface PairingInput<G1 = G1Point, G2 = G2Point> {
  readonly g1: G1;
  readonly g2: G2;
}

export interface Group<Point> {
  readonly name: "G1" | "G2";
  /** Length of the compressed encoding: 48 or 96. */
  readonly sizeBytes: number;
  readonly generator: Point;
  readonly identity: Point;
  add(left: Point, right: Point): Point;
  negate(point: Point): Point;
  /** scalar·point for a point of the subgroup (mcl uses an endomorphism) and any scalar in [0, q), 0 included. */
  multiply(point: Point, scalar: bigint): Point;
  /** scalar·generator; a backend may use a table. */
  multiplyGenerator(scalar: bigint): Point;
  /** Σ scalars[i]·points[i]; lists of equal length, cut into chunks of at most 1,024 inside. */
  multiScalar(points: readonly Point[], scalars: readonly bigint[]): Point;
  equals(left: Point, right: Point): boolean;
  isIdentity(point: Point): boolean;
  isInSubgroup(point: Point): boolean;
  /** Compressed encoding; infinity encodes as 0xc0 00…00. */
  toBytes(point: Point): Uint8Array;
  /**
   * Decodes bytes whose length, flags and coordinate range `encoding.ts` already checked.
   * Returns undefined when they are not on the curve. Does not check the subgroup.
   */
  fromCheckedBytes(bytes: Uint8Array): Point | undefined;
}
