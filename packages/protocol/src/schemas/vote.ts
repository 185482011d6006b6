import { ContainerType, type ValueOf } from "@chainsafe/ssz";
import { B32, B96, bytesUpTo, U8, U16, U64 } from "./basic.js";

/** Kinds of votes and of the certificates they make; the byte that is signed. */
export const VoteKind = { notarize: 1, nullify: 2, finalize: 3 } as const;
export type VoteKind = (typeof VoteKind)[keyof typeof VoteKind];

/** What a vote says. For nullify parentView is 0 and the digest 32 zero bytes. */
const subject = { kind: U8, epoch: U64, view: U64, parentView: U64, digest: B32 };

/** One validator's vote; `validator` is its index in the epoch's set, from 0. Signature: BLS, 96 bytes. */
export const Vote = new ContainerType({ ...subject, validator: U16, signature: B96 });
export type Vote = ValueOf<typeof Vote>;

/** A quorum of equal votes: bitmap of ⌈n/8⌉ bytes (validator i is bit i mod 8 of byte ⌊i/8⌋) and aggregate signature. */
export const Certificate = new ContainerType({ ...subject, bitmap: bytesUpTo(4), signature: B96 });
export type Certificate = ValueOf<typeof Certificate>;

/** The fields that a vote or certificate speaks about, without who said it. */
export type VoteSubject = Pick<Vote, "kind" | "epoch" | "view" | "parentView" | "digest">;
