import type { Task } from '../clock/virtual-clock.js';

/** What an activity has to do next: send, read, or go on with what a timer started. */
export interface Step {
  readonly task: Task;
  /** Whether it is a message, which costs time. */
  readonly isMessage: boolean;
  /** It only starts the activity's next turn, and comes after all that is due at that instant. */
  readonly isTick?: boolean | undefined;
}

/** The process that a lane is a part of. */
export interface LaneOwner {
  readonly isOpen: boolean;
  readonly messageCostMs: number;
  /** Steps that wait in all its lanes. */
  waiting: number;
  /** Calls back so much later, after what is due by then already. */
  after(delayMs: number, callback: () => void): void;
  /** Takes a step; what it sends is added to the lane meanwhile. */
  take(step: Step, lane: IoLane): void;
}

/** One activity's steps, taken one after the other while the process's gate is open. */
export class IoLane {
  readonly #owner: LaneOwner;
  #steps: Step[] = [];
  /** What the step that is being taken adds: it comes before what waits already. */
  #added: Step[] | undefined;
  #isBusy = false;

  constructor(owner: LaneOwner) {
    this.#owner = owner;
  }

  get length(): number {
    return this.#steps.length;
  }

  add(step: Step): void {
    this.#owner.waiting++;
    (this.#added ?? this.#steps).push(step);
  }

  /** Takes steps for as long as the gate is open. */
  goOn(): void {
    while (this.#owner.isOpen && !this.#isBusy && this.#added === undefined && this.#steps.length > 0) {
      const costMs = this.#steps[0]!.isMessage ? this.#owner.messageCostMs : 0;
      if (costMs === 0) this.#takeFirst();
      else this.#takeFirstAfter(costMs);
    }
  }

  clear(): void {
    this.#owner.waiting -= this.#steps.length;
    this.#steps = [];
  }

  #takeFirstAfter(costMs: number): void {
    this.#isBusy = true;
    this.#owner.after(costMs, () => {
      this.#isBusy = false;
      // The gate may have shut meanwhile: the step is taken when it opens.
      if (this.#owner.isOpen && this.#steps.length > 0) this.#takeFirst();
      this.goOn();
    });
  }

  #takeFirst(): void {
    const step = this.#steps.shift()!;
    this.#owner.waiting--;
    this.#added = [];
    this.#owner.take(step, this);
    if (this.#added.length > 0) this.#steps.unshift(...this.#added);
    this.#added = undefined;
  }
}
