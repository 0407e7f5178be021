import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Clock, Timer } from '../../src/clock.js';
import { ProtocolTimers } from '../../src/cluster/protocol-timers.js';
import type { ProtocolTimer } from '../../src/membership/protocol.js';
import { VirtualClock } from '../../src/simulation/clock/virtual-clock.js';

/** A virtual clock whose owner can stand still: what falls due meanwhile comes late. */
class StallingClock implements Clock {
  #stalled: (() => void)[] | undefined;
  timersSet = 0;
  /** How long its machine has slept, while its time stood still. */
  slept = 0;

  constructor(readonly world = new VirtualClock()) {}

  now(): number {
    return this.world.now();
  }

  sleptMs(): number {
    return this.slept;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    this.timersSet++;
    return this.world.setTimer(delayMs, () =>
      this.#stalled === undefined ? callback() : this.#stalled.push(callback),
    );
  }

  afterPoll(callback: () => void): void {
    this.world.afterPoll(callback);
  }

  stall(ms: number): void {
    this.#stalled = [];
    this.world.runFor(ms);
    const late = this.#stalled;
    this.#stalled = undefined;
    for (const callback of late) callback();
  }
}

function setUp(startMs = 0) {
  const clock = new StallingClock(new VirtualClock(startMs));
  const seen: string[] = [];
  const reactions = new Map<string, () => void>();
  const timers = new ProtocolTimers(clock, {
    fire: (timer: ProtocolTimer, lateMs: number) => {
      seen.push(`${timer.kind}${timer.token} at ${timers.now()} late ${lateMs}`);
      reactions.get(`${timer.kind}${timer.token}`)?.();
    },
    stalled: (ms) => seen.push(`stalled ${ms}`),
  });
  return { clock, seen, timers, reactions };
}

const timer = (kind: string, token = 0): ProtocolTimer => ({ kind, token });

describe('protocol timers', () => {
  it('fire in the order of their deadlines, equal ones in the order in which they were set', () => {
    const { clock, seen, timers } = setUp();
    timers.after(200, timer('c'));
    timers.after(100, timer('a'));
    timers.after(100, timer('b'));
    clock.world.runFor(1000);
    expect(seen).toEqual(['a0 at 100 late 0', 'b0 at 100 late 0', 'c0 at 200 late 0']);
  });

  it('do not fire once cancelled, and a stale cancel does nothing', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a', 1));
    timers.after(100, timer('a', 2));
    timers.cancel(timer('a', 1));
    timers.cancel(timer('a', 3));
    timers.cancel(timer('b', 2));
    clock.world.runFor(1000);
    expect(seen).toEqual(['a2 at 100 late 0']);
  });

  it('are replaced when the same one is set again', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a'));
    timers.after(300, timer('a'));
    expect(timers.pending).toBe(1);
    clock.world.runFor(1000);
    expect(seen).toEqual(['a0 at 300 late 0']);
  });

  it('may be set from within one that fires', () => {
    const { clock, seen, timers, reactions } = setUp();
    reactions.set('a0', () => timers.after(50, timer('b')));
    timers.after(100, timer('a'));
    clock.world.runFor(1000);
    expect(seen).toEqual(['a0 at 100 late 0', 'b0 at 150 late 0']);
  });

  it('of 0 ms, set again and again, let others have their turn', () => {
    const { clock, seen, timers, reactions } = setUp();
    let rounds = 0;
    reactions.set('a0', () => ++rounds < 5 && timers.after(0, timer('a')));
    timers.after(0, timer('a'));
    clock.world.setTimer(0, () => seen.push('another'));
    clock.world.runFor(0);
    expect(seen.indexOf('another')).toBe(1);
    expect(rounds).toBe(5);
  });

  it('use one underlying timer for many deadlines', () => {
    const { clock, timers } = setUp();
    for (let token = 0; token < 1000; token++) timers.after(100 + token, timer('a', token));
    expect(clock.timersSet).toBe(1);
    expect(clock.world.pending).toBe(1);
  });

  it('keep no cancelled ones in great numbers', () => {
    const { clock, timers } = setUp();
    timers.after(1e9, timer('long'));
    for (let token = 0; token < 100_000; token++) {
      timers.after(500, timer('probe', token));
      timers.cancel(timer('probe', token));
    }
    expect(timers.pending).toBe(1);
    expect(clock.world.pending).toBeLessThan(3);
  });

  it('fire after a poll, with lateness 0, unless cancelled', () => {
    const { clock, seen, timers } = setUp();
    timers.afterPoll(timer('verdict', 1));
    timers.afterPoll(timer('verdict', 2));
    timers.cancel(timer('verdict', 2));
    clock.world.setTimer(0, () => seen.push('a message is read'));
    clock.world.runFor(0);
    expect(seen).toEqual(['a message is read', 'verdict1 at 0 late 0']);
  });

  it('never fire after stop, which may be called twice and from within one that fires', () => {
    const { clock, seen, timers, reactions } = setUp();
    reactions.set('a0', () => timers.stop());
    timers.after(100, timer('a'));
    timers.after(100, timer('b'));
    timers.afterPoll(timer('c'));
    timers.stop();
    timers.after(100, timer('d'));
    clock.world.runFor(1000);
    expect(seen).toEqual([]);
    expect(clock.world.pending).toBeLessThanOrEqual(1);

    const other = setUp();
    other.reactions.set('a0', () => other.timers.stop());
    other.timers.after(100, timer('a'));
    other.timers.after(100, timer('b'));
    other.clock.world.runFor(1000);
    other.timers.stop();
    expect(other.seen).toEqual(['a0 at 100 late 0']);
    expect(other.clock.world.pending).toBe(0);
  });
});

describe('the clock of the protocol', () => {
  it('takes a stall off, tells it, and gives later timers the time that they had left', () => {
    const { clock, seen, timers } = setUp();
    timers.after(500, timer('probe'));
    timers.after(100, timer('gossip'));
    timers.after(4000, timer('suspicion'));
    clock.stall(2100);
    expect(timers.now()).toBe(100);
    clock.world.runFor(400);
    expect(seen).toEqual(['stalled 2000', 'gossip0 at 100 late 2000', 'probe0 at 500 late 0']);
    clock.world.runFor(3499);
    expect(seen).toHaveLength(3);
    clock.world.runFor(1);
    expect(seen[3]).toBe('suspicion0 at 4000 late 0');
  });

  it('does not hold back for a lateness of up to 50 ms', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a'));
    timers.after(120, timer('b'));
    clock.stall(150);
    expect(timers.now()).toBe(150);
    expect(seen).toEqual(['a0 at 150 late 50', 'b0 at 150 late 30']);
  });

  it('never runs backwards, although it is looked at in the middle of a stall', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a'));
    timers.after(5000, timer('b'));
    const looks: number[] = [];
    for (const atMs of [50, 140, 160, 900, 1900]) clock.world.setTimer(atMs, () => looks.push(timers.now()));
    clock.stall(2000);
    looks.push(timers.now());
    expect(looks).toEqual([50, 140, 140, 140, 140, 140]);
    expect(seen).toEqual(['stalled 1860', 'a0 at 140 late 1900']);
  });

  it('does not spin when the times that it is held back by do not add up to the last bit', () => {
    const { clock, seen, timers } = setUp();
    for (let round = 0; round < 50; round++) {
      timers.after(100 / 3, timer('a'));
      timers.after(1000 / 7, timer('b'));
      clock.stall(1234.567 + round / 11);
      clock.world.runFor(1000 / 3);
    }
    expect(seen.filter((line) => line.startsWith('b0'))).toHaveLength(50);
  });

  it('still tells a stall whose witness was cancelled meanwhile, and makes no other timer late', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a'));
    timers.after(300, timer('b'));
    clock.world.setTimer(1100, () => {
      timers.now();
      timers.cancel(timer('a'));
    });
    clock.stall(1200);
    clock.world.runFor(1000);
    expect(seen).toEqual(['stalled 1000', 'b0 at 300 late 0']);
  });
});

describe('a timer that fires', () => {
  /** Milliseconds with a fraction, as clocks have them. */
  const someMs = (max: number) => fc.double({ min: 0, max, noNaN: true });

  it('finds the clock where its delay has passed, to the last bit, also after stalls', () => {
    fc.assert(
      fc.property(someMs(1e6), fc.array(someMs(5000), { maxLength: 8 }), (startMs, delays) => {
        const { clock, timers, reactions } = setUp(startMs);
        delays.forEach((delayMs, token) => {
          const dueMs = timers.now() + delayMs;
          reactions.set(`a${token}`, () => expect(timers.now()).toBeGreaterThanOrEqual(dueMs));
          timers.after(delayMs, timer('a', token));
          clock.stall(delayMs / 3);
        });
        clock.world.runFor(100_000);
        expect(timers.pending).toBe(0);
      }),
    );
  });

  it('can be set for the rest of a time again and again, and comes to its end, whatever rounding leaves', () => {
    const countDown = (startMs: number): void => {
      const { clock, timers, reactions } = setUp(startMs);
      const sinceMs = timers.now();
      const goOn = (): void => {
        const restMs = 2000 - (timers.now() - sinceMs);
        if (restMs > 0) timers.after(Math.min(200, restMs), timer('a'));
      };
      reactions.set('a0', goOn);
      goOn();
      clock.world.runFor(2001);
      expect(timers.pending).toBe(0);
    };
    // Beyond 2^14 ms numbers lie twice as far apart: what ten times 200 ms lack to 2000 may be half a step, and rounds away.
    countDown(15_992.943_480_697_426);
    fc.assert(fc.property(fc.double({ min: 2 ** 14 - 1999, max: 2 ** 14, noNaN: true }), countDown));
  });
});

describe('a machine that has slept', () => {
  it('is told of at the first timer that fires afterwards, once, and no timer is late', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a'));
    timers.after(200, timer('b'));
    clock.slept = 60_000;
    clock.world.runFor(1000);
    expect(seen).toEqual(['stalled 60000', 'a0 at 100 late 0', 'b0 at 200 late 0']);
  });

  it('for less than a second, which uptime cannot measure, is not', () => {
    const { clock, seen, timers } = setUp();
    timers.after(100, timer('a'));
    clock.slept = 999;
    clock.world.runFor(1000);
    expect(seen).toEqual(['a0 at 100 late 0']);
  });
});
