import type { Entry } from './entry.js';
import type { Parts } from './parts.js';

/** Time over which out-of-turn probes of one member are spread, per member of the cluster. Decisions 3. */
const SPREAD_MS_PER_MEMBER = 2;

/** Why a member is probed out of turn. `lost`: it is said to live, and held unreachable here. */
export type CheckReason = 'closed' | 'refused' | 'lost';

/** The subject of the timer `check`. */
export interface Check {
  readonly entry: Entry;
  readonly reason: CheckReason;
}

/** Probes out of turn, after a jitter, so that a death does not make everybody dial at once. One per member. */
export class Checks {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** `closed` checks are dropped when somebody else's suspicion comes first. */
  schedule(entry: Entry, withinMs: number, reason: CheckReason): void {
    if (entry.checkToken !== 0) return;
    const { timers, table, world } = this.#parts;
    const spreadMs = reason === 'refused' ? withinMs : Math.min(withinMs, SPREAD_MS_PER_MEMBER * table.size);
    const check: Check = { entry, reason };
    entry.checkToken = timers.after(spreadMs * world.random(), 'check', check);
  }

  cancel(entry: Entry): void {
    entry.checkToken = this.#parts.timers.cancel(entry.checkToken);
  }

  due({ entry, reason }: Check): void {
    entry.checkToken = 0;
    if (this.#parts.leaver.leaving) return;
    this.#parts.count('checks');
    if (reason === 'lost') return this.#parts.healer.ask(entry);
    this.#parts.prober.begin(entry);
  }
}
