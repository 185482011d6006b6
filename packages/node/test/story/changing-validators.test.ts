import { readFileSync, writeFileSync } from "node:fs";
import type * as views from "@consilium/client";
import { HttpApi, portablePorts, routes } from "@consilium/client";
import { createCryptoPool, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { Purpose } from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalNodes } from "./local-nodes.js";

const STEP_TIMEOUT_MS = 300_000;
const FOUNDERS = ["North", "East", "South", "West"];
/** Short epochs, so that several pass; a lonely heartbeat, because the load alone makes blocks. */
const PARAMETERS = { epochLengthHeights: 20, ceremonyWindowHeights: 20, deltaMs: 1_000, heartbeatMs: 5_000 };
const BUNDLE = {
  resourceType: "Bundle",
  type: "collection",
  entry: [
    {
      fullUrl: "urn:uuid:5f1c7a52-0000-4000-8000-0000000000bb",
      resource: {
        resourceType: "Observation",
        meta: { tag: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActReason", code: "HTEST" }] },
        status: "final",
        category: [{ coding: [{ code: "laboratory" }] }],
        code: { text: "synthetic" },
      },
    },
  ],
};

/** Transactions of one member, one after the other, each waited for: work for the chain, and something to lose. */
class Load {
  readonly sent: views.MemberActView[] = [];
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(nodes: LocalNodes, member: string) {
    this.#done = this.#run(nodes, member);
  }

  async #run(nodes: LocalNodes, member: string): Promise<void> {
    while (!this.#stopped) this.sent.push(await nodes.as(member, "vote", `${member}=1000`));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

describe("validators join, leave and are replaced while records are shared", () => {
  const nodes = new LocalNodes();
  let load: Load;
  let grantId: string;
  let openedFirst: string;

  const validatorsOf = async (member: string): Promise<string[]> => {
    const { delegates } = await nodes.as<views.DelegatesView>(member, "delegates");
    return delegates.map(({ name }) => name).sort();
  };
  /** Resolves once the epoch at work has these validators, as one node sees it. */
  const seated = (member: string, names: readonly string[]) =>
    nodes.node(member).alliance.waitFor(
      () => {
        const state = nodes.node(member).alliance.state();
        const set = queries.validators(state, queries.presentEpoch(state));
        const found = set.map((node) => new TextDecoder().decode(queries.memberOf(state, node)!.name)).sort();
        return found.join() === [...names].sort().join() ? true : undefined;
      },
      { timeoutMs: STEP_TIMEOUT_MS },
    );
  const open = async (member: string, folder: string): Promise<string> => {
    const as = nodes.person("clinician", member);
    const opened = await nodes.json<{ records: { sha256: string }[] }>(
      ...["access", "open", "--grant", grantId, "--out", nodes.path(folder), ...as],
    );
    expect(opened.records).toHaveLength(1);
    return opened.records[0]!.sha256;
  };

  beforeAll(async () => {
    await nodes.found(FOUNDERS, PARAMETERS);
    await Promise.all(FOUNDERS.map((name) => nodes.start(name)));
    load = new Load(nodes, "North");
  }, STEP_TIMEOUT_MS);
  afterAll(async () => {
    await load?.stop();
    await nodes.remove();
  }, STEP_TIMEOUT_MS);

  it(
    "shares a record under the founders",
    async () => {
      const { alliance } = nodes.node("North");
      const serves = () => {
        const both = [Purpose.keyCentre, Purpose.proxy].map((each) =>
          queries.activeCommittee(alliance.state(), each),
        );
        return both.every((each) => each !== undefined) ? true : undefined;
      };
      await alliance.waitFor(serves, { timeoutMs: STEP_TIMEOUT_MS });
      const enroll = async (role: string, person: string, member: string) => {
        const as = nodes.person(person, member);
        const args = ["user", "enroll", "--role", role, ...as, "--admin-config", nodes.configOf(member)];
        return (await nodes.json<{ account: string }>(...args)).account;
      };
      const owner = await enroll("owner", "patient", "North");
      const recipient = await enroll("recipient", "clinician", "South");
      writeFileSync(nodes.path("bundle.json"), JSON.stringify(BUNDLE));
      await nodes.as("North", "record", "import", "--bundle", nodes.path("bundle.json"), "--owner", owner);
      const grant = [
        "grant",
        "create",
        "--recipient",
        recipient,
        "--type",
        "laboratory",
        "--purpose",
        "TREAT",
      ];
      ({ grantId } = await nodes.json<{ grantId: string }>(...grant, ...nodes.person("patient", "North")));
      openedFirst = await open("South", "first");
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "keeps a newcomer outside that nobody admitted, and it says so",
    async () => {
      const passphraseFile = nodes.path("centre.passphrase");
      writeFileSync(passphraseFile, "passphrase of the centre\n", { mode: 0o600 });
      const dir = nodes.path("c", "centre");
      await nodes.json(
        ...["init", "--dir", dir, "--name", "Centre", "--passphrase-file", passphraseFile],
        ...["--keystore-cost", "32768"],
      );
      const peers = nodes.alliance!.members.map(({ name }) => nodes.node(name).addresses[0]!);
      const file = nodes.configOf("Centre");
      const config = readFileSync(file, "utf8")
        .replace("genesisFile: genesis.json", "genesisFile: ../genesis.json")
        .replace(/peers: \[\]/, `peers: ${JSON.stringify(peers)}`)
        .replace("mode: blocks", "mode: state");
      writeFileSync(file, config);
      await nodes.start("Centre");
      const status = await nodes.as<views.StatusView>("Centre", "status");
      expect(status).toMatchObject({ name: "Centre", membership: "awaited" });
      expect((await nodes.run("status", "--config", file)).out).toContain("not a member yet");
      expect(nodes.node("North").alliance.status().peers).not.toContain(status.node);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "admits it with two thirds of the stake, and it stands for election by itself",
    async () => {
      const member = ["--file", nodes.path("c", "centre", "member.json"), "--stake", "1000"];
      const { proposal } = await nodes.as<{ proposal: string }>(
        "North",
        "member",
        "propose",
        "admit",
        ...member,
      );
      await nodes.as("East", "member", "approve", proposal.slice(0, 8));
      const waiting = await nodes.as<views.ProposalsView>("East", "member", "proposals");
      expect(waiting.proposals[0]).toMatchObject({ id: proposal, action: "admit", status: "open" });
      await nodes.as("South", "member", "approve", proposal);
      await nodes.as("West", "candidate", "resign");
      const centre = nodes.node("Centre");
      const isReady = () => {
        const state = centre.alliance.state();
        const candidate = queries.candidate(state, Buffer.from(centre.nodeId, "hex"));
        return (candidate?.readyEpoch ?? null) === null ? undefined : true;
      };
      await centre.alliance.waitFor(isReady, { timeoutMs: STEP_TIMEOUT_MS });
      const { proposals } = await nodes.as<views.ProposalsView>("Centre", "member", "proposals");
      expect(proposals[0]).toMatchObject({ id: proposal, status: "applied" });
      const { members } = await nodes.as<views.MembersView>("Centre", "members");
      expect(members.map(({ name }) => name)).toEqual([...FOUNDERS, "Centre"]);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "seats it in place of the one who resigned, and both still serve",
    async () => {
      await seated("North", ["Centre", "East", "North", "South"]);
      await seated("Centre", ["Centre", "East", "North", "South"]);
      const centre = nodes.node("Centre").alliance;
      const votes = () => (centre.counters.votesSigned > 0 ? true : undefined);
      await centre.waitFor(votes, { timeoutMs: STEP_TIMEOUT_MS });
      expect(centre.status().role).toBe("voting");
      expect(nodes.node("West").alliance.status()).toMatchObject({ followReason: "NOT_A_VALIDATOR" });
      const committee = await fetch(`${nodes.node("West").apiUrl}/v1/status`);
      expect((await committee.json()).proxyIndex).toBeGreaterThan(0);
      expect(await open("Centre", "second")).toBe(openedFirst);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "takes back the one who stands again, in place of a member that the others expel",
    async () => {
      await nodes.as("West", "candidate", "register");
      const { proposal } = await nodes.as<{ proposal: string }>(
        "North",
        "member",
        "propose",
        "expel",
        "East",
      );
      for (const member of ["South", "West", "Centre"])
        await nodes.as(member, "member", "approve", proposal.slice(0, 12));
      await seated("Centre", ["Centre", "North", "South", "West"]);
      await seated("West", ["Centre", "North", "South", "West"]);
      expect(await validatorsOf("West")).toEqual(["Centre", "North", "South", "West"]);
      const east = toHex(Buffer.from(nodes.node("East").nodeId, "hex"));
      await nodes
        .node("North")
        .alliance.waitFor(
          () => (nodes.node("North").alliance.status().peers.includes(east) ? undefined : true),
          { timeoutMs: STEP_TIMEOUT_MS },
        );
      const { members } = await nodes.as<views.MembersView>("North", "members");
      expect(members.map(({ name }) => name)).not.toContain("East");
      const refused = await nodes.run("vote", "--none", "--config", nodes.configOf("East"), "--json");
      expect(refused.code).toBe(1);
      // The proxies that hold the key serve on: three of them are left.
      expect(await open("Centre", "third")).toBe(openedFirst);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "has lost no transaction and has no gap: one history on all nodes, with everything that was final",
    async () => {
      await load.stop();
      expect(load.sent.length).toBeGreaterThan(20);
      const ports = portablePorts(await createCryptoPool());
      const { height } = nodes.node("North").alliance.finalized();
      for (const member of ["North", "South", "West", "Centre"]) {
        const node = nodes.node(member);
        const reached = () => (node.alliance.finalized().height >= height ? true : undefined);
        await node.alliance.waitFor(reached, { timeoutMs: STEP_TIMEOUT_MS });
      }
      const [north, centre] = ["North", "Centre"].map(
        (member) => new HttpApi({ baseUrls: [nodes.node(member).apiUrl], ports, retryForMs: 0 }),
      );
      const found = new Map<string, number>();
      let parent: string | undefined;
      for (let at = 1; at <= height; at++) {
        const block = await north!.call(routes.block, { height: at });
        if (parent !== undefined) expect(block.parentDigest).toBe(parent);
        parent = block.digest;
        for (const id of block.transactions) {
          expect(found.has(id)).toBe(false);
          found.set(id, at);
        }
      }
      expect(load.sent.map(({ transaction }) => found.get(transaction))).toEqual(
        load.sent.map((each) => each.height),
      );
      expect((await centre!.call(routes.block, { height })).digest).toBe(parent);
    },
    STEP_TIMEOUT_MS,
  );
});
