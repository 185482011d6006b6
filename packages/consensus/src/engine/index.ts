/**
 * # Consensus, epoch by epoch: Simplex
 *
 * This is the specification in our own words; the files beside it are its parts. After Benjamin Chan and Rafael Pass,
 * "Simplex Consensus: A Simple and Fast Consensus Protocol" (TCC 2023, ePrint 2023/463).
 *
 * n validators, of which at most f = ⌊(n−1)/3⌋ are faulty, agree on a chain of blocks. A certificate is q = ⌊2n/3⌋ + 1
 * equal votes. Time is cut into views; one validator, the proposer, owns each. A view ends with a notarization (a block
 * for it is certified) or a nullification (it is given up), and every certified block names its parent's view: all views
 * between the two are nullified.
 *
 * **Why it is safe.** An honest validator notarizes once in a view and never votes both nullify and finalize in it. Two
 * certificates share an honest validator, so a view has at most one notarized block, and a finalized view has no
 * nullification: no later block can skip it. **Why it is live.** Votes alone never move views, certificates do, and
 * whoever holds one passes it on; so honest validators are soon in one view, and the first honest proposer there gets its
 * block notarized and finalized.
 *
 * 1. **Entering a view** starts no deadline. The timers `propose` (2Δ) and `advance` (3Δ) start on work: known pending
 *    work, a proposal of the view, or a block notarized but not final; not before the block interval, and at the latest
 *    at the heartbeat. The work is forwarded to the proposer first. A proposer that signed nothing in the last r views of
 *    known history gets no time. (`views.ts`)
 * 2. **Proposing.** The proposer builds on the newest certified block after which every view is nullified, or on the
 *    finalized tip. Its notarize vote is the proposal's signature. The parent's certificate and the newest 64
 *    nullifications travel along. In an epoch's first view the parent's certificate is the finalization of the last
 *    boundary block. A boundary block that is certified is itself proposed again. (`proposing.ts`)
 * 3. **Notarizing.** The first proposal of the current view from its proposer, once the parent is certified, the skipped
 *    views are nullified, the header is well formed and the application has checked the payload. A block that is proposed
 *    again was well formed then: its author and timestamp are not judged again. (`judging.ts`)
 * 4. **A notarization** of view w moves everyone behind to w + 1; who did not nullify w votes to finalize it.
 * 5. **A timeout** makes a nullify vote, unless finalize was voted. While stuck, own votes and the newest certificates
 *    are sent again, backing off to 8Δ. (`views.ts`, `recovery.ts`)
 * 6. **A nullification** of view w moves everyone behind to w + 1.
 * 7. **A finalization** makes its block and all ancestors final, once their bodies are here; missing ones are fetched, a
 *    long gap is synced by range. (`certificates.ts` for 4, 6 and 7)
 *
 * **What is durable.** A certificate before anything follows from it, so before any vote in a later view; a body before
 * its notarize vote is signed; a vote in the safety record before it leaves; the tip's finalization before older votes
 * are dropped. After a restart the engine gets all of it back, signs its own votes again and sends them.
 *
 * **Helping.** A nullify vote of an older view, or any message two views old, is answered with the tip's finalization and
 * the certificate that entered the current view. A node that comes back needs nothing else to rejoin.
 *
 * ## Deviations from the paper
 * - A view is not opened by a clock but by work, so an idle chain is silent and nobody is at fault in it.
 * - The paper's dummy block is a nullification; its single 3Δ timer is joined by a shorter one for a missing proposal.
 * - A vote names the parent's view, so certificates alone show which views a block skips. A proposal carries certificates
 *   and not the chain; what a voter lacks it fetches.
 * - The paper assumes that messages arrive. Here they are lost, so votes and certificates are repeated while stuck.
 * - A notarize vote may be sent after a certificate left the view, so that slow honest validators are seen to work. It
 *   is safe, because it is still the only one of its view and never follows nullify.
 * - Δ doubles, and blocks shrink, after every n failed views since the last finalization, until both have reached their
 *   limits; a finalization takes one step back, and a new epoch keeps the steps. A view fails that is nullified, or that
 *   was notarized only after this node had given it up.
 * - Certificates are multisignatures with a list of signers, not threshold signatures.
 * - The state root in a header is the one after the parent, so that execution is off the path of a vote.
 *
 * ## Epochs
 * An epoch ends with a block of a height known beforehand, the boundary block, and the next set rests on its finality.
 * So nothing is proposed or judged above it; once it is notarized it is proposed again, unchanged, in each following
 * view until one of them is final: its parent view is then the view that notarized it, and the views between are
 * nullified as under any block. Once its finalization is known no vote is cast any more, and once it is final this
 * engine idles, deaf to its epoch, until `newEpoch` brings the next set; it then stands in view 1 on top of the boundary
 * block. Views, votes and certificates carry the epoch, and everything from another one is dropped here; the driver
 * answers those who are behind and catches up with those ahead. (`epochs.ts`)
 *
 * ## The own key
 * The engine knows a vote before the signer is asked, and the safety record holds it before a signature exists. A vote or
 * certificate above the tip that shows another vote of this node's key therefore means that a second copy of the key, or
 * an older record, is at work: this node stops voting at once. (`own-key.ts`)
 */
export { certificatesOfRange, newestCertificates, wantsVote } from "./recovery.js";
export { createState, deltaMs, proposerOf } from "./state.js";
export { step } from "./step.js";
export * from "./types.js";
