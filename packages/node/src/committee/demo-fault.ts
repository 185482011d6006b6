import {
  answerFragment,
  concat,
  decodeG1,
  encodePoint,
  loadCurve,
  type RespondInput,
  sealFragment,
} from "@consilium/crypto";

const POINT_SIZE_BYTES = 48;

/**
 * A demonstration's misbehaviour: the fragment of an honest proxy with g1 added to its first point and the proof kept,
 * sealed and signed as it should be. Whoever combines it gets a wrong key, and VerFrag names the proxy.
 */
export async function lyingFragment(input: RespondInput): Promise<Uint8Array> {
  const curve = await loadCurve();
  const u1 = input.records.map(({ capsule }) => capsule.slice(0, POINT_SIZE_BYTES));
  const { plain } = answerFragment(curve, { ...input, u1 });
  const first = decodeG1(curve, plain.slice(0, POINT_SIZE_BYTES));
  const moved = encodePoint(curve.g1, curve.g1.add(first, curve.g1.generator));
  const wrong = concat(moved, plain.slice(POINT_SIZE_BYTES));
  plain.fill(0);
  return sealFragment({ ...input, plain: wrong });
}
