import type { CreditFrame } from './frame.js';
import type { Load } from './inbox.js';
import type { TransportLimits } from './limits.js';
import type { Claim } from './reassembly.js';

/** What comes with the first frame of a message, for the layer above. */
export interface MessageHead {
  readonly kind: number;
  readonly meta: Uint8Array;
  readonly correlation: number;
}

/** A payload that comes in several frames. */
export interface Assembly extends MessageHead {
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
  #toldMessages = 0;
  #toldBytes = 0;

  constructor(
    readonly number: number,
    limits: TransportLimits,
    /** What the peer has in the inbox, with what came in older epochs. */
    readonly load: Load,
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

  /** Whether its peer has less than a window in this epoch, because older ones have filled it in part. */
  get reduced(): boolean {
    return this.#toldMessages < this.#windowMessages || this.#toldBytes < this.#windowBytes;
  }

  /** What a fresh stream may send. */
  get window(): CreditFrame {
    return {
      type: 'credit',
      stream: this.number,
      messages: this.#windowMessages,
      bytes: this.#windowBytes,
    };
  }

  /** The peer has been granted credit: the whole window, less what is held of older epochs. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    this.credit();
  }

  /** What a message pays in bytes of credit: a large one has a permit instead. */
  price(cost: number): number {
    return cost > this.permitAbove ? 0 : cost;
  }

  /** Books a message. False when the peer had no credit for it. */
  take(bytes: number): boolean {
    if (this.#usedMessages >= this.#toldMessages || this.#usedBytes + bytes > this.#toldBytes) return false;
    this.#usedMessages++;
    this.#usedBytes += bytes;
    this.load.messages++;
    this.load.bytes += bytes;
    return true;
  }

  /** Whether so much was released that it is time to tell the peer. */
  get worthTelling(): boolean {
    return (
      (this.#totalMessages - this.#toldMessages) * RETURN_SHARE >= this.#windowMessages ||
      (this.#totalBytes - this.#toldBytes) * RETURN_SHARE >= this.#windowBytes
    );
  }

  /** The totals that the peer may use from now on. */
  credit(): CreditFrame {
    this.#toldMessages = this.#totalMessages;
    this.#toldBytes = this.#totalBytes;
    return { type: 'credit', stream: this.number, messages: this.#toldMessages, bytes: this.#toldBytes };
  }

  get #totalMessages(): number {
    return this.#usedMessages + this.#windowMessages - this.load.messages;
  }

  get #totalBytes(): number {
    return this.#usedBytes + this.#windowBytes - this.load.bytes;
  }
}
