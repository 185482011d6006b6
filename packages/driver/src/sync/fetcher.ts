import { type Input, type VoteVerifier, verifyCertificate } from "@consilium/consensus";
import { codeOf, equalBytes, toHex } from "@consilium/crypto";
import {
  Block,
  BlockRequest,
  CertificatesRequest,
  CertificatesResponse,
  decodeStrict,
  fault,
  type Log,
  type Random,
  RequestProtocol,
  type Transport,
  type Verdict,
  valid,
} from "@consilium/protocol";
import type { ChainCounters } from "../chain.js";
import type { PeerDesk } from "../messages/peer-desk.js";
import type { BlockTree } from "../tree/block-tree.js";
import { checkBody } from "../tree/body-check.js";
import type { EpochSets } from "./range-source.js";

const REQUEST_TIMEOUT_MS = 3_000;
/** Peers asked for one thing before the engine is left to ask again. */
const PEERS_ASKED_MAX = 3;

export interface FetcherOptions {
  readonly chainId: Uint8Array;
  readonly epochs: Pick<EpochSets, "setOf">;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly random: Random;
  readonly tree: BlockTree;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  readonly log: Log;
  readonly enqueue: (input: Input) => void;
}

/** Fetches single bodies and certificates from peers, one request for each at a time. */
export class Fetcher {
  private readonly under = new Set<string>();

  constructor(private readonly options: FetcherOptions) {}

  /** Answers with `bodyArrived`, at once when the body is here. `author` is asked first when it is connected. */
  body(digest: Uint8Array, author?: Uint8Array): void {
    const known = this.options.tree.body(digest);
    if (known !== undefined) this.options.enqueue({ kind: "bodyArrived", header: known.header });
    else this.once(`body ${toHex(digest)}`, () => this.fetchBody(digest, author && toHex(author)));
  }

  /** Answers with `certificate` inputs. */
  certificates(epoch: number, fromView: number, toView: number): void {
    this.once(`certificates ${epoch} ${fromView} ${toView}`, () =>
      this.fetchCertificates(epoch, fromView, toView),
    );
  }

  private once(name: string, work: () => Promise<void>): void {
    if (this.under.has(name)) return;
    this.under.add(name);
    work()
      .catch((error: unknown) => this.options.log.warn({ what: name, reason: String(error) }, "fetch failed"))
      .finally(() => this.under.delete(name));
  }

  private async fetchBody(digest: Uint8Array, author: string | undefined): Promise<void> {
    const { chainId, tree, desk, counters, enqueue } = this.options;
    for (const peer of this.peers(author)) {
      const answer = await this.ask(peer, RequestProtocol.block, BlockRequest.serialize({ digest }));
      if (answer === undefined) continue;
      const verdict = desk.decode(() => decodeStrict(Block, answer, "block"));
      const checked = verdict.kind === "valid" ? checkWanted(verdict.value, digest, chainId) : verdict;
      if (desk.judge(peer, checked) !== "accept" || verdict.kind !== "valid") continue;
      tree.add(verdict.value, digest);
      counters.bodiesFetched += 1;
      enqueue({ kind: "bodyArrived", header: verdict.value.header });
      return;
    }
  }

  private async fetchCertificates(epoch: number, fromView: number, toView: number): Promise<void> {
    const { chainId, epochs, verifier, desk, enqueue } = this.options;
    const set = epochs.setOf(epoch);
    if (set === undefined) return;
    const request = CertificatesRequest.serialize({ epoch, fromView, toView });
    for (const peer of this.peers()) {
      const answer = await this.ask(peer, RequestProtocol.certificates, request);
      if (answer === undefined) continue;
      const decoded = desk.decode(() => decodeStrict(CertificatesResponse, answer, "certificates"));
      if (decoded.kind !== "valid") {
        desk.judge(peer, decoded);
        continue;
      }
      let useful = false;
      for (const certificate of decoded.value.certificates) {
        if (certificate.epoch !== epoch) continue;
        const verdict = await verifyCertificate(verifier, chainId, set, certificate);
        if (desk.judge(peer, verdict) !== "accept") break;
        useful = true;
        enqueue({ kind: "certificate", certificate, from: undefined });
      }
      if (useful) return;
    }
  }

  private async ask(peer: string, protocol: string, body: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.options.transport.request(peer, protocol, body, { timeoutMs: REQUEST_TIMEOUT_MS });
    } catch (error) {
      this.options.log.debug({ peer, protocol, code: codeOf(error) }, "peer did not help");
      return undefined;
    }
  }

  /** A few connected peers from a random one on, the preferred one first. */
  private peers(preferred?: string): string[] {
    const connected = [...this.options.transport.connected()];
    const start = connected.length === 0 ? 0 : this.options.random.bytes(1)[0]! % connected.length;
    const turned = [...connected.slice(start), ...connected.slice(0, start)];
    const first = turned.filter((peer) => peer === preferred);
    return [...first, ...turned.filter((peer) => peer !== preferred)].slice(0, PEERS_ASKED_MAX);
  }
}

function checkWanted(block: Block, digest: Uint8Array, chainId: Uint8Array): Verdict {
  const verdict = checkBody(block, chainId);
  if (verdict.kind !== "valid") return verdict;
  if (equalBytes(verdict.value, digest)) return valid(undefined);
  return fault("BLOCK_NOT_ASKED_FOR", "the peer answered with another block");
}
