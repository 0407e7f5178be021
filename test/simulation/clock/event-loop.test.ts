import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { EventLoop } from '../../../src/simulation/clock/event-loop.js';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';

function setUp() {
  const world = new VirtualClock();
  const loop = new EventLoop(world);
  const seen: string[] = [];
  const see = (what: string) => () => seen.push(`${what} at ${world.now()}`);
  return { world, loop, seen, see };
}

describe('a frozen event loop', () => {
  it('goes on when the last reason is gone: timers first, then input, then polls', () => {
    const { world, loop, seen, see } = setUp();
    loop.freeze();
    loop.freeze('another reason');
    loop.afterPoll(see('poll'));
    loop.input(see('input'));
    loop.setTimer(10, see('timer'));
    world.runFor(20);
    loop.thaw();
    expect([loop.isFrozen, seen]).toEqual([true, []]);
    loop.thaw('another reason');
    world.runFor(0);
    expect(seen).toEqual(['timer at 20', 'input at 20', 'poll at 20']);
  });

  it('forgets a late timer that is cancelled by an earlier one', () => {
    const { world, loop, seen, see } = setUp();
    loop.setTimer(5, () => later.cancel());
    const later = loop.setTimer(6, see('later'));
    loop.freeze();
    world.runFor(10);
    loop.thaw();
    expect(seen).toEqual([]);
  });

  it('stays still when a callback of its own freezes it again', () => {
    const { loop, seen, see } = setUp();
    loop.freeze();
    loop.input(() => loop.freeze());
    loop.input(see('second'));
    loop.thaw();
    expect(seen).toEqual([]);
    loop.thaw();
    expect(seen).toEqual(['second at 0']);
  });

  it('does nothing any more once it is dead', () => {
    const { world, loop, seen, see } = setUp();
    loop.freeze();
    loop.input(see('input'));
    loop.setTimer(1, see('timer'));
    loop.kill();
    world.runFor(10);
    loop.thaw();
    loop.input(see('input'));
    expect([loop.isFrozen, seen]).toEqual([false, []]);
  });
});

describe('the event loop of a machine that sleeps', () => {
  it('has a clock that stands still, and timers that keep the time they had left', () => {
    const { world, loop, seen, see } = setUp();
    loop.setTimer(10, see('timer'));
    world.runFor(4);
    loop.sleep();
    loop.sleep();
    world.runFor(1000);
    expect(loop.now()).toBe(4);
    loop.wake();
    expect([loop.now(), loop.sleptMs()]).toEqual([4, 1000]);
    world.runFor(100);
    expect(seen).toEqual(['timer at 1010']);
  });

  it('lets no timer see it before its time, to the last bit', () => {
    const someMs = fc.double({ min: 0, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(someMs, someMs), { minLength: 1, maxLength: 8 }), (naps) => {
        const { world, loop } = setUp();
        let fired = 0;
        for (const [delayMs, napMs] of naps) {
          const dueMs = loop.now() + delayMs;
          loop.setTimer(delayMs, () => {
            fired++;
            expect(loop.now()).toBeGreaterThanOrEqual(dueMs);
          });
          loop.sleep();
          world.runFor(napMs);
          loop.wake();
        }
        world.runFor(10_001);
        expect(fired).toBe(naps.length);
      }),
    );
  });

  it('stands still after it woke while it is frozen for another reason', () => {
    const { world, loop, seen, see } = setUp();
    loop.sleep();
    loop.freeze();
    loop.input(see('input'));
    world.runFor(10);
    loop.wake();
    expect(seen).toEqual([]);
    loop.thaw();
    expect(seen).toEqual(['input at 10']);
  });
});

describe('a slow event loop', () => {
  it('does in each turn what was there when the turn began: no phase starves another', () => {
    const { world, loop, seen, see } = setUp();
    loop.slowDown(10);
    /** Always has another timer that is due. */
    const again = () => {
      see('timer')();
      loop.setTimer(1, again);
    };
    again();
    world.runFor(1);
    loop.input(see('input'));
    world.runFor(30);
    expect(seen).toEqual(['timer at 0', 'timer at 1', 'input at 11', 'timer at 21', 'timer at 31']);
  });
});
