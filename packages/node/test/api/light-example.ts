import { ConsiliumClient, verifiedAccessesOfOwner, verifiedGrant } from "@consilium/client";
import type { CryptoPool } from "@consilium/crypto";
import type { Genesis } from "@consilium/protocol";

export async function checkGrant(
  baseUrls: readonly string[],
  pool: CryptoPool,
  genesis: Genesis,
  grantId: Uint8Array,
) {
  const trust = { start: { genesis }, maxAgeMs: 60_000 };
  const client = new ConsiliumClient({ baseUrls, pool, trust });
  const light = await client.light();
  if (light === undefined) throw new Error("without `trust` there is no light client");

  const { value: grant, height, timeMs } = await verifiedGrant(light, grantId);
  // "absent" is proven as well as "active", "revoked", "expired" and "not-yet".
  console.log(`After block ${height}, at ${new Date(timeMs).toISOString()}: ${grant.state}`);
  if (grant.state === "absent") return { state: grant.state, accesses: 0 };

  // The list is whole: no node can leave an access out of it.
  const { value: accesses } = await verifiedAccessesOfOwner(light, grant.grant.owner);
  return { state: grant.state, accesses: accesses.length };
}
