/**
 * The signed, numbered type catalogue that an owner leaves with a hospital (CS01 §5): which types it may seal under,
 * in which version, with which label salt.
 *
 *   message = owner(32) ‖ hospital node id(32) ‖ u64 number ‖ lp32(sealed) ‖ signature(64)
 *   sealed  = HPKE to the hospital's exchange key of u16 n ‖ n × ( lp16(type) ‖ u32 version ‖ salt(32) )
 *   signed  = DOM ‖ "CATALOGUE" ‖ chain ‖ owner ‖ hospital ‖ u64 number ‖ lp32(sealed), Ed25519 of the owner's account
 *
 * The number rises with every message; a hospital keeps the highest and refuses lower ones.
 */
import {
  ConsiliumError,
  concat,
  domain,
  ed25519Verify,
  equalBytes,
  lp16,
  lp32,
  Reader,
  u16,
  u32,
  u64,
  utf8,
} from "@consilium/crypto";
import type { Random } from "@consilium/protocol";
import type { RequestSigner } from "../http/signature.js";
import { openFrom, type SealContext, sealTo } from "./sealed-box.js";

export interface CatalogueEntry {
  readonly type: string;
  readonly version: number;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** Between whom, and which message of theirs it is. */
export interface CatalogueAddress {
  readonly chainId: Uint8Array;
  /** Account id of the owner. */
  readonly owner: Uint8Array;
  /** Node id of the hospital. */
  readonly hospital: Uint8Array;
  readonly number: number;
}

/** A message whose frame was read; nothing of it is verified yet. */
export interface CatalogueFrame {
  readonly owner: Uint8Array;
  readonly hospital: Uint8Array;
  readonly number: number;
  readonly sealed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Seals and signs a catalogue to a hospital. */
export async function makeCatalogue(input: {
  readonly address: CatalogueAddress;
  readonly entries: readonly CatalogueEntry[];
  readonly hospitalKey: Uint8Array;
  readonly signer: RequestSigner;
  readonly random: Random;
}): Promise<Uint8Array> {
  const { address, entries } = input;
  const rows = entries.map(({ type, version, salt }) => concat(lp16(utf8(type)), u32(version), salt));
  const plaintext = concat(u16(entries.length), ...rows);
  const sealed = sealTo(input.hospitalKey, contextOf(address), plaintext, input.random);
  plaintext.fill(0);
  const signature = await input.signer.sign(signingBytes(address, sealed));
  return concat(address.owner, address.hospital, u64(address.number), lp32(sealed), signature);
}

/** Reads the frame of a message. Throws `BAD_LENGTH`, `BAD_ENCODING`. */
export function parseCatalogue(message: Uint8Array): CatalogueFrame {
  const reader = new Reader(message);
  const owner = reader.take(32, "owner");
  const hospital = reader.take(32, "hospital");
  const number = Number(reader.u64("number"));
  const sealed = reader.lp32("sealed");
  const signature = reader.take(64, "signature");
  reader.end("catalogue");
  if (!Number.isSafeInteger(number))
    throw new ConsiliumError("BAD_ENCODING", "The catalogue's number is too large.");
  return { owner, hospital, number, sealed, signature };
}

/**
 * What a hospital's node checks before it keeps a message: addressee and signature. Throws the codes of
 * {@link parseCatalogue}, `CATALOGUE_WRONG_HOSPITAL`, `SIG_INVALID`.
 */
export function verifyCatalogue(input: {
  readonly message: Uint8Array;
  readonly chainId: Uint8Array;
  readonly hospital: Uint8Array;
  /** Current Ed25519 key of the account that the message names as its owner. */
  readonly ownerSignKey: Uint8Array;
}): CatalogueFrame {
  const frame = parseCatalogue(input.message);
  if (!equalBytes(frame.hospital, input.hospital)) {
    throw new ConsiliumError("CATALOGUE_WRONG_HOSPITAL", "This catalogue is for another hospital.");
  }
  const address = { chainId: input.chainId, ...frame };
  if (!ed25519Verify(input.ownerSignKey, signingBytes(address, frame.sealed), frame.signature)) {
    throw new ConsiliumError("SIG_INVALID", "The catalogue is not signed by its owner; ask for a new one.");
  }
  return frame;
}

/** Verifies and opens a message with the hospital's exchange key. Throws also `HPKE_OPEN_FAILED`. */
export function openCatalogue(
  input: Parameters<typeof verifyCatalogue>[0] & { readonly exchangeSecret: Uint8Array },
): { readonly owner: Uint8Array; readonly number: number; readonly entries: readonly CatalogueEntry[] } {
  const frame = verifyCatalogue(input);
  const context = contextOf({ chainId: input.chainId, ...frame });
  const reader = new Reader(openFrom(input.exchangeSecret, context, frame.sealed));
  const entries = Array.from({ length: reader.u16("count") }, () => ({
    type: new TextDecoder().decode(reader.lp16("type")),
    version: reader.u32("version"),
    salt: reader.take(32, "salt"),
  }));
  reader.end("catalogue entries");
  return { owner: frame.owner, number: frame.number, entries };
}

function contextOf(address: CatalogueAddress): SealContext {
  return {
    tag: "CATALOGUE",
    parts: [address.chainId, address.owner, address.hospital, u64(address.number)],
  };
}

function signingBytes(address: CatalogueAddress, sealed: Uint8Array): Uint8Array {
  return concat(
    domain("CATALOGUE"),
    address.chainId,
    address.owner,
    address.hospital,
    u64(address.number),
    lp32(sealed),
  );
}
