import { accountId, ed25519PublicKey, ed25519Sign, fromHex, toHex, x25519PublicKey } from "@consilium/crypto";
import {
  AccessRequest,
  IdentityRegister,
  Role,
  SignedTransaction,
  type Transaction,
  TransactionKind,
  transactionIdOf,
  transactionSigningBytes,
} from "@consilium/protocol";

/** A transaction that is ready to be submitted, to any node and any number of times. */
export interface SignedTx {
  readonly id: string;
  /** Hex of SSZ SignedTransaction. */
  readonly bytes: string;
}

export type AccountRole = "owner" | "recipient";

/** Far enough that no perturbation lets a transaction expire. */
const EXPIRY_HEIGHTS = 50_000;
/** What a sealed note of an access/request measures at least: the encapsulated key, a tag and some text. */
const SEALED_SIZE_BYTES = 96;

/** A person's account that the load made, with its keys and its next nonce. */
export class LoadAccount {
  readonly id: string;
  readonly signKey: string;
  readonly exchangeKey: string;
  /** How many transactions of it were reported final. */
  finalCount = 0;
  /** Whether one more was submitted of which no node has said yet that it is final. */
  isWaiting = false;
  readonly #secret: Uint8Array;
  readonly #chainId: Uint8Array;

  constructor(
    chainId: string,
    readonly role: AccountRole,
    random: (length: number) => Uint8Array,
  ) {
    this.#chainId = fromHex(chainId);
    this.#secret = random(32);
    const signKey = ed25519PublicKey(this.#secret);
    this.signKey = toHex(signKey);
    this.exchangeKey = toHex(x25519PublicKey(random(32)));
    this.id = toHex(accountId(this.#chainId, signKey));
  }

  /** The account's first transaction. An owner's is custodial: its key is the key centre's. */
  register(
    attested: { readonly member: string; readonly attestation: string },
    kgcKeyNo: number,
    height: number,
  ): SignedTx {
    const payload = IdentityRegister.serialize({
      signKey: fromHex(this.signKey),
      exchangeKey: fromHex(this.exchangeKey),
      role: this.role === "owner" ? Role.owner : Role.recipient,
      member: fromHex(attested.member),
      attestation: fromHex(attested.attestation),
      kgcKeyNo: this.role === "owner" ? kgcKeyNo : 0,
      ownerKeyNo: 0,
      ownerFactor: new Uint8Array(),
    });
    return this.#sign(TransactionKind.identityRegister, payload, height);
  }

  /** Asks an owner for access. What is sealed only the owner could open, so any bytes do for the chain. */
  request(owner: string, random: (length: number) => Uint8Array, height: number): SignedTx {
    const payload = AccessRequest.serialize({ owner: fromHex(owner), sealed: random(SEALED_SIZE_BYTES) });
    return this.#sign(TransactionKind.accessRequest, payload, height);
  }

  forget(): void {
    this.#secret.fill(0);
  }

  #sign(kind: TransactionKind, payload: Uint8Array, height: number): SignedTx {
    const transaction: Transaction = {
      chainId: this.#chainId,
      kind,
      sender: fromHex(this.id),
      nonce: this.finalCount,
      expiryHeight: height + EXPIRY_HEIGHTS,
      payload,
    };
    const signature = ed25519Sign(this.#secret, transactionSigningBytes(transaction));
    return {
      id: toHex(transactionIdOf(transaction)),
      bytes: toHex(SignedTransaction.serialize({ transaction, signature })),
    };
  }
}
