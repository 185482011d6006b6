import { PROOF_KEY_BYTES_MAX, PROOF_KEYS_MAX } from "@consilium/client";
import { ConsiliumError, concatList, fromHex, toHex } from "@consilium/crypto";
import { prove } from "@consilium/ledger";
import { BlockHeader, Certificate, Handover, limits, type StateReader } from "@consilium/protocol";
import { requireKnownKeys, requireRights } from "./light-rights.js";
import type { ApiPorts } from "./ports.js";
import { type Handlers, malformed, numberOf } from "./router.js";

type LightRoute = "lightHead" | "lightHandovers" | "lightProof";

/** What clients that trust no node build on: proofs of the alliance chain, for everybody or for whom they concern. */
export function lightHandlers({ alliance }: Pick<ApiPorts, "alliance">): Pick<Handlers, LightRoute> {
  return {
    lightHead: async () => {
      const header = alliance.headerAt(alliance.finalized().height);
      const finalization = alliance.finalization();
      if (header === undefined || finalization === undefined) throw notProvable();
      return provenView(header, finalization);
    },
    lightHandovers: async ({ parameters }) => {
      const from = numberOf(parameters.from, "from", 0, Number.MAX_SAFE_INTEGER);
      const count = numberOf(parameters.count, "count", 1, limits.handoversPerResponse);
      const handovers: string[] = [];
      for (let epoch = from; epoch < from + count; epoch++) {
        const handover = alliance.handover(epoch);
        if (handover === undefined) break;
        handovers.push(toHex(Handover.serialize(handover)));
      }
      return { handovers };
    },
    lightProof: async ({ parameters, signer }) => {
      const keys = keysOf(parameters.key);
      requireKnownKeys(keys, signer);
      // Header, values and paths are read in one go: the state moves on with the next block.
      const provable = alliance.provable();
      if (provable === undefined) throw notProvable();
      const { header, finalization, reader } = provable;
      requireRights(keys, reader, signer);
      return {
        ...provenView(header, finalization),
        proofs: keys.map((key) => proofView(reader, key)),
      };
    },
  };
}

const provenView = (header: BlockHeader, finalization: Certificate) => ({
  header: toHex(BlockHeader.serialize(header)),
  finalization: toHex(Certificate.serialize(finalization)),
});

function proofView(state: StateReader, key: Uint8Array) {
  const value = state.get(key);
  const { siblings, otherLeaf } = prove(state, key);
  return {
    value: value === undefined ? null : toHex(value),
    siblings: toHex(concatList(siblings)),
    otherLeaf: otherLeaf === undefined ? null : toHex(concatList([otherLeaf.keyHash, otherLeaf.valueHash])),
  };
}

/** @throws ConsiliumError `REQUEST_MALFORMED`. */
function keysOf(given: string | readonly string[] | undefined): Uint8Array[] {
  const texts = given === undefined ? [] : typeof given === "string" ? [given] : given;
  if (texts.length < 1 || texts.length > PROOF_KEYS_MAX)
    throw malformed(`Name 1 to ${PROOF_KEYS_MAX} keys, each as "key".`);
  return texts.map((text) => {
    const isHex = /^([0-9a-f]{2})+$/.test(text) && text.length <= 2 * PROOF_KEY_BYTES_MAX;
    const key = isHex ? fromHex(text) : undefined;
    if (key !== undefined) return key;
    throw malformed(
      `"key" must be a state key of at most ${PROOF_KEY_BYTES_MAX} bytes in lower-case hexadecimal.`,
    );
  });
}

const notProvable = (): ConsiliumError =>
  new ConsiliumError(
    "NOT_PROVABLE",
    "This node proves nothing before its next final block; ask again in a moment, or ask another node.",
  );
