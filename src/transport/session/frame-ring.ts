import type { OutgoingFrame } from './message.js';

const INITIAL_SLOTS = 64;

/** The frames of a session that are not acknowledged, by sequence number. */
export class FrameRing {
  /** Frames below are acknowledged. */
  first = 0;
  /** The sequence number that the next frame gets. */
  next = 0;
  #slots: (OutgoingFrame | undefined)[] = new Array<OutgoingFrame | undefined>(INITIAL_SLOTS).fill(undefined);
  #mask = INITIAL_SLOTS - 1;

  get length(): number {
    return this.next - this.first;
  }

  push(frame: OutgoingFrame): void {
    if (this.length > this.#mask) this.#grow();
    this.#slots[this.next++ & this.#mask] = frame;
  }

  /** The caller has checked that `first <= seq < next`. */
  at(seq: number): OutgoingFrame {
    return this.#slots[seq & this.#mask]!;
  }

  shift(): OutgoingFrame {
    const slot = this.first++ & this.#mask;
    const frame = this.#slots[slot]!;
    this.#slots[slot] = undefined;
    return frame;
  }

  #grow(): void {
    const slots = new Array<OutgoingFrame | undefined>((this.#mask + 1) * 2).fill(undefined);
    const mask = slots.length - 1;
    for (let seq = this.first; seq < this.next; seq++) slots[seq & mask] = this.#slots[seq & this.#mask];
    this.#slots = slots;
    this.#mask = mask;
  }
}
