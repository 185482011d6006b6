import { sha256, toHex, utf8 } from "@consilium/crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiHarness, signerOf } from "../support/api-harness.js";

let api: ApiHarness;
beforeAll(async () => {
  api = await ApiHarness.start();
});
afterAll(() => api.api.stop());

const refused = (status: number, code: string) => ({ status, json: { error: { code } } });

describe("a member's account", () => {
  it("is no user: its key opens no user's route, neither here nor at another hospital", async () => {
    const { chain } = api.world;
    for (const member of [0, 1]) {
      const hospital = chain.member(member);
      const signer = signerOf(hospital, toHex(hospital.account(chain.id)));
      expect(await api.send("/v1/audit", { signer })).toMatchObject(refused(401, "AUTH_UNKNOWN_KEY"));
    }
  });

  it("is no administrator anywhere but at its own node", async () => {
    const other = api.world.chain.member(1);
    const signer = signerOf(other, toHex(other.key));
    const body = { signKey: "11".repeat(32), exchangeKey: "22".repeat(32), role: "owner" };
    expect(await api.json("/v1/enrolments", body, signer)).toMatchObject(refused(401, "AUTH_UNKNOWN_KEY"));
  });

  it("does not lend its rights to a user who signs under its name", async () => {
    const { chain, owner } = api.world;
    const signer = signerOf(owner, toHex(chain.member(0).key));
    expect(await api.json("/v1/records/reserve", { count: 1 }, signer)).toMatchObject(
      refused(401, "AUTH_BAD_SIGNATURE"),
    );
  });
});

describe("a body of the wrong media type", () => {
  const octets = utf8("neither JSON nor a payload file");

  it("is told so by a route that takes JSON", async () => {
    const sending = { body: octets, type: "application/octet-stream" };
    expect(await api.send("/v1/transactions", sending)).toMatchObject(refused(415, "MEDIA_TYPE_UNKNOWN"));
    const signed = { ...sending, signer: api.user(api.world.owner) };
    expect(await api.send("/v1/fragments", signed)).toMatchObject(refused(415, "MEDIA_TYPE_UNKNOWN"));
  });

  it("is told so by a route that takes octets", async () => {
    const path = `/v1/blobs/${toHex(sha256(octets))}`;
    const sending = { method: "PUT", body: octets, signer: api.admin };
    expect(await api.send(path, sending)).toMatchObject(refused(415, "MEDIA_TYPE_UNKNOWN"));
    const right = { ...sending, type: "application/octet-stream" };
    expect(await api.send(path, right)).toMatchObject(refused(422, "STREAM_BAD_HEADER"));
  });
});
