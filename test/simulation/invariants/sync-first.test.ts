import { describe, it } from '@jest/globals';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, type Plant } from './planted.js';

/** Believes that it was away for a moment only. */
const unaware = class extends Swim {
  override stalled(ms: number): void {
    super.stalled(Math.min(ms, 900));
  }
};

describe('a node that was away', () => {
  it('and judges before it has synced is found (10)', () => {
    const suspecting = (plant?: Plant): Simulation<SwimMessage> => {
      const one = cluster({ nodes: 2 }, plant).settle().runFor(seconds(5)).powerOff('b');
      return one.untilSuspected('b', { by: 'a' }).stall('a', 2000).runFor(seconds(30));
    };
    expectFound(10, suspecting, { protocol: unaware, at: 'a' }, /a judged b after a stall, before any sync/);
  });

  it('and suspects before it has synced is found (10)', () => {
    const probing = (plant?: Plant): Simulation<SwimMessage> => {
      const one = cluster({ nodes: 3 }, plant).settle().runFor(seconds(5)).powerOff('b').powerOff('c');
      return one.stall('a', 2000).runFor(seconds(20));
    };
    expectFound(10, probing, { protocol: unaware, at: 'a' }, /a suspected . after a stall, before any sync/);
  });
});
