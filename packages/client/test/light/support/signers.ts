import {
  assembleCertificate,
  inlineVoteVerifier,
  type ValidatorSet,
  type VoteVerifier,
  voteBytes,
} from "@consilium/consensus";
import { sha256, utf8, type VoteSuite } from "@consilium/crypto";
import { createCurveVoteSuite, loadCurve } from "@consilium/crypto/curve";
import { type BlockHeader, type Certificate, digestOf, VoteKind } from "@consilium/protocol";

/** Vote keys of a test by name, on the curve suite that browsers use. */
export class Signers {
  private constructor(
    readonly suite: VoteSuite,
    readonly verifier: VoteVerifier,
  ) {}

  static async make(): Promise<Signers> {
    const suite = createCurveVoteSuite(await loadCurve({ backend: "mcl" }));
    const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
    return new Signers(suite, inlineVoteVerifier(suite, random));
  }

  secretOf(name: string): Uint8Array {
    return sha256(utf8(`vote key of ${name}`)).fill(0, 0, 1);
  }

  keyOf(name: string): Uint8Array {
    return this.suite.publicKey(this.secretOf(name));
  }

  /** The finalization of a header by validators of a set; `names` are those who sign, by their place in the set. */
  finalize(
    header: BlockHeader,
    set: ValidatorSet,
    names: ReadonlyMap<number, string>,
    view = header.height,
  ): Promise<Certificate> {
    const { chainId, epoch } = header;
    const subject = { kind: VoteKind.finalize, epoch, view, parentView: view - 1, digest: digestOf(header) };
    const message = voteBytes(chainId, subject);
    const votes = [...names].map(([validator, name]) => ({
      ...subject,
      validator,
      signature: this.suite.sign(this.secretOf(name), message),
    }));
    return assembleCertificate(this.verifier, set, votes);
  }
}
