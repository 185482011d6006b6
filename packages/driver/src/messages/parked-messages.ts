/** Messages of the next epoch that one peer may have waiting here. */
const PARKED_PER_PEER_MAX = 32;

export interface WaitingMessage {
  readonly from: string;
  readonly bytes: Uint8Array;
}

/**
 * Messages of the next epoch, kept until this node enters it: whoever is first there proposes at once, and would
 * otherwise be heard only when it sends again.
 */
export class ParkedMessages {
  private readonly byPeer = new Map<string, WaitingMessage[]>();

  park(message: WaitingMessage): void {
    const waiting = this.byPeer.get(message.from) ?? [];
    if (waiting.length >= PARKED_PER_PEER_MAX) return;
    this.byPeer.set(message.from, [...waiting, message]);
  }

  /** Hands all of them out and forgets them. */
  take(): WaitingMessage[] {
    const all = [...this.byPeer.values()].flat();
    this.byPeer.clear();
    return all;
  }
}
