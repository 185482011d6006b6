/** One change of one file: the text must stand in it exactly once. */
export interface Edit {
  /** Path from the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug that is planted on purpose, to see that the simulator finds it. */
export interface Mutant {
  readonly name: string;
  /** The rule that it breaks. */
  readonly about: string;
  /** Every line of defence of that rule, so that the second does not hide what the first lets through. */
  readonly edits: readonly Edit[];
  readonly nodes: number;
  readonly profile: string;
  /** Only seeds in which this actor misbehaves can bring the bug out; the others count as tried but are not run. */
  readonly actor?: string;
}

const engine = "packages/consensus/src/engine";
const certificates = "packages/consensus/src/certificates.ts";
const safetyRecord = "packages/consensus/src/safety-record.ts";
const safeSigner = "packages/driver/src/engine/safe-signer.ts";
const rangeSource = "packages/driver/src/sync/range-source.ts";

/** The safety record knows two votes of one kind as a contradiction, and no longer nullify beside finalize. */
const recordAllowsBoth: Edit = {
  file: safetyRecord,
  find: "    if (contradicts(each, vote))\n",
  replace: "    if (contradicts(each, vote) && each.kind === vote.kind)\n",
};

const votersNeedNoNullifications: Edit = {
  file: `${engine}/judging.ts`,
  find: "  const missing = missingNullifications(state, parentView, view);",
  replace: "  const missing: number[] = [];",
};

export const mutants: readonly Mutant[] = [
  {
    name: "finalize-after-nullify",
    about: "rules 4 and 5: finalize is voted although the view was given up",
    edits: [
      {
        file: `${engine}/views.ts`,
        find: "    if (nullify || finalize) return;\n    slot.own.finalize = vote;",
        replace: "    if (finalize) return;\n    slot.own.finalize = vote;",
      },
      recordAllowsBoth,
    ],
    nodes: 4,
    profile: "lossy",
  },
  {
    name: "nullify-after-finalize",
    about:
      "rule 5: a timeout gives up the view before as well while that is not final, finalize voted or not",
    edits: [
      {
        file: `${engine}/views.ts`,
        find: "  castVote(run, nullifySubject(state.epoch.epoch, state.view));",
        replace:
          "  castVote(run, nullifySubject(state.epoch.epoch, state.view));\n  if (state.view > 1) castVote(run, nullifySubject(state.epoch.epoch, (state.view - 1) as View));",
      },
      {
        file: `${engine}/views.ts`,
        find: "    if (nullify || finalize) return;\n    slot.own.nullify = vote;",
        replace: "    if (nullify) return;\n    slot.own.nullify = vote;",
      },
      recordAllowsBoth,
    ],
    nodes: 4,
    profile: "partitions",
  },
  {
    name: "safety-record-forgets",
    about: "safety record: what was signed is kept in memory and never written",
    edits: [
      {
        file: safeSigner,
        find: "      await this.store.write([recordChange(next)], true);\n",
        replace: "",
      },
    ],
    nodes: 4,
    profile: "crashes",
  },
  {
    name: "vote-before-sync",
    about: "a vote leaves before its record is synced",
    edits: [
      {
        file: safeSigner,
        find: "      await this.store.write([recordChange(next)], true);",
        replace: "      void this.store.write([recordChange(next)], false);",
      },
    ],
    nodes: 4,
    profile: "crashes",
  },
  {
    name: "certificate-of-few",
    about: "certificate check: fewer than a quorum of signers will do",
    edits: [
      {
        file: certificates,
        find: "  if (signers.length >= quorumOfSet(set)) return signers;",
        replace: "  if (signers.length >= 1) return signers;",
      },
    ],
    nodes: 4,
    profile: "byzantine",
    actor: "lone-certificate",
  },
  {
    name: "certificate-unsigned",
    about: "certificate check: the named signers are counted, their signature is not verified",
    edits: [
      {
        file: certificates,
        find: "    if (await verifier.verify(keys, message, certificate.signature)) return valid(certificate);",
        replace: "    if (keys.length > 0 && message.length > 0) return valid(certificate);",
      },
    ],
    nodes: 4,
    profile: "byzantine",
    actor: "forged-certificate",
  },
  {
    name: "block-above-boundary",
    about:
      "boundary re-proposal: a new block is built, and voted for, above a boundary block that is not final",
    edits: [
      {
        file: `${engine}/proposing.ts`,
        find: "  if (isBoundary(state, found.parent.height)) {",
        replace: "  if (isBoundary(state, found.parent.height) && found.view < 0) {",
      },
      {
        file: `${engine}/judging.ts`,
        find: '  if (header.height > state.epoch.lastHeight) return "the height lies above the epoch\'s last";\n',
        replace: "",
      },
    ],
    nodes: 4,
    profile: "boundaries",
  },
  {
    name: "boundary-rebuilt",
    about:
      "boundary re-proposal: another block than the notarized B is proposed in its place, and voters accept it",
    edits: [
      {
        file: `${engine}/proposing.ts`,
        find: "    const certificate = parentCertificate(state, view);\n",
        replace:
          "    const found = parentCertificate(state, view);\n    const passes = found !== undefined && isBoundary(state, blockOf(state, found.digest)?.header.height ?? 0);\n    if (passes) continue;\n    const certificate = found;\n",
      },
      votersNeedNoNullifications,
    ],
    nodes: 4,
    profile: "boundaries",
  },
  {
    name: "sync-broken-ancestry",
    about: "sync batch check: the blocks of a range need not follow each other",
    edits: [
      {
        file: rangeSource,
        find: "      if (!follows || (parent !== undefined && !equalBytes(parentDigest, parent)))",
        replace: "      if (!follows && parentDigest.length !== parent?.length)",
      },
    ],
    nodes: 4,
    profile: "forged-history",
    actor: "forged-ranges",
  },
  {
    name: "sync-other-finalization",
    about: "sync batch check: a finalization proves a range whose last block it does not name",
    edits: [
      {
        file: rangeSource,
        find: "    if (!names || !equalBytes(finalization.digest, digestOf(header)))",
        replace: "    if (!names && digestOf(header).length === 0)",
      },
    ],
    nodes: 4,
    profile: "forged-history",
    actor: "forged-ranges",
  },
  {
    name: "sync-unverified-finalization",
    about: "sync batch check: the finalization of a range is not verified",
    edits: [
      {
        file: rangeSource,
        find: '    if (proof.kind !== "valid") return this.refuse(peer, proof);\n',
        replace: "",
      },
    ],
    nodes: 4,
    profile: "forged-history",
    actor: "forged-ranges",
  },
  {
    name: "nullification-gap",
    about:
      "rules 2 and 3: a proposer builds on the final tip, whatever was notarized since, and voters ask for no nullification",
    edits: [
      {
        file: `${engine}/proposing.ts`,
        find: "    const certificate = parentCertificate(state, view);\n",
        replace:
          "    if (view > state.tip.view) continue;\n    const certificate = parentCertificate(state, view);\n",
      },
      votersNeedNoNullifications,
    ],
    nodes: 4,
    profile: "boundaries",
  },
  {
    name: "state-root-unchecked",
    about: "rule 3: the header's state root is not compared with the parent's execution",
    edits: [
      {
        file: "packages/driver/src/engine/block-work.ts",
        find: "    if (!equalBytes(parent.stateRoot, header.stateRoot)) {",
        replace: "    if (parent.stateRoot.length !== header.stateRoot.length) {",
      },
    ],
    nodes: 4,
    profile: "byzantine",
    actor: "wrong-state-root",
  },
];
