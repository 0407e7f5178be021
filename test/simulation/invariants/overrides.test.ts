import { describe, expect, it } from '@jest/globals';
import type { Member } from '../../../src/membership/membership.js';
import type { KnownPeer } from '../../../src/membership/protocol.js';
import type { SwimMessage, Update } from '../../../src/membership/swim/messages.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { claimOf } from '../../../src/simulation/invariants/claims.js';
import { runScenario } from '../../../src/simulation/scenarios/run-scenario.js';
import { minutes, seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { cluster, expectFound, type Plant } from './planted.js';

type Cluster = Simulation<SwimMessage>;

/** A protocol that hears other updates than it is told. */
function hearing(
  change: (update: Update, held: (id: Member['id']) => Member | undefined) => Update | undefined,
) {
  return class extends Swim {
    override receive(from: KnownPeer, message: SwimMessage): void {
      if (message.type !== 'ping' && message.type !== 'ack' && message.type !== 'gossip')
        return super.receive(from, message);
      const updates = message.updates.flatMap((update) => change(update, (id) => this.member(id)) ?? []);
      super.receive(from, { ...message, updates });
    }
  };
}

const silentDeath = (plant?: Plant): Cluster =>
  cluster({ nodes: 5 }, plant).settle().runFor(seconds(5)).powerOff('d').runFor(minutes(2));

const news = (plant?: Plant): Cluster =>
  cluster({ nodes: 5 }, plant).settle().setMetadata('b', { version: 1 }).runFor(seconds(20));

const split = (plant?: Plant): Cluster =>
  cluster({ nodes: 4 }, plant)
    .settle()
    .partition(['a', 'b', 'c'], ['d'])
    .runFor(minutes(2))
    .healAll()
    .runFor(minutes(10));

describe('the override table', () => {
  it('of an observer that drops a higher claim is found (7)', () => {
    const deaf = hearing((update) => (claimOf(update).incarnation > 0 ? undefined : update));
    expectFound(7, news, { protocol: deaf, at: 'd' }, /d holds b alive 0 after .*, not alive 1/);
  });

  it('of an observer that drops a verdict is found (7)', () => {
    const lenient = hearing((update) => (update.type === 'unreachable' ? undefined : update));
    expectFound(7, silentDeath, { protocol: lenient }, /holds d suspect 0 after .*, not unreachable 0/);
  });

  it('of an observer that drops a suspicion is found (7)', () => {
    const trusting = hearing((update) => (update.type === 'suspect' ? undefined : update));
    expectFound(7, silentDeath, { protocol: trusting }, /holds d alive 0 after .*, not suspect 0/);
  });

  it('of an observer that takes a lower claim is found (7)', () => {
    // Takes an accusation that was refuted long ago for a new one.
    const credulous = hearing((update, held) =>
      update.type === 'alive' ? update : { ...update, incarnation: held(update.id)?.incarnation ?? 0 },
    );
    const sick = (plant?: Plant): Cluster => {
      const one = cluster({ nodes: 6 }, plant).settle().setMetadata('d', { version: 1 });
      // Long enough to switch off the rule that nobody is suspected without a fault.
      one.stall('e', 700).runFor(seconds(20));
      const { id, self } = one.node('b');
      const stale = {
        type: 'suspect',
        id: one.node('d').id,
        incarnation: 0,
        accuser: id,
        kind: 'soft',
      } as const;
      one.node('a').received(self, { type: 'gossip', updates: [stale] });
      return one.runFor(seconds(20));
    };
    expectFound(7, sick, { protocol: credulous }, /holds d suspect 1 after .*, not alive 1/);
  });

  it('of an observer that does not take what pages list is found (7)', () => {
    const hasty = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type !== 'page') return super.receive(from, message);
        super.receive(from, { ...message, members: message.members.filter(({ id }) => id === from.id) });
      }
    };
    const start = (plant?: Plant): Cluster => cluster({ nodes: 5, start: 'together' }, plant).settle();
    expectFound(7, start, { protocol: hasty, at: 'e' }, /e holds \w+ unknown after .*, not alive 0/);
  });

  it('of an observer that does not hear of a leave is found (7)', () => {
    const sentimental = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type !== 'leaving') super.receive(from, message);
      }
    };
    const leave = (plant?: Plant): Cluster =>
      cluster({ nodes: 3 }, plant).settle().leave('b').runFor(seconds(10));
    expectFound(7, leave, { protocol: sentimental }, /holds b alive 0 after .*, not left 1/);
  });
});

/** Between the crashes of the seed below, which all come in 41 ms. */
const CRASHES_MS = [0, 0, 8, 17, 18, 18, 20, 27, 33, 35, 39, 41];

describe('an observer that has slept and started over', () => {
  it('is not held to what it knew before', () => {
    // Seed 40001694, shrunk: h forgot its old suspicion of a, and with it when that began.
    const all = 'abcdefghijklmnop'.split('');
    const alone = (name: string) => [[name], all.filter((other) => other !== name)];
    const { ok } = runScenario({
      seed: 40_001_694,
      nodes: 16,
      themes: [],
      options: {
        preset: 'local',
        swim: {
          components: { freshConnection: false },
          suspicionAlpha: 2,
          suspicionBeta: 3,
          syncIntervalMs: 8000,
          healIntervalMs: 5000,
          tombstoneMs: 36_172,
        },
      },
      schedule: [
        { atMs: 5448, fault: { kind: 'partition', groups: alone('h') } },
        { atMs: 5448, fault: { kind: 'suspend', node: 'p', ms: 38_486 } },
        { atMs: 5448, fault: { kind: 'suspend', node: 'j', ms: 38_486 } },
        { atMs: 5448, fault: { kind: 'partition', groups: alone('f') } },
        { atMs: 44_000, fault: { kind: 'heal-all' } },
        ...'jenpmdlfioba'.split('').map((node, at) => ({
          atMs: 57_056 + CRASHES_MS[at]!,
          fault: { kind: 'crash', node } as const,
        })),
      ],
      runForMs: 58_097,
      settleWithinMs: 321_674,
    });
    expect(ok).toBe(true);
  });
});

describe('a lost member', () => {
  it('that is announced by hearsay, before contact, is found (5)', () => {
    const gossipy = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type === 'gossip' || message.type === 'ping') {
          for (const update of message.updates) {
            if (update.type !== 'alive' || this.member(update.member.id)?.state !== 'unreachable') continue;
            // As if it had said so itself.
            super.receive(update.member, { type: 'gossip', updates: [update] });
          }
        }
        super.receive(from, message);
      }
    };
    expectFound(5, split, { protocol: gossipy }, /took d back.*without a word of its own/);
  });
});
