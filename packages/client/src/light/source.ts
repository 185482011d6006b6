/** Where a light client gets what it then verifies: any node, trusted with nothing. */
import { ConsiliumError, codeOf, fromHex, toHex } from "@consilium/crypto";
import type { StateProof } from "@consilium/ledger";
import { BlockHeader, Certificate, decodeStrict, Handover } from "@consilium/protocol";
import { routes, type StateProofView } from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import type { RequestSigner } from "../http/signature.js";
import { lightFailure } from "./failure.js";

/** A header and the finalization that should prove it: not verified yet. */
export interface ClaimedHead {
  readonly header: BlockHeader;
  readonly finalization: Certificate;
}

/** What a node says of one key: not verified yet. */
export interface ClaimedValue {
  readonly value: Uint8Array | undefined;
  readonly proof: StateProof;
}

export interface ClaimedState extends ClaimedHead {
  /** In the order of the keys asked for. */
  readonly values: readonly ClaimedValue[];
}

/** One node. Its answers may be anything; a malformed one throws `LIGHT_BAD_PROOF` or `LIGHT_BAD_HANDOVER`. */
export interface LightSource {
  /** How messages to people name it, such as its address. */
  readonly name: string;
  head(): Promise<ClaimedHead>;
  /** Hand-overs of consecutive epochs from `fromEpoch` on, at most `count`. */
  handovers(fromEpoch: number, count: number): Promise<readonly Handover[]>;
  /** At most `PROOF_KEYS_MAX` keys; a node tells what concerns people only to a signer whom it concerns. */
  state(keys: readonly Uint8Array[], signer?: RequestSigner): Promise<ClaimedState>;
}

const SIBLING_SIZE_BYTES = 32;

/**
 * A node behind its HTTP API. `api` should hold the base URL of exactly this node; its signer, if it has one, signs the
 * questions that name no other.
 */
export function httpLightSource(api: HttpApi, name: string): LightSource {
  // The light client itself asks elsewhere or waits: one attempt is enough here.
  const once = { retryForMs: 0 };
  return {
    name,
    async head() {
      const view = await api.call(routes.lightHead, {}, undefined, once);
      return decoding("LIGHT_BAD_PROOF", () => decodeHead(view));
    },
    async handovers(fromEpoch, count) {
      const parameters = { from: fromEpoch, count };
      const view = await api.call(routes.lightHandovers, parameters, undefined, once);
      return decoding("LIGHT_BAD_HANDOVER", () =>
        view.handovers.slice(0, count).map((each) => decodeStrict(Handover, fromHex(each), "hand-over")),
      );
    },
    async state(keys, signer) {
      const asked = signer === undefined ? api : api.as(signer);
      const view = await asked.call(routes.lightProof, { key: keys.map(toHex) }, undefined, once);
      return decoding("LIGHT_BAD_PROOF", () => ({
        ...decodeHead(view),
        values: keys.map((_key, place) => decodeValue(view.proofs[place]!)),
      }));
    },
  };
}

const decodeHead = (view: { readonly header: string; readonly finalization: string }): ClaimedHead => ({
  header: decodeStrict(BlockHeader, fromHex(view.header), "header"),
  finalization: decodeStrict(Certificate, fromHex(view.finalization), "finalization"),
});

function decodeValue({ value, siblings, otherLeaf }: StateProofView): ClaimedValue {
  const path = piecesOf(fromHex(siblings));
  const leaf = otherLeaf === null ? undefined : piecesOf(fromHex(otherLeaf));
  const other = leaf && { otherLeaf: { keyHash: leaf[0]!, valueHash: leaf[1]! } };
  return { value: value === null ? undefined : fromHex(value), proof: { siblings: path, ...other } };
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / SIBLING_SIZE_BYTES);
  return Array.from({ length: count }, (_, place) =>
    bytes.slice(place * SIBLING_SIZE_BYTES, (place + 1) * SIBLING_SIZE_BYTES),
  );
}

/** The shape of a JSON answer is the node's choice, so whatever fails while it is read is the node's fault. */
function decoding<Value>(code: "LIGHT_BAD_PROOF" | "LIGHT_BAD_HANDOVER", read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof ConsiliumError ? error.message : "the answer has another shape";
    throw lightFailure(code, reason, { cause: codeOf(error) });
  }
}
