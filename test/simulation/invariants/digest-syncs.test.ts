import { describe, it } from '@jest/globals';
import type { KnownPeer } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, type Plant } from './planted.js';

/** Node a cannot hear of what c has to tell, which is told for a moment only. Nobody is suspected. */
function outdated(plant?: Plant): Simulation<SwimMessage> {
  const one = cluster({ nodes: 4, swim: { retransmitMultiplier: 1 } }, plant)
    .settle()
    .runFor(seconds(5));
  one.partition(['a'], ['b', 'c', 'd']).setMetadata('c', { zone: 'east' }).runFor(700);
  return one.healAll().runFor(seconds(20));
}

describe('a digest that differs for two contacts', () => {
  it('and starts no sync is found (14)', () => {
    const content = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type !== 'ack') return super.receive(from, message);
        super.receive(from, { ...message, digest: { ...message.digest, version: 0 } });
      }
    };
    expectFound(14, outdated, { protocol: content }, /by \d+ contacts in a row, and begins no sync/);
  });
});
