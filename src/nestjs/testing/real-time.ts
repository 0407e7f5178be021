import { SimulationError } from '../../simulation/simulation-error.js';

/** The system's own, taken before a test can put fake ones in their place. */
const real = { setImmediate, setTimeout, now: performance.now.bind(performance) };

/** So many turns of the event loop come before a wait by the clock: most of what is real takes less. */
const QUICK_TURNS = 20;
const WAIT_MS = 1;

/** What promises and virtual time need to go on. */
const needed = ['nextTick', 'queueMicrotask', 'setImmediate'] as const;

/** Real time that was waited for something which virtual time does not bring. */
export class RealTime {
  #turns = 0;
  #waitedMs = 0;

  /** Real milliseconds waited so far. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** Lets real timers, sockets and files have a turn. */
  async turn(): Promise<void> {
    const startedAtMs = real.now();
    await new Promise((resolve) => {
      if (this.#turns++ < QUICK_TURNS) real.setImmediate(resolve);
      else real.setTimeout(resolve, WAIT_MS);
    });
    this.#waitedMs += real.now() - startedAtMs;
  }
}

/** @throws SimulationError when fake timers have taken away what every promise of the cluster needs */
export function refuseFakeTicks(): void {
  const current = { nextTick: process.nextTick, queueMicrotask, setImmediate };
  const faked = needed.filter((name) => isFake(current[name]));
  if (faked.length === 0) return;
  throw new SimulationError(
    `Fake timers have replaced ${faked.join(', ')}, without which no message arrives: leave them alone, for example with jest.useFakeTimers({ doNotFake: ['${needed.join("', '")}'] })`,
  );
}

/** Sinon's fakes, which Jest and Vitest use, carry their clock. */
function isFake(timer: object): boolean {
  return 'clock' in timer;
}
