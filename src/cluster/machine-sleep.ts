import { uptime } from 'node:os';

/** The clocks of a machine, in milliseconds. */
export interface MachineClocks {
  /** Since it was switched on, its sleep included; tens of microseconds to ask, and coarse. */
  uptimeMs(): number;
  /** As the user sees it, its sleep included; may be set to another time. */
  wallMs(): number;
  /** Stands still while the machine sleeps. */
  monotonicMs(): number;
}

const machineClocks: MachineClocks = {
  uptimeMs: () => uptime() * 1000,
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The wall clock has moved by so much against the monotonic one: it was set, or the machine slept. */
const MOVED_MS = 100;
/** The uptime is asked at least this often, for a sleep after which the wall clock was set back. */
const LOOK_MS = 10_000;

/** How long the machine has slept. Mostly the wall clock tells that it has not; only the uptime tells for how long. */
export class MachineSleep {
  readonly #clocks: MachineClocks;
  readonly #aheadAtStartMs: number;
  #wallAheadMs: number;
  #lookedAtMs: number;
  #sleptMs = 0;

  constructor(clocks = machineClocks) {
    this.#clocks = clocks;
    this.#lookedAtMs = clocks.monotonicMs();
    this.#wallAheadMs = clocks.wallMs() - this.#lookedAtMs;
    this.#aheadAtStartMs = clocks.uptimeMs() - this.#lookedAtMs;
  }

  /** Since this was made. */
  get totalMs(): number {
    const nowMs = this.#clocks.monotonicMs();
    const wallAheadMs = this.#clocks.wallMs() - nowMs;
    const hasMoved = Math.abs(wallAheadMs - this.#wallAheadMs) >= MOVED_MS;
    if (!hasMoved && nowMs - this.#lookedAtMs < LOOK_MS) return this.#sleptMs;
    this.#wallAheadMs = wallAheadMs;
    this.#lookedAtMs = nowMs;
    const aheadMs = this.#clocks.uptimeMs() - nowMs;
    return (this.#sleptMs = Math.max(0, aheadMs - this.#aheadAtStartMs));
  }
}
