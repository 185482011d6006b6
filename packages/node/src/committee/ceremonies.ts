import {
  ConsiliumError,
  type CryptoPool,
  codeOf,
  DKG_ENCRYPTION_KEY_SIZE_BYTES,
  type DkgPurpose,
  type DkgState,
  type DkgTestShare,
  dkgDealRandomSizeBytes,
  dkgDrawDealSecrets,
  dkgMakeSwitch,
  equalBytes,
  fromHex,
  type NonceSource,
  SCALAR_RANDOM_SIZE_BYTES,
  scalarFromRandom,
  toHex,
} from "@consilium/crypto";
import { type CeremonyAct, type Chain, ceremonyView, decideCeremony, purposeNames } from "@consilium/driver";
import { plannedCeremony, queries } from "@consilium/ledger";
import {
  CeremonyAnnounce,
  CeremonyEk,
  CeremonyMessage,
  decodeStrict,
  type HexId,
  type Log,
  Purpose,
  type Random,
  RequestProtocol,
  type Store,
  SwitchShareRequest,
  SwitchShareResponse,
  TransactionKind,
  type Transport,
} from "@consilium/protocol";
import { awaitState, type TransactionSender } from "../records/index.js";
import { dealStore } from "./deal-store.js";
import type { CommitteeSecrets } from "./secrets.js";

export interface CeremonyPorts {
  readonly chain: Chain;
  readonly pool: CryptoPool;
  readonly sender: Pick<TransactionSender, "send">;
  readonly secrets: CommitteeSecrets;
  /** Services' own part of the database: public deals, kept so that a crash never makes a second one. */
  readonly store: Store;
  readonly transport: Pick<Transport, "request">;
  readonly nodeKey: Uint8Array;
  readonly random: Random;
  readonly log: Log;
}

const PURPOSES = [Purpose.keyCentre, Purpose.proxy] as const;
const SHARE_TIMEOUT_MS = 5_000;
/** Heights that an act which failed waits before it is tried again. */
const RETRY_HEIGHTS = 3;

/**
 * Carries out what `decideCeremony` names after every finalized block. Each purpose goes its own way; an act runs at
 * most once at a time, and whatever it makes is durable before it is sent.
 */
export class CeremonyService {
  readonly #judged = new Map<HexId, Map<number, "good" | "bad">>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #retryHeight = new Map<string, number>();
  readonly #deals: ReturnType<typeof dealStore>;
  #unsubscribe: () => void = () => {};

  constructor(private readonly ports: CeremonyPorts) {
    this.#deals = dealStore(ports.store);
  }

  start(): void {
    this.#unsubscribe = this.ports.chain.onFinalized(() => this.review());
    this.review();
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Resolves when every act that runs now is over, whatever came of it. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Looks at both purposes and starts what is due. */
  review(): void {
    for (const purpose of PURPOSES) {
      const view = ceremonyView(this.ports.chain.state(), purpose, this.ports.nodeKey);
      const memory = {
        dealingKeys: this.ports.secrets.dealingKeys(purpose),
        shares: this.ports.secrets.sessions(purpose),
        judged: this.#judged.get(view.run?.sessionId ?? "") ?? new Map(),
      };
      for (const act of decideCeremony(view, memory)) this.#begin(purpose, act, view.height);
    }
  }

  #begin(purpose: Purpose, act: CeremonyAct, height: number): void {
    const name = `${purpose}:${act.key}`;
    if (this.#underWay.has(name) || height < (this.#retryHeight.get(name) ?? 0)) return;
    const facts = { purpose: purposeNames[purpose], act: act.key };
    const done = this.#perform(purpose, act)
      .then(() => {
        this.#retryHeight.delete(name);
        this.ports.log.info(facts, "ceremony.act-done");
      })
      .catch((error: unknown) => {
        this.#retryHeight.set(name, this.ports.chain.finalized().height + RETRY_HEIGHTS);
        this.ports.log.warn({ ...facts, code: codeOf(error), error }, "ceremony.act-failed");
      })
      .finally(() => void this.#underWay.delete(name));
    this.#underWay.set(name, done);
  }

  async #perform(purpose: Purpose, act: CeremonyAct): Promise<void> {
    switch (act.kind) {
      case "register-key": {
        const message = await this.#spareDealingKey(purpose);
        return this.#send(TransactionKind.ceremonyEk, CeremonyEk.serialize({ purpose, message }));
      }
      case "announce":
        return this.#announce(purpose);
      case "deal":
        return this.#deal(act.sessionId, act.index);
      case "judge":
        return this.#judge(purpose, act.sessionId, act.index, act.dealers);
      case "dispute":
        return this.#dispute(purpose, act.sessionId, act.index, act.dealer);
      case "confirm":
        return this.#confirm(purpose, act.sessionId, act.index);
      case "switch":
        return this.#switch(purpose, act.sessionId);
      case "erase-share":
        return this.ports.secrets.eraseShare(purpose, act.sessionId);
      case "erase-dealing-key":
        return this.ports.secrets.eraseDealingKey(purpose, act.dealingKey);
    }
  }

  /** The registration (112 bytes) of a dealing key that is held and used nowhere; a new one is durable before it returns. */
  async #spareDealingKey(purpose: Purpose): Promise<Uint8Array> {
    const { secrets, random, pool, chain, nodeKey } = this.ports;
    const view = ceremonyView(chain.state(), purpose, nodeKey);
    const inUse = [view.registeredDealingKey, view.run?.ownDealingKey];
    const spare = [...secrets.dealingKeys(purpose)].find((key) => !inUse.includes(key));
    const kept = spare === undefined ? undefined : secrets.dealingSecret(purpose, spare);
    const secret = kept ?? freshScalar(random);
    const owner = { chain: chain.chainId, purpose, nodeId: nodeKey };
    const nonce = { random: random.bytes(32) };
    const message = await pool.run("dkgMakeEncryptionKey", { owner, secret, nonce });
    if (kept === undefined) {
      await secrets.addDealingKey(purpose, message.slice(0, DKG_ENCRYPTION_KEY_SIZE_BYTES), secret);
    }
    return message;
  }

  async #announce(purpose: Purpose): Promise<void> {
    const { chain } = this.ports;
    const plan = plannedCeremony(chain.state(), purpose, chain.finalized().height + 1);
    if (!plan.due) return;
    const { mode, keyNo, epoch: shareEpoch, attempt } = plan.params;
    const payload = CeremonyAnnounce.serialize({ purpose, mode, keyNo, shareEpoch, attempt });
    await this.#send(TransactionKind.ceremonyAnnounce, payload);
  }

  /** A second, different deal would be punished, so the first is on disk before anyone sees it. */
  async #deal(sessionId: HexId, index: number): Promise<void> {
    const { pool, random } = this.ports;
    let body = this.#deals.get(sessionId);
    if (body === undefined) {
      const { params } = this.#run(sessionId);
      const drawn = random.bytes(dkgDealRandomSizeBytes(params));
      const secrets = dkgDrawDealSecrets(params, drawn);
      try {
        body = await pool.run("dkgMakeDeal", { params, dealer: index, secrets });
      } finally {
        // Whoever reads a coefficient later, or the randomness it came from, learns what this deal shared.
        for (const secret of [drawn, ...secrets.coefficients, secrets.ephemeralSecret]) secret.fill(0);
        for (const nonce of [secrets.coefficientNonce, secrets.ephemeralNonce]) erase(nonce);
      }
      await this.#deals.put(sessionId, body);
    }
    await this.#sendMessage(TransactionKind.ceremonyDeal, body);
  }

  async #judge(
    purpose: Purpose,
    sessionId: HexId,
    member: number,
    dealers: readonly number[],
  ): Promise<void> {
    const state = this.#run(sessionId);
    const encryptionSecret = this.#runSecret(purpose, state, member);
    const wrong = await this.ports.pool.run("dkgWrongShares", { state, member, encryptionSecret });
    const found = this.#judged.get(sessionId) ?? new Map<number, "good" | "bad">();
    for (const dealer of dealers)
      found.set(dealer, wrong.some((deal) => deal.dealer === dealer) ? "bad" : "good");
    // Only the newest run of a purpose is judged; older findings are of no use.
    for (const other of this.#judged.keys()) if (!this.#isNewest(other)) this.#judged.delete(other);
    this.#judged.set(sessionId, found);
    this.review();
  }

  async #dispute(purpose: Purpose, sessionId: HexId, member: number, dealer: number): Promise<void> {
    const state = this.#run(sessionId);
    const deal = state.deals.find((each) => each.dealer === dealer)?.body;
    if (deal === undefined) return;
    const encryptionSecret = this.#runSecret(purpose, state, member);
    const nonce = { random: this.ports.random.bytes(32) };
    const body = await this.ports.pool.run("dkgMakeDispute", {
      state,
      member,
      encryptionSecret,
      deal,
      nonce,
    });
    await this.#sendMessage(TransactionKind.ceremonyDispute, body);
  }

  /** Share and next dealing key are durable before the chain hears that this node has them. */
  async #confirm(purpose: Purpose, sessionId: HexId, member: number): Promise<void> {
    const { pool, secrets, random } = this.ports;
    const state = this.#run(sessionId);
    const { params, result } = state;
    if (result === null) return;
    const encryptionSecret = this.#runSecret(purpose, state, member);
    const share = await pool.run("dkgFinalShare", { state, member, encryptionSecret });
    await secrets.addShare(purpose, {
      sessionId,
      keyNo: params.keyNo,
      shareEpoch: params.epoch,
      index: member,
      share,
      verificationKey: result.verificationKeys[member - 1]!,
    });
    const nextEncryptionKey = await this.#spareDealingKey(purpose);
    const nonce = { random: random.bytes(32) };
    const confirm = { member, transcript: result.transcript, share, nextEncryptionKey, nonce };
    await this.#sendMessage(
      TransactionKind.ceremonyConfirm,
      await pool.run("dkgMakeConfirm", { params, confirm }),
    );
  }

  async #switch(purpose: Purpose, sessionId: HexId): Promise<void> {
    const state = this.#run(sessionId);
    const { pool } = this.ports;
    const answers = await Promise.all(
      state.params.members.map(async ({ nodeId }, place) => {
        try {
          const testShare = await this.#testShareOf(purpose, state, nodeId, place + 1);
          await pool.run("dkgCheckTestShare", { state, testShare });
          return testShare;
        } catch (error) {
          this.ports.log.debug({ node: toHex(nodeId), code: codeOf(error) }, "ceremony.test-share-missing");
          return undefined;
        }
      }),
    );
    const good = answers.filter((answer) => answer !== undefined);
    await this.#sendMessage(TransactionKind.ceremonySwitch, dkgMakeSwitch(state, good));
  }

  async #testShareOf(
    purpose: Purpose,
    state: DkgState,
    nodeId: Uint8Array,
    index: number,
  ): Promise<DkgTestShare> {
    if (equalBytes(nodeId, this.ports.nodeKey)) return this.#ownTestShare(purpose, state);
    const body = SwitchShareRequest.serialize({ sessionId: state.sid });
    const answer = await this.ports.transport.request(toHex(nodeId), RequestProtocol.switchShare, body, {
      timeoutMs: SHARE_TIMEOUT_MS,
    });
    const response = decodeStrict(SwitchShareResponse, answer, "switch share response");
    return { index, answer: response.answer };
  }

  async #ownTestShare(purpose: Purpose, state: DkgState): Promise<DkgTestShare> {
    const held = this.ports.secrets.shareOfSession(purpose, toHex(state.sid));
    if (held === undefined) {
      throw new ConsiliumError(
        "CEREMONY_NO_SHARE",
        "This node has no share of this run; ask the other members.",
      );
    }
    const nonce = { random: this.ports.random.bytes(32) };
    return this.ports.pool.run("dkgMakeTestShare", { state, member: held.index, share: held.share, nonce });
  }

  /**
   * switch-share/1: this member's answer to the public test of a finished run. Its inputs are made up, so it tells
   * nothing about a record or a user.
   * @throws ConsiliumError `DKG_WRONG_SID`, `DKG_WRONG_PHASE`, `CEREMONY_NO_SHARE`.
   */
  async serveSwitchShare(encoded: Uint8Array): Promise<Uint8Array> {
    const { sessionId } = decodeStrict(SwitchShareRequest, encoded, "switch share request");
    await awaitState(
      this.ports.chain,
      (state) => queries.ceremonyState(state, sessionId)?.phase === "ACTIVE",
    );
    const state = this.#run(toHex(sessionId));
    const { purpose } = state.params;
    const { index, answer } = await this.#ownTestShare(purpose, state);
    return SwitchShareResponse.serialize({ purpose, index, answer });
  }

  #run(sessionId: HexId): DkgState {
    const state = queries.ceremonyState(this.ports.chain.state(), fromHex(sessionId));
    if (state !== undefined) return state;
    throw new ConsiliumError("DKG_WRONG_SID", "No run with this session id is known here.", { sessionId });
  }

  #isNewest(sessionId: HexId): boolean {
    const state = this.ports.chain.state();
    return PURPOSES.some((purpose) => {
      const run = queries.lastCeremony(state, purpose);
      return run !== undefined && toHex(run.sessionId) === sessionId;
    });
  }

  /** e_j of the dealing key that the run froze for this member. */
  #runSecret(purpose: DkgPurpose, state: DkgState, member: number): Uint8Array {
    const key = toHex(state.params.members[member - 1]!.encryptionKey);
    const secret = this.ports.secrets.dealingSecret(purpose, key);
    if (secret !== undefined) return secret;
    throw new ConsiliumError(
      "CEREMONY_KEY_LOST",
      "The dealing key's keystore is gone; this node joins the next run.",
    );
  }

  #sendMessage(kind: TransactionKind, body: Uint8Array): Promise<void> {
    return this.#send(kind, CeremonyMessage.serialize({ body }));
  }

  async #send(kind: TransactionKind, payload: Uint8Array): Promise<void> {
    await this.ports.sender.send(kind, payload);
  }
}

function freshScalar(random: Random): Uint8Array {
  const drawn = random.bytes(SCALAR_RANDOM_SIZE_BYTES);
  const scalar = scalarFromRandom(drawn);
  drawn.fill(0);
  return scalar;
}

function erase(nonce: NonceSource): void {
  for (const secret of Object.values(nonce)) if (secret instanceof Uint8Array) secret.fill(0);
}
