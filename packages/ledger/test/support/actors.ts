import { accountId, ed25519PublicKey, ed25519Sign, sha256, utf8, x25519PublicKey } from "@consilium/crypto";
import { SignedTransaction, transactionSigningBytes, type ValueOf } from "@consilium/protocol";
import { Seeded } from "./random.js";

interface Codec<Value> {
  serialize(value: Value): Uint8Array;
}

export interface EnvelopeOverrides {
  readonly chainId?: Uint8Array;
  readonly sender?: Uint8Array;
  readonly nonce?: number;
  readonly expiryHeight?: number;
}

/** Whoever holds an Ed25519 key and sends transactions from its account on one chain. */
export class Actor {
  readonly secret: Uint8Array;
  readonly key: Uint8Array;
  readonly exchangeSecret: Uint8Array;
  readonly exchangeKey: Uint8Array;
  readonly random: Seeded;
  nonce = 0;

  constructor(readonly name: string) {
    this.secret = sha256(utf8(`ed25519 ${name}`));
    this.key = ed25519PublicKey(this.secret);
    this.exchangeSecret = sha256(utf8(`x25519 ${name}`));
    this.exchangeKey = x25519PublicKey(this.exchangeSecret);
    this.random = new Seeded(`random of ${name}`);
  }

  account(chainId: Uint8Array): Uint8Array {
    return accountId(chainId, this.key);
  }

  sign(message: Uint8Array): Uint8Array {
    return ed25519Sign(this.secret, message);
  }

  /** An encoded, signed transaction; takes the actor's next nonce unless one is given. */
  transaction<Value>(
    chainId: Uint8Array,
    kind: number,
    type: Codec<Value>,
    payload: Value,
    overrides: EnvelopeOverrides = {},
  ): Uint8Array {
    return this.rawTransaction(chainId, kind, type.serialize(payload), overrides);
  }

  rawTransaction(
    chainId: Uint8Array,
    kind: number,
    payload: Uint8Array,
    overrides: EnvelopeOverrides = {},
  ): Uint8Array {
    const transaction = {
      chainId: overrides.chainId ?? chainId,
      kind,
      sender: overrides.sender ?? this.account(chainId),
      nonce: overrides.nonce ?? this.nonce++,
      expiryHeight: overrides.expiryHeight ?? 10_000,
      payload,
    };
    const signature = this.sign(transactionSigningBytes(transaction));
    return SignedTransaction.serialize({ transaction, signature });
  }
}

export type Decoded = ValueOf<typeof SignedTransaction>;
