import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  AuditEntry,
  CeremoniesView,
  GrantSummary,
  HospitalRecordView,
  ImportResult,
  InboxEntry,
  RecordView,
  StatusView,
} from "@consilium/client";
import { fromHex, toHex } from "@consilium/crypto";
import { prefixedStore } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import { ChainKind, digestOf } from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChainStore } from "../../../driver/src/store/chain-store.js";
import { until } from "../../src/cli/demo/node-process.js";
import type { Alliance, AllianceMember } from "../../src/config/index.js";
import { openLevelStore } from "../../src/storage/index.js";
import { CommandLine, type StartedFacts } from "./command-line.js";

const STEP_TIMEOUT_MS = 300_000;
const STOP_MS_MAX = 5_000;
const HOUR_MS = 3_600_000;
const HOSPITALS = ["North", "East", "South", "West"];
const BUNDLE = fileURLToPath(new URL("../../../client/fixtures/synthetic-bundle.json", import.meta.url));
const HEX_32 = /^[0-9a-f]{64}$/;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface OpenedJson {
  readonly grantId: string;
  readonly requestId: string;
  readonly type: string;
  readonly height: number;
  readonly records: readonly {
    readonly recordId: string;
    readonly author: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly files: readonly {
      readonly file: string;
      readonly fullUrl: string;
      readonly sizeBytes: number;
      readonly sha256: string;
    }[];
  }[];
  readonly proxies: readonly { readonly index: number; readonly name: string; readonly outcome: string }[];
}

describe("the commands, one after the other on four real nodes", () => {
  const cli = new CommandLine();
  const started: StartedFacts[] = [];
  let north: AllianceMember;
  let south: AllianceMember;
  let founded: Omit<Alliance, "genesis">;
  let owner: string;
  let recipient: string;
  let imported: ImportResult;
  let requestId: string;
  let grantId: string;
  let opened: OpenedJson;

  /** The options that say who acts: a wallet, its passphrase and the API of the person's hospital. */
  const as = (person: "patient" | "clinician"): string[] => {
    const passphraseFile = cli.path(`${person}.passphrase`);
    writeFileSync(passphraseFile, `passphrase of the ${person}\n`, { mode: 0o600 });
    const { apiUrl } = person === "patient" ? north : south;
    return ["--api", apiUrl, "--wallet", cli.path(`${person}.wallet`), "--passphrase-file", passphraseFile];
  };
  const laboratory = () => imported.records.find(({ type }) => type === "laboratory")!;

  beforeAll(async () => {
    expect(await CommandLine.compile()).toMatch(/^\d+\.\d+\.\d+/);
  }, STEP_TIMEOUT_MS);
  afterAll(() => cli.remove(), STEP_TIMEOUT_MS);

  it(
    "init founds an alliance, and run again changes nothing",
    async () => {
      const alliance = HOSPITALS.flatMap((name) => ["--alliance", name]);
      const args = ["init", "--dir", cli.path("c"), ...alliance];
      args.push("--preset", "devnet", "--keystore-cost", "32768");
      founded = await cli.json(...args);
      expect(founded.created).toBe(true);
      expect(founded.chainId).toMatch(HEX_32);
      expect(founded.members.map(({ name }) => name)).toEqual(HOSPITALS);
      for (const { configFile, nodeId } of founded.members) {
        expect(existsSync(configFile)).toBe(true);
        expect(nodeId).toMatch(HEX_32);
      }
      expect(await cli.json(...args)).toEqual({ ...founded, created: false });
      [north, , south] = founded.members as [AllianceMember, AllianceMember, AllianceMember];
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "start runs each node and says once it is up where it serves",
    async () => {
      started.push(...(await Promise.all(founded.members.map(({ configFile }) => cli.start(configFile)))));
      const facts = started.map(({ node, api }) => ({ nodeId: node, apiUrl: api }));
      expect(facts).toEqual(founded.members.map(({ nodeId, apiUrl }) => ({ nodeId, apiUrl })));
      expect(new Set(started.map(({ pid }) => pid)).size).toBe(HOSPITALS.length);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "ceremony status shows both keys as serving, held by all four",
    async () => {
      const { ceremonies } = await until("both key ceremonies", STEP_TIMEOUT_MS, async () => {
        const view = await cli.json<CeremoniesView>("ceremony", "status", "--config", north.configFile);
        const serving = view.ceremonies.filter(({ state }) => state === "SERVING");
        return serving.length === 2 ? view : undefined;
      });
      const serving = ceremonies.filter(({ state }) => state === "SERVING");
      expect(serving.map(({ purpose }) => purpose).sort()).toEqual(["key-centre", "proxy"]);
      for (const { keyNo, threshold, members, deals, confirms, abortCode } of serving) {
        expect({ keyNo, threshold, members: members.length }).toEqual({ keyNo: 1, threshold: 3, members: 4 });
        expect(deals.length).toBeGreaterThanOrEqual(threshold);
        expect(confirms.length).toBeGreaterThanOrEqual(threshold);
        expect(abortCode).toBeNull();
      }
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "status names chains, peers and seats, and keys lists the keystores without a passphrase",
    async () => {
      const status = await cli.json<StatusView>("status", "--api", north.apiUrl);
      expect({ node: status.node, name: status.name }).toEqual({ node: north.nodeId, name: "North" });
      expect(status.alliance.chainId).toBe(founded.chainId);
      expect(status.alliance.finalizedHeight).toBeGreaterThan(0);
      for (const chain of [status.alliance, status.private]) expect(chain.stateRoot).toMatch(HEX_32);
      expect(status.private.chainId).not.toBe(founded.chainId);
      expect(status.peers.map(({ name }) => name).sort()).toEqual(["East", "South", "West"]);
      expect([1, 2, 3, 4]).toContain(status.keyCentreIndex);
      expect([1, 2, 3, 4]).toContain(status.proxyIndex);

      const keys = await cli.json<{
        peerId: string;
        keystores: { name: string; kind: string; publicPart: string }[];
      }>("keys", "--config", north.configFile);
      expect(keys.peerId).toBe(north.peerId);
      const node = keys.keystores.find(({ name }) => name === "node");
      expect(node).toEqual({ name: "node", kind: "ed25519", publicPart: north.nodeId });
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "user enroll gives an owner the key of every type, and a recipient one user key",
    async () => {
      const enroll = (role: string, member: AllianceMember, person: "patient" | "clinician") =>
        cli.json<{
          account: string;
          role: string;
          member: string;
          memberName: string;
          faults: unknown[];
          collected?: string[];
        }>("user", "enroll", "--role", role, "--admin-config", member.configFile, ...as(person));
      const [patient, clinician] = await Promise.all([
        enroll("owner", north, "patient"),
        enroll("recipient", south, "clinician"),
      ]);
      expect(patient).toMatchObject({ role: "owner", member: north.nodeId, memberName: "North", faults: [] });
      expect(patient.collected).toContain("laboratory");
      expect(clinician).toMatchObject({ role: "recipient", member: south.nodeId, memberName: "South" });
      expect(clinician.faults).toEqual([]);
      for (const account of [patient.account, clinician.account]) expect(account).toMatch(HEX_32);
      owner = patient.account;
      recipient = clinician.account;
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "record import enters every resource of the bundle, and run again enters nothing",
    async () => {
      const args = ["record", "import", "--bundle", BUNDLE, "--owner", owner, "--config", north.configFile];
      imported = await cli.json(...args);
      const { entry } = JSON.parse(readFileSync(BUNDLE, "utf8")) as { entry: unknown[] };
      const resources = imported.records.reduce((sum, { resourceCount }) => sum + resourceCount, 0);
      expect(resources).toBe(entry.length);
      for (const record of imported.records) {
        expect(record.recordId).toMatch(HEX_32);
        expect(record.sha256).toMatch(HEX_32);
        expect(record.height).toBeGreaterThan(0);
        expect(record.privateHeight).toBeGreaterThan(0);
        expect(record.isOld).toBe(false);
      }
      const again = await cli.json<ImportResult>(...args);
      expect(again.records).toEqual(imported.records.map((record) => ({ ...record, isOld: true })));
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "record list shows the owner, and the hospital, what was imported",
    async () => {
      const [own, hospital] = await Promise.all([
        cli.json<{ records: (RecordView & { type: string })[] }>("record", "list", ...as("patient")),
        cli.json<{ records: HospitalRecordView[] }>("record", "list", "--config", north.configFile),
      ]);
      const facts = imported.records.map(({ recordId, type, height }) => ({ recordId, type, height }));
      expect(own.records.map(({ recordId, type, height }) => ({ recordId, type, height }))).toEqual(facts);
      for (const { status, owner: whose } of own.records) expect([status, whose]).toEqual(["live", owner]);
      const heights = imported.records.map(({ recordId, privateHeight, height }) => ({
        ...{ recordId, privateHeight, indexHeight: height },
      }));
      expect(
        hospital.records.map(({ recordId, privateHeight, indexHeight }) => ({
          ...{ recordId, privateHeight, indexHeight },
        })),
      ).toEqual(heights);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "access request reaches the owner's grant list, readable",
    async () => {
      const question = ["--type", "lab", "--purpose", "TREAT", "--note", "Knee surgery on Monday"];
      const asked = await cli.json<{ id: string; height: number; type: string }>(
        ...["access", "request", "--owner", owner, ...question, ...as("clinician")],
      );
      expect(asked).toMatchObject({ owner, type: "laboratory", purpose: "TREAT" });
      const list = await cli.json<{ grants: GrantSummary[]; requests: InboxEntry[] }>(
        ...["grant", "list", ...as("patient")],
      );
      expect(list.grants).toEqual([]);
      expect(list.requests).toHaveLength(1);
      expect(list.requests[0]).toMatchObject({
        ...{ id: asked.id, requester: recipient, memberName: "South", height: asked.height },
        ...{ type: "laboratory", purpose: "TREAT", note: "Knee surgery on Monday" },
      });
      requestId = asked.id;
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "grant create answers the request by the first digits of its id, and both see the grant",
    async () => {
      const beforeMs = Date.now();
      const done = await cli.json<{ grantId: string; height: number; expiryMs: number }>(
        ...["grant", "create", "--request", requestId.slice(0, 8), "--hours", "24", ...as("patient")],
      );
      expect(done).toMatchObject({ recipient, type: "laboratory", purpose: "TREAT", hours: 24 });
      expect(Math.abs(done.expiryMs - beforeMs - 24 * HOUR_MS)).toBeLessThan(HOUR_MS);
      ({ grantId } = done);
      const lists = await Promise.all(
        (["patient", "clinician"] as const).map((person) =>
          cli.json<{ grants: GrantSummary[] }>("grant", "list", ...as(person)),
        ),
      );
      const facts = { grantId, owner, recipient, purpose: "TREAT", state: "active" };
      const { expiryMs, height } = done;
      expect(lists[0]!.grants).toMatchObject([{ ...facts, expiryMs, height, type: "laboratory" }]);
      // The type is sealed to the recipient, who has not opened the grant yet.
      expect(lists[1]!.grants).toMatchObject([{ ...facts, expiryMs, height, type: null }]);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "access open writes each resource with the bytes it has in the bundle",
    async () => {
      const out = cli.path("opened");
      opened = await cli.json(
        "access",
        "open",
        "--grant",
        grantId.slice(0, 8),
        "--out",
        out,
        ...as("clinician"),
      );
      expect(opened).toMatchObject({ grantId, type: "laboratory" });
      expect(opened.records).toHaveLength(1);
      const { recordId, author, sha256: digest, sizeBytes, files } = opened.records[0]!;
      expect({ recordId, author, digest, sizeBytes }).toEqual({
        ...{ recordId: laboratory().recordId, author: north.nodeId },
        ...{ digest: laboratory().sha256, sizeBytes: laboratory().sizeBytes },
      });
      expect(files).toHaveLength(laboratory().resourceCount);
      const bundle = readFileSync(BUNDLE);
      const { entry } = JSON.parse(bundle.toString()) as { entry: { fullUrl: string; resource: unknown }[] };
      for (const each of files) {
        expect(each.file.startsWith(out)).toBe(true);
        const bytes = readFileSync(each.file);
        expect({ sizeBytes: bytes.length, sha256: sha256(bytes) }).toEqual({
          ...{ sizeBytes: each.sizeBytes, sha256: each.sha256 },
        });
        expect(bundle.includes(bytes)).toBe(true);
        const original = entry.find(({ fullUrl }) => fullUrl === each.fullUrl);
        expect(JSON.parse(bytes.toString())).toEqual(original?.resource);
      }
      expect(opened.proxies.filter(({ outcome }) => outcome === "good").length).toBeGreaterThanOrEqual(3);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "grant revoke ends the grant: access open is refused, writes nothing, and exits with 1",
    async () => {
      const revoked = await cli.json<{ grantId: string; height: number }>(
        ...["grant", "revoke", grantId.slice(0, 8), ...as("patient")],
      );
      expect(revoked.grantId).toBe(grantId);
      expect(revoked.height).toBeGreaterThan(opened.height);
      const out = cli.path("refused");
      const end = await cli.run(
        "access",
        "open",
        "--grant",
        grantId,
        "--out",
        out,
        ...as("clinician"),
        "--json",
      );
      expect({ exitCode: end.exitCode, stderr: end.stderr }).toEqual({ exitCode: 1, stderr: "" });
      const { error } = JSON.parse(end.stdout) as { error: { code: string; message: string } };
      expect(error.code).toBe("GRANT_INACTIVE");
      expect(error.message).not.toBe("");
      expect(existsSync(out)).toBe(false);
      const { grants } = await cli.json<{ grants: GrantSummary[] }>("grant", "list", ...as("clinician"));
      expect(grants).toMatchObject([{ grantId, type: "laboratory", state: "revoked" }]);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "audit shows the owner the one opening, and wrong usage exits with 2",
    async () => {
      const { accesses } = await cli.json<{ accesses: AuditEntry[] }>("audit", ...as("patient"));
      expect(accesses).toHaveLength(1);
      expect(accesses[0]).toMatchObject({
        ...{ requestId: opened.requestId, grantId, recipient, memberName: "South" },
        ...{ type: "laboratory", purpose: "TREAT", recordIds: [laboratory().recordId] },
        height: opened.height,
      });
      const end = await cli.run("grant", "create", "--hours", "24", ...as("patient"), "--json");
      expect(end.exitCode).toBe(2);
      expect((JSON.parse(end.stdout) as { error: { code: string } }).error.code).toBe("USAGE");
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "a signal stops each node within five seconds, with exit code 0",
    async () => {
      const ends = await cli.stop(["SIGTERM", "SIGINT"]);
      expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
      for (const { durationMs } of ends) expect(durationMs).toBeLessThan(STOP_MS_MAX);
    },
    STEP_TIMEOUT_MS,
  );

  it(
    "every other hospital holds the anchor of the private chain that the import filled",
    async () => {
      const own = await openLevelStore(join(north.dataDir, "chain"));
      const privateChain = new ChainStore(prefixedStore(own, Uint8Array.of(ChainKind.private)));
      const lastPut = Math.max(...imported.records.map(({ privateHeight }) => privateHeight));
      for (const { dataDir } of founded.members.filter(({ name }) => name !== "North")) {
        const store = await openLevelStore(join(dataDir, "chain"));
        const state = prefixedStore(store, Uint8Array.of(ChainKind.alliance));
        const anchor = queries.anchorOfMember(state, fromHex(north.nodeId));
        await store.close();
        expect(anchor?.height).toBeGreaterThanOrEqual(lastPut);
        const block = privateChain.block(anchor!.height);
        expect(toHex(anchor!.digest)).toBe(toHex(digestOf(block!.header)));
      }
      await own.close();
    },
    STEP_TIMEOUT_MS,
  );
});
