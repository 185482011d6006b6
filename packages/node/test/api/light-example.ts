import {
  ConsiliumClient,
  type RequestSigner,
  verifiedAccessesOfOwner,
  verifiedGrant,
} from "@consilium/client";
import type { CryptoPool } from "@consilium/crypto";
import type { Genesis } from "@consilium/protocol";

export async function checkGrant(
  baseUrls: readonly string[],
  pool: CryptoPool,
  genesis: Genesis,
  signer: RequestSigner,
  grantId: Uint8Array,
) {
  const trust = { start: { genesis }, maxAgeMs: 60_000 };
  const client = new ConsiliumClient({ baseUrls, pool, trust });
  const light = await client.light();
  if (light === undefined) throw new Error("without `trust` there is no light client");

  // A grant is told to its two sides alone: `signer` is the owner's account or the recipient's.
  const { value: grant, height, timeMs } = await verifiedGrant(light, grantId, { signer });
  // "absent" is proven as well as "active", "revoked", "expired" and "not-yet".
  console.log(`After block ${height}, at ${new Date(timeMs).toISOString()}: ${grant.state}`);
  if (grant.state === "absent") return { state: grant.state, accesses: 0 };

  // The list is the owner's alone, and whole: no node can leave an access out of it.
  const { value: accesses } = await verifiedAccessesOfOwner(light, grant.grant.owner, { signer });
  return { state: grant.state, accesses: accesses.length };
}
