/** Proof of work as a model: no chain is run. */
export interface ProofOfWork {
  readonly name: string;
  /** Hashes that the whole network tries each second. */
  readonly hashesPerSecond: number;
  readonly blockIntervalS: number;
  /** Energy of one hash, joules. */
  readonly joulesPerHash: number;
  /** Time in which a block reaches most of the others. */
  readonly propagationS: number;
  /** Blocks on top until a payment counts as settled. */
  readonly confirmations: number;
}

/**
 * Bitcoin-like: about 600 EH/s in 2024; 25 J/TH, between the newest machines' data sheets (17.5 J/TH) and older ones
 * still at work (Cambridge Bitcoin Electricity Consumption Index). Propagation to most nodes within about two seconds.
 */
export const bitcoinLike: ProofOfWork = {
  name: "proof of work, Bitcoin-like",
  hashesPerSecond: 600e18,
  blockIntervalS: 600,
  joulesPerHash: 25e-12,
  propagationS: 2,
  confirmations: 6,
};

/** An alliance that mines by itself: each member one general processor, 10 MH/s of SHA-256d at 65 W. */
export const allianceMining = (members: number): ProofOfWork => ({
  name: "proof of work, one processor a member",
  hashesPerSecond: members * 10e6,
  blockIntervalS: 15,
  joulesPerHash: 65 / 10e6,
  propagationS: 0.5,
  confirmations: 6,
});

/** Hashes tried until a block is found, on average: what difficulty means. */
export const hashesPerBlock = ({ hashesPerSecond, blockIntervalS }: ProofOfWork): number =>
  hashesPerSecond * blockIntervalS;

export const joulesPerBlock = (model: ProofOfWork): number => hashesPerBlock(model) * model.joulesPerHash;

/** Share of blocks found while another one is still on its way: 1 − e^(−propagation / interval) (Decker and Wattenhofer 2013). */
export const orphanRate = ({ propagationS, blockIntervalS }: ProofOfWork): number =>
  1 - Math.exp(-propagationS / blockIntervalS);

export const settlementMs = ({ confirmations, blockIntervalS }: ProofOfWork): number =>
  1_000 * confirmations * blockIntervalS;
