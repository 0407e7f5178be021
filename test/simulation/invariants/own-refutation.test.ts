import { describe, it } from '@jest/globals';
import type { KnownPeer, ProtocolTimer } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, type Plant } from './planted.js';

/** Node d is told twice within a gossip interval that it is suspected: at 0, and when it has refuted that, at 1. */
function accusedTwice(plant?: Plant): Simulation<SwimMessage> {
  const one = cluster({ nodes: 4 }, plant).settle().runFor(seconds(5));
  const accuser = one.node('a').self;
  const accused = one.node('d');
  for (const incarnation of [0, 1]) {
    accused.received(accuser, {
      type: 'gossip',
      updates: [{ type: 'suspect', id: accused.id, incarnation, accuser: accuser.id, kind: 'soft' }],
    });
    one.runFor(50);
  }
  return one.runFor(seconds(2));
}

describe('an accused member', () => {
  it('that never hears of its accusation is found (8)', () => {
    const deaf = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type !== 'gossip') return super.receive(from, message);
        const updates = message.updates.filter((update) => update.type !== 'suspect');
        super.receive(from, { ...message, updates });
      }
    };
    expectFound(8, accusedTwice, { protocol: deaf }, /d was told of an accusation/);
  });

  it('that skips the refutation it has put off is found (8)', () => {
    const forgetful = class extends Swim {
      override timer(timer: ProtocolTimer, lateMs: number): void {
        if (timer.kind !== 'refute') super.timer(timer, lateMs);
      }
    };
    expectFound(8, accusedTwice, { protocol: forgetful }, /d was told of an accusation at incarnation 1/);
  });
});
