import {
  ConsiliumError,
  type CryptoPool,
  capsuleContext,
  codeOf,
  type RespondInput,
  toHex,
} from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { type AnswerableAccess, proxyMayAnswer, queries } from "@consilium/ledger";
import {
  type Clock,
  decodeStrict,
  FragmentRequest,
  type Log,
  Purpose,
  type Random,
} from "@consilium/protocol";
import type { KeyPair } from "../keys/index.js";
import { awaitState } from "../records/index.js";
import { requireFreshTip } from "./freshness.js";
import type { CommitteeSecrets } from "./secrets.js";

export interface ProxyPorts {
  readonly chain: Chain;
  readonly pool: CryptoPool;
  readonly secrets: Pick<CommitteeSecrets, "shareOfSession">;
  readonly node: KeyPair;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Sealed answers kept for repeated requests. */
const ANSWERS_MAX = 1_000;

/**
 * fragment/1: this proxy's sealed fragment for a finalized access (Consilium CS01 §10.2). Everything is judged anew at
 * the node's own finalized tip for every request, a repeated one included, so that nothing leaves after a revocation.
 */
export class ProxyService {
  readonly #answers = new Map<string, Promise<Uint8Array>>();
  #lies = false;

  constructor(private readonly ports: ProxyPorts) {}

  /** For demonstrations: from now on answers carry a wrong fragment under a right signature, or are honest again. */
  setLying(lies: boolean): void {
    this.#lies = lies;
    this.#answers.clear();
    this.ports.log.warn({ lies }, "demo.proxy-fault");
  }

  /**
   * Answers one encoded FragmentRequest with the sealed fragment.
   * @throws ConsiliumError with the ledger's code why not (`REQ_UNKNOWN`, `GRANT_INACTIVE`, `REQ_LABEL`,
   * `WRONG_KEY_GENERATION`, `REQ_NOT_ADDRESSED`), `TIP_STALE`, `PROXY_NO_SHARE`, `CAPSULE_INVALID`.
   */
  async serve(from: string, encoded: Uint8Array): Promise<Uint8Array> {
    const { requestId } = decodeStrict(FragmentRequest, encoded, "fragment request");
    const facts = { from, request: toHex(requestId) };
    try {
      await awaitState(this.ports.chain, (state) => queries.access(state, requestId) !== undefined);
      const answerable = this.#judge(requestId);
      const sealed = await this.#answerOnce(answerable);
      const { recipient, recordIds } = answerable.access;
      this.ports.log.info(
        { ...facts, recipient: toHex(recipient), records: recordIds.length },
        "fragment.served",
      );
      return sealed;
    } catch (error) {
      this.ports.log.warn({ ...facts, code: codeOf(error), error }, "fragment.refused");
      throw error;
    }
  }

  #judge(requestId: Uint8Array): AnswerableAccess {
    const { chain, clock, node } = this.ports;
    const nowMs = clock.nowMs();
    requireFreshTip(chain, nowMs);
    const verdict = proxyMayAnswer(chain.state(), requestId, { node: node.publicKey, nowMs });
    if (verdict.kind === "valid") return verdict.value;
    throw new ConsiliumError(verdict.code, verdict.reason, { request: toHex(requestId) });
  }

  /** The same sealed bytes for a repeated request: one seal per request key and proxy. */
  #answerOnce(answerable: AnswerableAccess): Promise<Uint8Array> {
    const name = toHex(answerable.access.requestId);
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    const oldest = this.#answers.size >= ANSWERS_MAX ? this.#answers.keys().next().value : undefined;
    if (oldest !== undefined) this.#answers.delete(oldest);
    const answer = this.#answer(answerable);
    this.#answers.set(name, answer);
    // A failed answer may be asked for again.
    answer.catch(() => this.#answers.delete(name));
    return answer;
  }

  async #answer(answerable: AnswerableAccess): Promise<Uint8Array> {
    const input = this.#inputFor(answerable);
    // The share touches no capsule that is not Valid, not even for a lie.
    const operation = this.#lies ? "respondFalselyForDemonstration" : "respondToRequest";
    const { sealed, leftOut } = await this.ports.pool.run(operation, input);
    const { access } = answerable;
    for (const { position, code } of leftOut) {
      const record = toHex(access.recordIds[position]!);
      this.ports.log.warn({ request: toHex(access.requestId), record, code }, "fragment.record-left-out");
    }
    return sealed;
  }

  #inputFor({ access, records, committee, index }: AnswerableAccess): RespondInput {
    const { chain, secrets, random, node } = this.ports;
    const held = secrets.shareOfSession(Purpose.proxy, toHex(committee.sessionId));
    if (held === undefined) {
      throw new ConsiliumError(
        "PROXY_NO_SHARE",
        "This node holds no share of this key; ask the other proxies.",
      );
    }
    return {
      context: {
        chain: chain.chainId,
        requestId: access.requestId,
        generation: { keyNo: committee.keyNo, shareEpoch: committee.shareEpoch },
        index,
        verificationKey: committee.verificationKeys[index - 1]!,
      },
      share: held.share,
      records: records.map((record) => ({
        capsule: record.capsule,
        context: capsuleContext(
          {
            chain: chain.chainId,
            recordId: record.recordId,
            author: record.author,
            label: record.label,
            kgcKeyNo: record.kgcKeyNo,
            ownerKey: record.pi,
            headerDigest: record.headerDigest,
            payloadSizeBytes: record.lengthBytes,
            payloadDigest: record.digest,
          },
          record.commitment,
        ),
      })),
      requestKey: access.requestKey,
      proof: { random: random.bytes(32) },
      ephemeralSecret: random.bytes(32),
      signingSecret: node.secretKey,
    };
  }
}
