import type { CreditFrame } from './frame.js';
import type { TransportLimits } from './limits.js';
import type { Claim } from './reassembly.js';

/** A payload that comes in several frames. */
export interface Assembly {
  readonly kind: number;
  readonly meta: Uint8Array;
  /** Undefined for one over our limit: it is refused, and its frames lead nowhere. */
  readonly bytes: Uint8Array | undefined;
  readonly totalBytes: number;
  filled: number;
  readonly cost: number;
  readonly claim: Claim | undefined;
}

/** What is under way in one line of a stream. */
export interface Slot {
  /** The permit of a payload that has not begun. */
  claim: Claim | undefined;
  assembly: Assembly | undefined;
}

/** Where one stream stands on one of its sides, since the epoch began. */
export interface StreamStanding {
  readonly stream: number;
  readonly credit: { readonly messages: number; readonly bytes: number };
  readonly used: { readonly messages: number; readonly bytes: number };
}

/** Credit goes back when this share of a window has been taken, so that not every message costs a frame. */
const RETURN_SHARE = 4;

/** The credit of one stream of one peer, as its receiver keeps it: totals since the epoch began. */
export class IncomingStream {
  /** Stands in the list of those whose credit goes out at the end of the turn. */
  creditDue = false;
  /** Costs above need a permit. */
  readonly permitAbove: number;
  readonly slots: readonly [Slot, Slot] = [
    { claim: undefined, assembly: undefined },
    { claim: undefined, assembly: undefined },
  ];
  #windowMessages: number;
  #windowBytes: number;
  #open: boolean;
  #usedMessages = 0;
  #usedBytes = 0;
  #releasedMessages = 0;
  #releasedBytes = 0;
  #toldMessages = 0;
  #toldBytes = 0;

  constructor(
    readonly number: number,
    limits: TransportLimits,
    open: boolean,
  ) {
    this.#windowMessages = limits.windowMessages;
    this.#windowBytes = limits.windowBytes;
    this.permitAbove = Math.floor(limits.windowBytes / 2);
    this.#open = false;
    if (open) this.open();
  }

  /** Messages or bytes that the peer may still send, the lesser; see audit.ts. */
  get creditLeft(): number {
    return Math.min(this.#toldMessages - this.#usedMessages, this.#toldBytes - this.#usedBytes);
  }

  /** Messages and bytes that were taken from the peer and not released; see audit.ts. */
  get unreleased(): { readonly messages: number; readonly bytes: number } {
    return {
      messages: this.#usedMessages - this.#releasedMessages,
      bytes: this.#usedBytes - this.#releasedBytes,
    };
  }

  /** Totals, as the peer has to know them; see audit.ts. */
  get standing(): StreamStanding {
    return {
      stream: this.number,
      credit: { messages: this.#toldMessages, bytes: this.#toldBytes },
      used: { messages: this.#usedMessages, bytes: this.#usedBytes },
    };
  }

  slot(free: boolean): Slot {
    return this.slots[free ? 1 : 0];
  }

  /** The peer has been granted credit: the whole window. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    this.#toldMessages = this.#windowMessages;
    this.#toldBytes = this.#windowBytes;
  }

  /** Books a message. False when the peer had no credit for it. */
  take(bytes: number): boolean {
    if (this.#usedMessages >= this.#toldMessages || this.#usedBytes + bytes > this.#toldBytes) return false;
    this.#usedMessages++;
    this.#usedBytes += bytes;
    return true;
  }

  /** Books a message as taken by the reader; says whether it is time to tell the peer. */
  released(bytes: number): boolean {
    this.#releasedMessages++;
    this.#releasedBytes += bytes;
    return (
      (this.#releasedMessages + this.#windowMessages - this.#toldMessages) * RETURN_SHARE >=
        this.#windowMessages ||
      (this.#releasedBytes + this.#windowBytes - this.#toldBytes) * RETURN_SHARE >= this.#windowBytes
    );
  }

  /** The totals that the peer may use from now on. */
  credit(): CreditFrame {
    this.#toldMessages = this.#releasedMessages + this.#windowMessages;
    this.#toldBytes = this.#releasedBytes + this.#windowBytes;
    return { type: 'credit', stream: this.number, messages: this.#toldMessages, bytes: this.#toldBytes };
  }
}
