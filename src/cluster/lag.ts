import type { Clock } from '../clock.js';

/** How far back the lag is looked at, in slots of a second. */
const SLOTS = 10;
const SLOT_MS = 1000;

/** How much the event loop stood still lately: one long stall, or many short ones. */
export class Lag {
  readonly #slots = Array.from({ length: SLOTS }, () => ({ number: Number.NaN, ms: 0 }));

  constructor(private readonly clock: Clock) {}

  /** The loop stood still for so long, until now. */
  add(ms: number): void {
    const number = this.#now();
    const slot = this.#slots[Math.abs(number % SLOTS)]!;
    if (slot.number !== number) slot.ms = 0;
    slot.number = number;
    slot.ms += ms;
  }

  /** In all within the last ten seconds, in milliseconds. A stall counts where it ended, so it may be more than that. */
  get ms(): number {
    const oldest = this.#now() - SLOTS;
    return this.#slots.reduce((sum, slot) => (slot.number > oldest ? sum + slot.ms : sum), 0);
  }

  #now(): number {
    return Math.floor(this.clock.now() / SLOT_MS);
  }
}
