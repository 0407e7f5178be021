import { describe, it } from '@jest/globals';
import type { Peer, ProtocolSendOptions, ProtocolTimer } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, TamperedWorld, type Plant } from './planted.js';

const silentDeath = (plant?: Plant): Simulation<SwimMessage> =>
  cluster({ nodes: 4 }, plant).settle().runFor(seconds(5)).powerOff('d').runFor(seconds(20));

describe('a relay that has had no answer', () => {
  it('and never says so is found (1)', () => {
    class Mute extends TamperedWorld {
      override send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
        if (message.type !== 'relayed') super.send(to, message, options);
      }
    }
    expectFound(1, silentDeath, { world: (real) => new Mute(real) }, /to probe, and has said nothing within/);
  });

  it('and says so too late is found (1)', () => {
    class Slow extends TamperedWorld {
      override after(delayMs: number, timer: ProtocolTimer): void {
        super.after(timer.kind === 'relay-nack' ? delayMs * 1.5 : delayMs, timer);
      }
    }
    expectFound(1, silentDeath, { world: (real) => new Slow(real) }, /to probe, and has said nothing within/);
  });

  it('may be late where its event loop stands still', () => {
    const one = cluster({ nodes: 4 }).settle().runFor(seconds(5)).powerOff('d');
    for (let count = 0; count < 20; count++) one.stall('b', 450).runFor(1000);
    one.finish();
  });
});
