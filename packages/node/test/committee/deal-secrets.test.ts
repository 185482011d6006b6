import { createCryptoPool, dkgDealRandomSizeBytes, toHex } from "@consilium/crypto";
import { MemoryStore } from "@consilium/driver/testing";
import { Purpose, TransactionKind } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { CeremonyActors } from "../../../ledger/test/support/ceremony.js";
import { TestChain } from "../../../ledger/test/support/chain.js";
import { CeremonyService, type CommitteeSecrets } from "../../src/committee/index.js";
import { secureRandom } from "../../src/keys/index.js";
import { LedgerChain, RecordedLog } from "../support/ledger-chain.js";

describe("a dealer", () => {
  it("keeps nothing of what it drew for a deal, and writes none of it into its log or its store", async () => {
    const ledger = await TestChain.start();
    const actors = new CeremonyActors(ledger, Purpose.proxy);
    await actors.announceRun();
    const { params } = actors.run();
    const drawn: { readonly buffer: Uint8Array; readonly hex: string }[] = [];
    const sent: number[] = [];
    const store = new MemoryStore();
    const log = new RecordedLog();
    const own = toHex(params.members[0]!.encryptionKey);
    const secrets: Partial<CommitteeSecrets> = {
      dealingKeys: (purpose) => new Set(purpose === Purpose.proxy ? [own] : []),
      dealingSecret: () => undefined,
      sessions: () => new Set(),
      addDealingKey: async () => undefined,
    };
    const service = new CeremonyService({
      ...{ chain: new LedgerChain(ledger), pool: await createCryptoPool(), store, log },
      secrets: secrets as CommitteeSecrets,
      sender: {
        send: async (kind) => {
          sent.push(kind);
          return { id: new Uint8Array(32), height: 1, index: 0, code: "OK", timestampMs: 0 };
        },
      },
      transport: { request: () => Promise.reject(new Error("no other node in this test")) },
      nodeKey: ledger.member(0).key,
      random: {
        bytes(length) {
          const buffer = secureRandom.bytes(length);
          drawn.push({ buffer, hex: toHex(buffer) });
          return buffer;
        },
      },
    });
    service.review();
    await service.idle();
    expect(sent).toContain(TransactionKind.ceremonyDeal);
    const deal = drawn.filter(({ buffer }) => buffer.length === dkgDealRandomSizeBytes(params));
    expect(deal).toHaveLength(1);
    expect(toHex(deal[0]!.buffer)).toBe("00".repeat(deal[0]!.buffer.length));
    const written = JSON.stringify(log.lines);
    for (const { hex } of drawn) expect(written).not.toContain(hex);
  });
});
