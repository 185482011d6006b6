/** Collecting an identity key from a threshold of the key centre (CS01 §7). */
import {
  ConsiliumError,
  codeOf,
  EXTRACTION_ANSWER_SIZE_BYTES,
  extractionRequestBytes,
  extractionRequestSigningBytes,
  fromHex,
  openExtractionAnswer,
  type ReceivedPart,
  toHex,
} from "@consilium/crypto";
import { ExtractRequest } from "@consilium/protocol";
import { routes } from "../api/contract.js";
import type { Committee, CommitteeMember } from "../chain/network.js";
import { randomScalar } from "../ports.js";
import { asTheyArrive } from "./arrivals.js";
import { patiently } from "./patience.js";
import type { Session } from "./session.js";

/** What a node says of a right it has not yet seen final, for instance of an account that is a moment old. */
const NOT_YET = "EXTRACT_BAD_REQUEST";
const PATIENCE_MS = 10_000;

/** A key-centre node whose part was missing or bad. */
export interface KeyCentreFault {
  readonly index: number;
  readonly node: string;
  readonly name: string;
  readonly code: string;
}

export interface ExtractedKey {
  /** d, 48 bytes: secret. */
  readonly key: Uint8Array;
  readonly faults: readonly KeyCentreFault[];
}

/**
 * Asks all key-centre nodes for their sealed part, combines the first threshold of parts that gives a right key, and names those
 * whose part was bad or missing meanwhile. Throws `TOO_FEW_SHARES`, or the one code with which all refused.
 */
export async function extractKey(
  session: Session,
  keyCentre: Committee,
  identity: Uint8Array,
): Promise<ExtractedKey> {
  const transportSecret = randomScalar(session.ports.random);
  const stop = new AbortController();
  try {
    const transportKey = await session.ports.pool.run("transportPublicKey", { transportSecret });
    const asked = keyCentre.members.map((member) =>
      askMember(session, { keyCentre, member, identity, transportKey, signal: stop.signal }),
    );
    return await collect(session, keyCentre, identity, transportSecret, asked);
  } finally {
    stop.abort();
    transportSecret.fill(0);
  }
}

type Answer = { readonly part: ReceivedPart } | { readonly fault: KeyCentreFault };

async function collect(
  session: Session,
  keyCentre: Committee,
  identity: Uint8Array,
  transportSecret: Uint8Array,
  asked: readonly Promise<Answer>[],
): Promise<ExtractedKey> {
  const { threshold, publicKey: groupKey } = keyCentre;
  const faults: KeyCentreFault[] = [];
  let parts: ReceivedPart[] = [];
  for await (const answer of asTheyArrive(asked)) {
    if ("fault" in answer) faults.push(answer.fault);
    else parts.push(answer.part);
    if ("fault" in answer || parts.length < threshold) continue;
    const input = { parts, threshold, identity, groupKey, transportSecret };
    try {
      const { key, faults: bad } = await session.ports.pool.run("collectIdentityKey", input);
      return { key, faults: [...faults, ...bad.map(({ index, code }) => faultOf(keyCentre, index, code))] };
    } catch (error) {
      if (codeOf(error) !== "TOO_FEW_SHARES" && codeOf(error) !== "EXTRACT_BAD_KEY") throw error;
      parts = await dropBadParts(session, keyCentre, identity, transportSecret, parts, faults);
    }
  }
  throw tooFew(faults, threshold);
}

/** Checks each part alone; what does not verify leaves, with its node's name. */
async function dropBadParts(
  session: Session,
  keyCentre: Committee,
  identity: Uint8Array,
  transportSecret: Uint8Array,
  parts: readonly ReceivedPart[],
  faults: KeyCentreFault[],
): Promise<ReceivedPart[]> {
  const transportKey = await session.ports.pool.run("transportPublicKey", { transportSecret });
  const good: ReceivedPart[] = [];
  for (const part of parts) {
    try {
      await session.ports.pool.run("checkSealedPartial", { ...part, identity, transportKey });
      good.push(part);
    } catch (error) {
      faults.push(faultOf(keyCentre, part.index, codeOf(error)));
    }
  }
  return good;
}

interface Question {
  readonly keyCentre: Committee;
  readonly member: CommitteeMember;
  readonly identity: Uint8Array;
  readonly transportKey: Uint8Array;
  /** Aborted once a key was found without this answer. */
  readonly signal: AbortSignal;
}

async function askMember(session: Session, question: Question): Promise<Answer> {
  const { keyCentre, member, signal } = question;
  const { clock } = session.ports;
  const mayPass = (error: unknown) => codeOf(error) === NOT_YET;
  try {
    const ask = () => askOnce(session, question);
    const sealed = await patiently({ clock, patienceMs: PATIENCE_MS, mayPass, signal }, ask);
    return { part: { index: member.index, sealed, verificationKey: member.verificationKey } };
  } catch (error) {
    return { fault: faultOf(keyCentre, member.index, codeOf(error)) };
  }
}

/** One signed request, and the sealed part of a key out of the answer to it. */
async function askOnce(session: Session, question: Question): Promise<Uint8Array> {
  const { keyCentre, member, identity, transportKey, signal } = question;
  const { generation } = keyCentre;
  const address = { chain: session.alliance.chainId, generation, index: member.index };
  const timeMs = session.ports.clock.nowMs();
  const request = extractionRequestBytes({ identity, transportKey, timeMs });
  const signature = await session.wallet.signer.sign(extractionRequestSigningBytes(address, request));
  const message = { account: session.account, index: member.index, ...generation, request, signature };
  const body = { request: toHex(ExtractRequest.serialize(message)) };
  const answered = fromHex((await session.api.call(routes.extract, {}, body, { signal })).answer);
  return openExtractionAnswer({
    address,
    request,
    answer: answered.slice(0, EXTRACTION_ANSWER_SIZE_BYTES),
    signature: answered.slice(EXTRACTION_ANSWER_SIZE_BYTES),
    nodeKey: member.nodeKey,
  });
}

function faultOf(keyCentre: Committee, index: number, code: string): KeyCentreFault {
  const member = keyCentre.members.find((each) => each.index === index);
  return { index, code, node: member === undefined ? "" : toHex(member.nodeKey), name: member?.name ?? "" };
}

function tooFew(faults: readonly KeyCentreFault[], threshold: number): ConsiliumError {
  const codes = [...new Set(faults.map(({ code }) => code))];
  return new ConsiliumError(
    codes.length === 1 ? codes[0]! : "TOO_FEW_SHARES",
    "Too few key-centre nodes gave a good part of the key; try again when more of them answer.",
    { threshold, refused: faults.map(({ name, code }) => `${name}: ${code}`).join("; ") },
  );
}
