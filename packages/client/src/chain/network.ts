/** The public facts of an alliance that clients build on: its id, members and committees, as bytes. */
import { ConsiliumError, equalBytes, fromHex, toHex } from "@consilium/crypto";
import { chainIdOf, decodeStrict, Genesis, Purpose } from "@consilium/protocol";
import { type CommitteeView, type MemberView, routes } from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";

export interface CommitteeMember {
  /** From 1. */
  readonly index: number;
  readonly name: string;
  /** Node id as bytes. */
  readonly nodeKey: Uint8Array;
  readonly verificationKey: Uint8Array;
}

export interface Committee {
  readonly generation: { readonly keyNo: number; readonly shareEpoch: number };
  readonly threshold: number;
  /** P (96 bytes) or Z (48 bytes). */
  readonly publicKey: Uint8Array;
  readonly members: readonly CommitteeMember[];
}

export interface Alliance {
  readonly chainId: Uint8Array;
  readonly name: string;
  readonly members: readonly MemberView[];
}

/**
 * Reads the genesis and checks that it is the one its chain id names, and the one expected.
 * Throws `WRONG_CHAIN`, `BAD_ENCODING`.
 */
export async function readAlliance(api: HttpApi, expectedChainId?: string): Promise<Alliance> {
  const view = await api.call(routes.genesis, {});
  const chainId = chainIdOf(decodeStrict(Genesis, fromHex(view.genesis), "genesis"));
  const expected = expectedChainId ?? view.chainId;
  if (toHex(chainId) !== view.chainId || !equalBytes(chainId, fromHex(expected))) {
    throw new ConsiliumError(
      "WRONG_CHAIN",
      "This node serves another alliance; check its address and your wallet.",
      {
        expected,
        found: toHex(chainId),
      },
    );
  }
  return { chainId, name: view.name, members: view.members };
}

/** Who says which committee serves: a node, or proofs (`sharing/chain-facts.ts`). */
export interface CommitteeFacts {
  committee(purpose: Purpose): Promise<CommitteeView | null>;
}

/** The key centre that serves now. Throws `KEY_CENTRE_NOT_READY`. */
export async function readKeyCentre(facts: CommitteeFacts): Promise<Committee> {
  const keyCentre = await facts.committee(Purpose.keyCentre);
  if (keyCentre !== null) return toCommittee(keyCentre);
  throw new ConsiliumError("KEY_CENTRE_NOT_READY", "The key centre has no key yet; wait for its ceremony.");
}

/** The proxies that serve now. Throws `PROXIES_NOT_READY`. */
export async function readProxies(facts: CommitteeFacts): Promise<Committee> {
  const proxy = await facts.committee(Purpose.proxy);
  if (proxy !== null) return toCommittee(proxy);
  throw new ConsiliumError("PROXIES_NOT_READY", "The proxies have no key yet; wait for their ceremony.");
}

function toCommittee(view: CommitteeView): Committee {
  return {
    generation: { keyNo: view.keyNo, shareEpoch: view.shareEpoch },
    threshold: view.threshold,
    publicKey: fromHex(view.publicKey),
    members: view.members.map(({ index, name, node, verificationKey }) => ({
      index,
      name,
      nodeKey: fromHex(node),
      verificationKey: fromHex(verificationKey),
    })),
  };
}
