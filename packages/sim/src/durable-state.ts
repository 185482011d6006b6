import {
  decodeSafetyRecord,
  emptySafetyRecord,
  encodeSafetyRecord,
  type FinalizedTip,
  pruneSafetyRecord,
  type SafetyRecord,
} from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import {
  type BlockHeader,
  type Certificate,
  digestOf,
  toEpoch,
  toHeight,
  toView,
  type Verdict,
} from "@consilium/protocol";
import type { SimulatedDisk } from "./disk.js";

/** What a node keeps on its disk, and how. Nothing here is durable before the disk's next sync. */
export class DurableState {
  constructor(
    private readonly disk: SimulatedDisk,
    private readonly chainId: Uint8Array,
    private readonly genesis: FinalizedTip,
  ) {
    disk.provision("record", encodeSafetyRecord(emptySafetyRecord(chainId)));
  }

  get tip(): FinalizedTip {
    return (this.disk.get("tip") as FinalizedTip | undefined) ?? this.genesis;
  }

  get record(): Verdict<SafetyRecord> {
    return decodeSafetyRecord(this.disk.get("record") as Uint8Array | undefined, this.chainId);
  }

  writeRecord(record: SafetyRecord): void {
    this.disk.write(new Map([["record", encodeSafetyRecord(record)]]));
  }

  writeCertificate(certificate: Certificate): void {
    this.disk.write(new Map([[`certificate/${certificate.view}/${certificate.kind}`, certificate]]));
  }

  writeBody(header: BlockHeader): void {
    this.disk.write(new Map([[`body/${toHex(digestOf(header))}`, header]]));
  }

  body(digestHex: string): BlockHeader | undefined {
    return this.disk.get(`body/${digestHex}`) as BlockHeader | undefined;
  }

  certificatesAboveTip(): Certificate[] {
    const { view } = this.tip;
    return (this.disk.entries("certificate/") as Certificate[]).filter((each) => each.view > view);
  }

  headersAboveTip(): BlockHeader[] {
    const { height } = this.tip;
    return (this.disk.entries("body/") as BlockHeader[]).filter((header) => header.height > height);
  }

  /** Finalized blocks from a height on, oldest first. */
  chainFrom(height: number): BlockHeader[] {
    const headers = (this.disk.entries("chain/") as BlockHeader[]).filter(
      (header) => header.height >= height,
    );
    return headers.sort((left, right) => left.height - right.height);
  }

  /** Blocks, finalization and the raised floor of the safety record in one atomic batch; the tip never goes back. */
  commit(headers: readonly BlockHeader[], finalization: Certificate): void {
    const last = headers.at(-1);
    // Sync may have gone past a finalization that still waited in the queue.
    if (last === undefined || last.height <= this.tip.height) return;
    const { height, timestampMs } = last;
    const view = toView(finalization.view);
    const tip: FinalizedTip = {
      digest: digestOf(last),
      height: toHeight(height),
      timestampMs,
      view,
      finalization,
    };
    const batch = new Map<string, unknown>([["tip", tip]]);
    for (const header of headers) {
      batch.set(`chain/${header.height}`, header);
      batch.set(`body/${toHex(digestOf(header))}`, header);
    }
    for (const old of this.disk.entries("certificate/") as Certificate[]) {
      if (old.view <= view) batch.set(`certificate/${old.view}/${old.kind}`, undefined);
    }
    const { record } = this;
    if (record.kind === "valid") {
      const floor = { epoch: toEpoch(finalization.epoch), view };
      batch.set("record", encodeSafetyRecord(pruneSafetyRecord(record.value, floor)));
    }
    this.disk.write(batch);
  }

  sync(then: () => void | Promise<void>): void {
    this.disk.sync(then);
  }

  crash(): void {
    this.disk.crash();
  }
}
