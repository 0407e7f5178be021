import { describe, it } from '@jest/globals';
import type { Peer, ProtocolSendOptions, TraceEvent } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, TamperedWorld, type Plant } from './planted.js';

const silentDeath = (plant?: Plant): Simulation<SwimMessage> =>
  cluster({ nodes: 4 }, plant).settle().runFor(seconds(5)).powerOff('d').runFor(seconds(20));

describe('a probe whose ping is overdue', () => {
  it('and that asks no relays is found (1)', () => {
    class Direct extends TamperedWorld {
      override send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
        if (message.type !== 'pingReq') super.send(to, message, options);
      }
    }
    const plant: Plant = { world: (real) => new Direct(real) };
    expectFound(1, silentDeath, plant, /asked 0 relays to probe d, where 2 could/);
  });

  it('and that asks too few is found (1)', () => {
    expectFound(1, silentDeath, { swim: { indirectProbes: 1 } }, /asked 1 relays to probe d, where 2 could/);
  });

  it('asks nobody where nobody is left to ask', () => {
    cluster({ nodes: 2 }).settle().runFor(seconds(5)).powerOff('b').runFor(seconds(20)).finish();
  });
});

describe('a probe whose ping is not overdue', () => {
  it('and that fails is found (1)', () => {
    class Hasty extends TamperedWorld {
      override traced(event: TraceEvent): void {
        if (event.kind !== 'probe-overdue') super.traced(event);
      }
    }
    expectFound(1, silentDeath, { world: (real) => new Hasty(real) }, /whose ping was not overdue/);
  });
});
