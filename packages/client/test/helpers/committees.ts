/** Threshold keys dealt by the test itself, where a network would run its ceremonies. */
import { bigintFromBytes, ed25519PublicKey, encodeScalar, reduceScalar, toHex } from "@consilium/crypto";
import { type Curve, encodePoint } from "@consilium/crypto/curve";
import type { Random } from "@consilium/protocol";
import type { CommitteeView } from "../../src/index.js";

export interface DealtCommittee {
  readonly view: CommitteeView;
  /** Share and Ed25519 seed of each member, in order of indices from 1. */
  readonly members: readonly { readonly share: Uint8Array; readonly nodeSecret: Uint8Array }[];
}

/** A key shared `threshold` of `count`: over G2 for the key centre, over G1 for proxies. */
export function dealCommittee(
  curve: Curve,
  random: Random,
  purpose: CommitteeView["purpose"],
  { count, threshold }: { readonly count: number; readonly threshold: number },
): DealtCommittee {
  const coefficients = Array.from({ length: threshold }, () =>
    reduceScalar(bigintFromBytes(random.bytes(48))),
  );
  const at = (x: bigint) => reduceScalar(coefficients.reduceRight((sum, each) => sum * x + each, 0n));
  const publish = (scalar: bigint): string =>
    toHex(
      purpose === "key-centre"
        ? encodePoint(curve.g2, curve.g2.multiplyGenerator(scalar))
        : encodePoint(curve.g1, curve.g1.multiplyGenerator(scalar)),
    );
  const shares = Array.from({ length: count }, (_, place) => at(BigInt(place + 1)));
  const members = shares.map((share) => ({ share: encodeScalar(share), nodeSecret: random.bytes(32) }));
  return {
    members,
    view: {
      purpose,
      keyNo: 1,
      shareEpoch: 0,
      threshold,
      publicKey: publish(coefficients[0]!),
      sinceHeight: 1,
      members: shares.map((share, place) => ({
        index: place + 1,
        node: toHex(ed25519PublicKey(members[place]!.nodeSecret)),
        name: `Hospital ${place + 1}`,
        verificationKey: publish(share),
      })),
    },
  };
}
