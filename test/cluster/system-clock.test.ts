import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/cluster/system-clock.js';

describe('the system clock', () => {
  it('never fires before the time', async () => {
    const clock = systemClock();
    const lateness = await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const due = clock.now() + i / 3;
        return new Promise<number>((resolve) => clock.setTimer(i / 3, () => resolve(clock.now() - due)));
      }),
    );
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  });

  it('does not fire what was cancelled', async () => {
    const clock = systemClock();
    let fired = false;
    clock.setTimer(1, () => (fired = true)).cancel();
    await new Promise<void>((resolve) => clock.setTimer(5, resolve));
    expect(fired).toBe(false);
  });

  it('takes delays beyond 2^31 ms, which Node would fire at once', async () => {
    const clock = systemClock();
    let fired = false;
    const timer = clock.setTimer(2 ** 40, () => (fired = true));
    await new Promise<void>((resolve) => clock.setTimer(5, resolve));
    timer.cancel();
    expect(fired).toBe(false);
  });

  it('afterPoll lets a poll pass first, wherever it was asked from', async () => {
    const clock = systemClock();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        clock.afterPoll(() => resolve());
        setImmediate(() => order.push('next iteration'));
      });
    });
    expect(order).toEqual(['next iteration']);
  });

  it('keeps the process alive only between ref() and unref()', () => {
    const clock = systemClock({ unref: true });
    const before = alive();
    const timers = [clock.setTimer(10_000, () => undefined)];
    clock.afterPoll(() => undefined);
    const counts = [alive() - before];
    clock.ref();
    timers.push(clock.setTimer(10_000, () => undefined));
    counts.push(alive() - before);
    clock.unref();
    counts.push(alive() - before);
    for (const timer of timers) timer.cancel();
    expect(counts).toEqual([0, 3, 0]);
  });
});

/** Timers and immediates that keep this process alive. */
function alive(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind === 'Immediate').length;
}
