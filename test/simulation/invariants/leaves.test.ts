import { describe, it } from '@jest/globals';
import type { KnownPeer, ProtocolTimer } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { Calm } from '../../../src/simulation/invariants/calm.js';
import type { Check } from '../../../src/simulation/invariants/check.js';
import { Leaves } from '../../../src/simulation/invariants/leaves.js';
import { minutes, seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, type Plant } from './planted.js';

/** With this check alone: what an observer does not take in, rule 7 would find. */
function checks(): readonly Check<SwimMessage>[] {
  const calm = new Calm<SwimMessage>({ maxLatencyMs: 10 });
  return [calm, new Leaves(resolveSwimOptions('lan'), calm)];
}

const leave = (plant?: Plant): Simulation<SwimMessage> =>
  cluster({ nodes: 6, checks: checks() }, plant).settle().runFor(seconds(10)).leave('b').runFor(minutes(2));

/** Hears of no leave. */
class Sentimental extends Swim {
  override receive(from: KnownPeer, message: SwimMessage): void {
    if (message.type === 'leaving') return;
    if (message.type === 'page')
      return super.receive(from, {
        ...message,
        members: message.members.filter(({ state }) => state !== 'left'),
      });
    if (!('updates' in message)) return super.receive(from, message);
    super.receive(from, { ...message, updates: message.updates.filter(({ type }) => type !== 'left') });
  }
}

describe('a leave in calm', () => {
  it('after which somebody finds the leaver unreachable is found (6)', () => {
    // Takes the relays' word that they know better for one that the port is closed.
    class Mistrustful extends Sentimental {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type === 'relayed') return super.receive(from, { ...message, outcome: 'refused' });
        super.receive(from, message);
      }
    }
    expectFound(
      6,
      leave,
      { protocol: Mistrustful, at: 'e' },
      /e found b unreachable, which has left in calm/,
    );
  });

  it('that somebody never hears of is found (6)', () => {
    class Faithful extends Sentimental {
      override timer(timer: ProtocolTimer, lateMs: number): void {
        if (timer.kind !== 'suspicion') super.timer(timer, lateMs);
      }
      override link(): void {}
    }
    expectFound(6, leave, { protocol: Faithful, at: 'e' }, /e holds b suspect \d+ ms after it left/);
  });
});
