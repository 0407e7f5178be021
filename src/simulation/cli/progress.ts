import type { CliIo } from './cli-io.js';

/** Between two lines of progress. */
const INTERVAL_MS = 3000;
/** A seed that takes longer is named: if the run hangs, it is the one. */
const LONG_MS = 20_000;

/** Tells people who wait how far a run is, every few seconds. */
export class Progress {
  readonly #io: CliIo;
  readonly #total: number | undefined;
  readonly #startedMs = performance.now();
  readonly #running = new Map<number, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #done = 0;
  #violated = 0;

  constructor(io: CliIo, total: number | undefined) {
    this.#io = io;
    this.#total = total;
    // Seeds run in threads: in this one they would let no timer fire.
    this.#timer = setInterval(() => this.#tell(), INTERVAL_MS);
  }

  began(seed: number): void {
    this.#running.set(seed, performance.now());
  }

  ended(seed: number, ok: boolean): void {
    this.#running.delete(seed);
    this.#done++;
    if (ok) return;
    this.#violated++;
    // At once: with --keep-going the report may be an hour away.
    this.#io.err(`seed ${seed} has failed\n`);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const nowMs = performance.now();
    const long = [...this.#running]
      .filter(([, sinceMs]) => nowMs - sinceMs > LONG_MS)
      .map(([seed, sinceMs]) => `seed ${seed} for ${Math.round((nowMs - sinceMs) / 1000)} s`);
    const of = this.#total === undefined ? '' : ` of ${this.#total}`;
    const violated = this.#violated === 0 ? '' : `, ${this.#violated} violated`;
    const running = long.length === 0 ? '' : `; still at ${long.join(', ')}`;
    const seconds = Math.round((nowMs - this.#startedMs) / 1000);
    this.#io.err(`${this.#done}${of} seeds in ${seconds} s${violated}${running}\n`);
  }
}
