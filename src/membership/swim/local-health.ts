/**
 * Lifeguard's local health multiplier: 0 is healthy, S is very doubtful of itself. Stretches this node's own probe
 * interval and timeout, so that a slow node accuses nobody. Lifeguard §IV-A.
 */
export class LocalHealth {
  readonly #max: number;
  readonly #enabled: boolean;
  readonly #changed: (score: number) => void;
  #score = 0;

  constructor(max: number, enabled: boolean, changed: (score: number) => void) {
    this.#max = max;
    this.#enabled = enabled;
    this.#changed = changed;
  }

  get score(): number {
    return this.#score;
  }

  /** Better by a negative change, worse by a positive one; stays within [0, S]. */
  add(change: number): void {
    if (!this.#enabled) return;
    const score = Math.min(this.#max, Math.max(0, this.#score + change));
    if (score === this.#score) return;
    this.#score = score;
    this.#changed(score);
  }

  /** A time, stretched. */
  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}
