import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CryptoPool,
  createCryptoPool,
  equalBytes,
  fromHex,
  type KeystorePlatform,
  sha256,
  toHex,
} from "@consilium/crypto";
import { MemoryStore } from "@consilium/driver/testing";
import { queries } from "@consilium/ledger";
import {
  CeremonyMessage,
  decodeStrict,
  Purpose,
  SignedTransaction,
  TransactionKind,
} from "@consilium/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Actor } from "../../../ledger/test/support/actors.js";
import { TestChain } from "../../../ledger/test/support/chain.js";
import { CeremonyService, CommitteeSecrets } from "../../src/committee/index.js";
import { KeystoreFolder, nativeAead, secureRandom } from "../../src/keys/index.js";
import { TransactionSender } from "../../src/records/index.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "../support/ledger-chain.js";

const COST = 2 ** 15;
const PURPOSES = [Purpose.keyCentre, Purpose.proxy] as const;

/** Real keystores, but a password hash that costs nothing: a run writes two dozen of them. */
const quickPlatform: KeystorePlatform = {
  aead: nativeAead,
  scrypt: async (password, salt) => sha256(password, salt),
};

/** One member's node as far as ceremonies go: keystores and store outlive a crash, the rest does not. */
class Node {
  readonly folder = new KeystoreFolder(
    mkdtempSync(join(tmpdir(), "consilium-ceremony-")),
    "passphrase",
    COST,
    quickPlatform,
  );
  readonly store = new MemoryStore();
  readonly log = new RecordedLog();
  secrets!: CommitteeSecrets;
  service!: CeremonyService;
  sender!: TransactionSender;

  constructor(
    readonly actor: Actor,
    private readonly test: Ceremonies,
  ) {}

  async start(): Promise<void> {
    const { chain, pool } = this.test;
    const node = nodeKeysOf(this.actor).node;
    this.secrets = await CommitteeSecrets.open(this.folder);
    this.sender = new TransactionSender(chain, node, this.log);
    this.service = new CeremonyService({
      ...{ chain, pool, sender: this.sender, secrets: this.secrets, store: this.store },
      transport: { request: (to, _protocol, body) => this.test.node(to).service.serveSwitchShare(body) },
      ...{ nodeKey: this.actor.key, random: secureRandom, log: this.log },
    });
    this.service.start();
  }

  /** Nothing is told to the node before it dies; what it had in memory is gone. */
  crash(): void {
    this.service.stop();
    this.sender.stop();
  }
}

class Ceremonies {
  readonly nodes: Node[];

  private constructor(
    readonly chain: LedgerChain,
    readonly pool: CryptoPool,
  ) {
    this.nodes = chain.ledger.members.map((actor) => new Node(actor, this));
  }

  static async start(): Promise<Ceremonies> {
    const test = new Ceremonies(new LedgerChain(await TestChain.start()), await createCryptoPool());
    for (const node of test.nodes) await node.start();
    return test;
  }

  node(id: string): Node {
    return this.nodes.find(({ actor }) => toHex(actor.key) === id)!;
  }

  run(purpose: Purpose) {
    return queries.lastCeremony(this.chain.state(), purpose);
  }

  phase(purpose: Purpose): string {
    const run = this.run(purpose);
    if (run === undefined) return "NONE";
    return run.switched === 1 ? "SERVING" : new TextDecoder().decode(run.phase);
  }

  /** A block as soon as anything was submitted, or nobody has anything to do. */
  async step(): Promise<void> {
    const idle = Promise.all(this.nodes.map(({ service }) => service.idle()));
    if (this.chain.pending.length === 0) await Promise.race([this.chain.submission(), idle]);
    await this.chain.produce();
  }

  async until(holds: () => boolean): Promise<void> {
    for (let blocks = 0; !holds(); blocks++) {
      if (blocks > 200) throw new Error(`stuck: ${PURPOSES.map((purpose) => this.phase(purpose)).join(" ")}`);
      await this.step();
    }
  }

  serving = (): boolean => PURPOSES.every((purpose) => this.phase(purpose) === "SERVING");
}

let test: Ceremonies;
beforeEach(async () => {
  test = await Ceremonies.start();
});

/** Every member's keystore holds the share that belongs to its verification key. */
async function expectShares(purpose: Purpose): Promise<void> {
  const committee = queries.activeCommittee(test.chain.state(), purpose)!;
  const session = toHex(committee.sessionId);
  const state = queries.ceremonyState(test.chain.state(), committee.sessionId)!;
  for (const [place, { folder }] of test.nodes.entries()) {
    const member = committee.members.findIndex((id) => equalBytes(id, test.nodes[place]!.actor.key)) + 1;
    const held = (await CommitteeSecrets.open(folder)).shareOfSession(purpose, session)!;
    const nonce = { random: secureRandom.bytes(32) };
    const testShare = await test.pool.run("dkgMakeTestShare", { state, member, share: held.share, nonce });
    await expect(test.pool.run("dkgCheckTestShare", { state, testShare })).resolves.toBeUndefined();
  }
}

describe("the ceremonies of four nodes", () => {
  it("give both keys at once, with every share in a keystore and nobody blamed", async () => {
    await test.until(test.serving);
    for (const purpose of PURPOSES) {
      const detail = queries.ceremonyState(test.chain.state(), test.run(purpose)!.sessionId)!;
      expect(detail.deals).toHaveLength(4);
      expect(detail.slashedDealers).toEqual([]);
      expect(detail.slashedMembers).toEqual([]);
      await expectShares(purpose);
    }
    const [centre, proxies] = PURPOSES.map(
      (purpose) => queries.activeCommittee(test.chain.state(), purpose)!,
    );
    expect(centre!.publicKey).toHaveLength(96);
    expect(proxies!.publicKey).toHaveLength(48);
  });

  it("erase the dealing keys of a run when its switch and one response window are past, and keep the next ones", async () => {
    await test.until(test.serving);
    const used = PURPOSES.map((purpose) => test.run(purpose)!.dealingKeys.map(toHex));
    const { responseWindowMs } = test.chain.ledger.genesis.parameters;
    await test.chain.produce(responseWindowMs);
    await Promise.all(test.nodes.map(({ service }) => service.idle()));
    for (const [place, purpose] of PURPOSES.entries()) {
      for (const { secrets, folder, actor } of test.nodes) {
        const next = toHex(queries.dealingKey(test.chain.state(), purpose, actor.key)!);
        expect([...secrets.dealingKeys(purpose)]).toEqual([next]);
        expect(used[place]).not.toContain(next);
        expect(folder.list("dealing-")).toHaveLength(2);
      }
    }
  });

  it("survive a node that dies after its deal was stored and before anyone saw it: the same bytes come again", async () => {
    const [victim] = test.nodes;
    const deals = new Set<string>();
    const isVictims = (encoded: Uint8Array): boolean => {
      const { transaction } = decodeStrict(SignedTransaction, encoded, "transaction");
      if (transaction.kind !== TransactionKind.ceremonyDeal) return false;
      if (!equalBytes(transaction.sender, victim!.actor.account(test.chain.chainId))) return false;
      deals.add(toHex(decodeStrict(CeremonyMessage, transaction.payload, "message").body));
      return true;
    };
    await test.until(() => PURPOSES.some((purpose) => test.phase(purpose) === "DEAL"));
    while (!test.chain.pending.some(isVictims)) await test.chain.submission();
    const lost = test.chain.pending.filter(isVictims).length;
    victim!.crash();
    const kept = test.chain.pending.filter((encoded) => !isVictims(encoded));
    test.chain.pending.splice(0, test.chain.pending.length, ...kept);
    const before = new Set(deals);
    await victim!.start();
    await test.until(test.serving);
    expect(lost).toBeGreaterThan(0);
    const accepted = PURPOSES.flatMap((purpose) =>
      queries
        .ceremonyState(test.chain.state(), test.run(purpose)!.sessionId)!
        .deals.map(({ body }) => toHex(body)),
    );
    for (const body of before) expect(accepted).toContain(body);
    for (const purpose of PURPOSES) await expectShares(purpose);
  });

  it.each(["DISPUTE", "ACTIVE"])("survive a node that starts again in %s", async (phase) => {
    await test.until(() => PURPOSES.some((purpose) => test.phase(purpose) === phase));
    const victim = test.nodes[2]!;
    victim.crash();
    await victim.start();
    await test.until(test.serving);
    for (const purpose of PURPOSES) await expectShares(purpose);
  });

  it("answer the switch test only for runs they know", async () => {
    const request = fromHex("00".repeat(32));
    await expect(test.nodes[0]!.service.serveSwitchShare(request)).rejects.toMatchObject({
      code: "DKG_WRONG_SID",
    });
  });
});
