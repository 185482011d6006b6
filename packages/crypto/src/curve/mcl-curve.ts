import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import mcl from "mcl-wasm";
import type { Curve, Group, PairingInput } from "./curve.js";
import { encodeScalar } from "./encoding.js";
import { loadMclModule, type MclModule, withStack } from "./mcl-module.js";
import { nobleCurve } from "./noble-curve.js";

type Point = mcl.G1 | mcl.G2;
type MclPairing = PairingInput<mcl.G1, mcl.G2>;

/** mcl copies its arguments onto a small WebAssembly stack; longer lists trap. */
const MULTI_SCALAR_POINTS_MAX = 1024;
const PAIRING_PRODUCT_PAIRS_MAX = 64;
/** Longer messages are hashed by the portable curve: what fills the stack would run over mcl's own memory. */
const HASHED_MESSAGE_SIZE_BYTES_MAX = 65_536;
const FP2_SIZE_BYTES = 96;
/** Longer tags are hashed first (RFC 9380 §5.3.3), which mcl leaves to its caller. */
const DST_SIZE_BYTES_MAX = 255;
const OVERSIZE_DST_PREFIX = utf8ToBytes("H2C-OVERSIZE-DST-");

interface GroupFunctions<P extends Point> {
  readonly name: "G1" | "G2";
  readonly sizeBytes: number;
  readonly create: () => P;
  /** Name of the constant-time multiplication in the WebAssembly module. */
  readonly multiply: "_mclBnG1_mulCT" | "_mclBnG2_mulCT";
  readonly generator: P;
}

function fieldElement(scalar: bigint): mcl.Fr {
  const bytes = encodeScalar(scalar);
  const element = new mcl.Fr();
  element.setBigEndianMod(bytes);
  bytes.fill(0);
  return element;
}

function groupOf<P extends Point>(module: MclModule, own: GroupFunctions<P>): Group<P> {
  const words = (value: mcl.Fr | Point): Uint32Array => (value as unknown as { a_: Uint32Array }).a_;
  const multiply = (point: P, scalar: bigint): P => {
    const out = own.create();
    const factor = fieldElement(scalar);
    withStack(module, () => {
      const outAt = module.salloc(words(out));
      module[own.multiply](outAt, module.sallocCopy(words(point)), module.sallocCopy(words(factor)));
      module.copyFromHeap32(words(out), outAt);
    });
    factor.clear();
    return out;
  };
  const multiScalarChunk = (points: readonly P[], scalars: readonly bigint[]): P =>
    mcl.mulVec([...points], scalars.map(fieldElement));
  return {
    name: own.name,
    sizeBytes: own.sizeBytes,
    generator: own.generator,
    identity: own.create(),
    add: (left, right) => mcl.add(left, right),
    negate: (point) => mcl.neg(point),
    multiply,
    multiplyGenerator: (scalar) => multiply(own.generator, scalar),
    multiScalar(points, scalars) {
      if (points.length !== scalars.length) throw new RangeError("Points and scalars come in pairs.");
      let sum = own.create();
      for (let from = 0; from < points.length; from += MULTI_SCALAR_POINTS_MAX) {
        const to = from + MULTI_SCALAR_POINTS_MAX;
        sum = mcl.add(sum, multiScalarChunk(points.slice(from, to), scalars.slice(from, to)));
      }
      return sum;
    },
    equals: (left, right) => (left as mcl.G1).isEqual(right as mcl.G1),
    isIdentity: (point) => point.isZero(),
    isInSubgroup: (point) => point.isValidOrder(),
    toBytes: (point) => point.serialize(),
    fromCheckedBytes(bytes) {
      const point = own.create();
      try {
        point.deserialize(bytes);
      } catch {
        return undefined;
      }
      return point.isValid() ? point : undefined;
    },
  };
}

/** hash_to_curve under any tag: the public interface of mcl-wasm knows only its own tag, the module below it any. */
function hashToPoint<P extends Point>(
  module: MclModule,
  out: P,
  hashTo: "_mclBnG1_hashAndMapToWithDst" | "_mclBnG2_hashAndMapToWithDst",
  message: Uint8Array,
  dst: Uint8Array,
): P {
  const words = (out as unknown as { a_: Uint32Array }).a_;
  const tag = dst.length > DST_SIZE_BYTES_MAX ? sha256(concatBytes(OVERSIZE_DST_PREFIX, dst)) : dst;
  withStack(module, () => {
    const outAt = module.salloc(words);
    const messageAt = module.sallocBytes(message);
    const tagAt = module.sallocBytes(tag);
    module[hashTo](outAt, messageAt, message.length, tagAt, tag.length);
    module.copyFromHeap32(words, outAt);
  });
  return out;
}

/** A point of another backend, read into a point of this one. */
function moved<P extends Point, Other>(out: P, group: Group<Other>, point: Other): P {
  out.deserialize(group.toBytes(point));
  return out;
}

function millerLoopChunk(module: MclModule, pairs: readonly MclPairing[]): mcl.GT {
  const out = new mcl.GT();
  const words = (value: unknown): Uint32Array => (value as { a_: Uint32Array }).a_;
  withStack(module, () => {
    const outAt = module.salloc(words(out));
    const leftAt = module.sallocArray(pairs.map((pair) => words(pair.g1)));
    const rightAt = module.sallocArray(pairs.map((pair) => words(pair.g2)));
    module._mclBn_millerLoopVec(outAt, leftAt, rightAt, pairs.length);
    module.copyFromHeap32(words(out), outAt);
  });
  return out;
}

function pairingProduct(module: MclModule, pairs: readonly MclPairing[]): mcl.GT {
  const finite = pairs.filter((pair) => !pair.g1.isZero() && !pair.g2.isZero());
  let product = new mcl.GT();
  product.setInt(1);
  for (let from = 0; from < finite.length; from += PAIRING_PRODUCT_PAIRS_MAX) {
    const chunk = finite.slice(from, from + PAIRING_PRODUCT_PAIRS_MAX);
    product = mcl.mul(product, millerLoopChunk(module, chunk));
  }
  return mcl.finalExp(product);
}

/** mcl writes the six Fp2 coefficients from the lowest up; this suite from the highest down. */
function gtToBytes(value: mcl.GT): Uint8Array {
  const from = value.serialize();
  const out = new Uint8Array(from.length);
  for (let offset = 0; offset < from.length; offset += FP2_SIZE_BYTES) {
    out.set(from.subarray(offset, offset + FP2_SIZE_BYTES), from.length - offset - FP2_SIZE_BYTES);
  }
  return out;
}

/** Decodes the standard generators (draft-irtf-cfrg-pairing-friendly-curves §4.2.1). */
function generators(): { g1: mcl.G1; g2: mcl.G2 } {
  return { g1: mcl.deserializeHexStrToG1(G1_GENERATOR), g2: mcl.deserializeHexStrToG2(G2_GENERATOR) };
}

const G1_GENERATOR =
  "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
const G2_GENERATOR =
  "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e" +
  "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8";

/**
 * Loads BLS12-381 on mcl-wasm, the default backend. Secret scalars go through mcl's constant-time multiplication;
 * traces of them stay in WebAssembly memory until overwritten, which JavaScript cannot prevent.
 * Rejects when WebAssembly is not available.
 */
export async function loadMclCurve(): Promise<Curve> {
  const module = await loadMclModule();
  const base = generators();
  const curve: Curve<mcl.G1, mcl.G2, mcl.GT> = {
    name: "mcl",
    g1: groupOf(module, {
      name: "G1",
      sizeBytes: 48,
      create: () => new mcl.G1(),
      multiply: "_mclBnG1_mulCT",
      generator: base.g1,
    }),
    g2: groupOf(module, {
      name: "G2",
      sizeBytes: 96,
      create: () => new mcl.G2(),
      multiply: "_mclBnG2_mulCT",
      generator: base.g2,
    }),
    hashToG1: (message, dst) =>
      message.length > HASHED_MESSAGE_SIZE_BYTES_MAX
        ? moved(new mcl.G1(), nobleCurve.g1, nobleCurve.hashToG1(message, dst))
        : hashToPoint(module, new mcl.G1(), "_mclBnG1_hashAndMapToWithDst", message, dst),
    hashToG2: (message, dst) =>
      message.length > HASHED_MESSAGE_SIZE_BYTES_MAX
        ? moved(new mcl.G2(), nobleCurve.g2, nobleCurve.hashToG2(message, dst))
        : hashToPoint(module, new mcl.G2(), "_mclBnG2_hashAndMapToWithDst", message, dst),
    pairingProduct: (pairs) => pairingProduct(module, pairs),
    pairingProductIsOne: (pairs) => gtIsOne(pairingProduct(module, pairs)),
    gtMultiply: (left, right) => mcl.mul(left, right),
    gtPower: (value, scalar) => mcl.pow(value, fieldElement(scalar)),
    gtEquals: (left, right) => left.isEqual(right),
    gtToBytes,
  };
  return curve as unknown as Curve;
}

function gtIsOne(value: mcl.GT): boolean {
  return value.isOne();
}
