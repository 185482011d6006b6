import {
  ConsiliumError,
  type CryptoPool,
  concat,
  ed25519Sign,
  equalBytes,
  extractionAnswerBytes,
  extractionAnswerSigningBytes,
  type Identity,
  toHex,
  verifyExtractionRequest,
} from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { type Account, AccountStatus, type Committee, queries } from "@consilium/ledger";
import {
  type Clock,
  decodeStrict,
  ExtractRequest,
  type Log,
  Purpose,
  type Random,
  Role,
} from "@consilium/protocol";
import type { KeyPair } from "../keys/index.js";
import { type RateLimit, RateLimiter } from "../limits/index.js";
import { awaitState } from "../records/index.js";
import { requireFreshTip } from "./freshness.js";
import type { CommitteeSecrets } from "./secrets.js";

export interface KeyCentrePorts {
  readonly chain: Chain;
  readonly pool: CryptoPool;
  readonly secrets: Pick<CommitteeSecrets, "shareOfSession">;
  readonly node: KeyPair;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Extractions of one account; {@link EXTRACTION_RATE} when left out. */
  readonly rate?: RateLimit;
}

/** An enrolment extracts the whole catalogue, some twenty types, and may be repeated. */
export const EXTRACTION_RATE = { count: 600, windowMs: 60_000, namesMax: 10_000 } as const;

/**
 * extract/1: this key-centre node's sealed part of an identity key (Consilium CS01 §7). The share is used only after
 * signature, right, time and freshness were checked, and every request is logged with its outcome.
 */
export class KeyCentre {
  readonly #rate: RateLimiter;

  constructor(private readonly ports: KeyCentrePorts) {
    this.#rate = new RateLimiter(ports.rate ?? EXTRACTION_RATE);
  }

  /**
   * Answers one encoded ExtractRequest with gen(8) ‖ u16 k ‖ triple(192) ‖ signature(64).
   * @throws ConsiliumError `BAD_ENCODING`, `TIP_STALE`, `RATE_LIMITED`, `WRONG_KEY_GENERATION`, `BAD_INDEX`,
   * `EXTRACT_BAD_REQUEST`, `BAD_IDENTITY`, `KEY_CENTRE_NO_SHARE`.
   */
  async serve(from: string, encoded: Uint8Array): Promise<Uint8Array> {
    const request = decodeStrict(ExtractRequest, encoded, "extraction request");
    const facts = { from, account: toHex(request.account) };
    try {
      const { identity, answer } = await this.#answer(request);
      this.ports.log.info({ ...facts, identityKind: identity.kind, keyNo: request.keyNo }, "extract.served");
      return answer;
    } catch (error) {
      this.ports.log.warn({ ...facts, error }, "extract.refused");
      throw error;
    }
  }

  async #answer(request: ExtractRequest): Promise<{ identity: Identity; answer: Uint8Array }> {
    const { chain, pool, node, clock, random, secrets } = this.ports;
    const nowMs = clock.nowMs();
    requireFreshTip(chain, nowMs);
    await awaitState(chain, (state) => queries.account(state, request.account) !== undefined);
    const { index, sessionId } = this.#ownSeat(request);
    const account = queries.account(chain.state(), request.account);
    if (account?.status !== AccountStatus.live) throw noRight();
    const generation = { keyNo: request.keyNo, shareEpoch: request.shareEpoch };
    const { parsed, identity, transportKey } = verifyExtractionRequest({
      address: { chain: chain.chainId, generation, index },
      request: request.request,
      signature: request.signature,
      accountKey: account.signKey,
      nowMs,
    });
    requireRight(account, parsed);
    // Only a request whose signature holds counts, so that nobody uses up another's quota.
    this.#rate.take(toHex(account.id), nowMs);
    const held = secrets.shareOfSession(Purpose.keyCentre, sessionId);
    if (held === undefined) {
      throw new ConsiliumError(
        "KEY_CENTRE_NO_SHARE",
        "This node holds no share of this key; ask the other nodes.",
      );
    }
    const blinding = { random: random.bytes(32) };
    const sealed = await pool.run("sealPartial", { share: held.share, identity, transportKey, blinding });
    const answer = extractionAnswerBytes({ generation, index, sealed });
    const signed = extractionAnswerSigningBytes(chain.chainId, request.request, answer);
    return { identity: parsed, answer: concat(answer, ed25519Sign(node.secretKey, signed)) };
  }

  /** The serving generation, and this node's index in it. */
  #ownSeat(request: ExtractRequest): { index: number; sessionId: string } {
    const state = this.ports.chain.state();
    const committee: Committee | undefined = queries.activeCommittee(state, Purpose.keyCentre);
    if (committee?.keyNo !== request.keyNo || committee.shareEpoch !== request.shareEpoch) {
      throw new ConsiliumError("WRONG_KEY_GENERATION", "Ask again for the key generation that serves now.");
    }
    const index = committee.members.findIndex((member) => equalBytes(member, this.ports.node.publicKey)) + 1;
    if (index === 0 || index !== request.index) {
      throw new ConsiliumError("BAD_INDEX", "The request names another node of the key centre.", { index });
    }
    return { index, sessionId: toHex(committee.sessionId) };
  }
}

/** Only the owner of pid may ask for a type identity, only uid for its user identity; emergencies come another way. */
function requireRight(account: Account, identity: Identity): void {
  const isOwnType =
    identity.kind === "type" && account.role === Role.owner && equalBytes(identity.pid, account.id);
  const isOwnUser = identity.kind === "user" && equalBytes(identity.uid, account.id);
  if (!isOwnType && !isOwnUser) throw noRight();
}

const noRight = (): ConsiliumError =>
  new ConsiliumError("EXTRACT_BAD_REQUEST", "This account has no right to the key of this identity.");
