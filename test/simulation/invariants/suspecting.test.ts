import { describe, it, expect } from '@jest/globals';
import type {
  KnownPeer,
  Peer,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
} from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { Deadlines } from '../../../src/simulation/invariants/deadlines.js';
import { LocalHealthCauses } from '../../../src/simulation/invariants/local-health.js';
import { minutes, seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { checksWithout, cluster, expectFound, TamperedWorld, type Plant } from './planted.js';

type Cluster = Simulation<SwimMessage>;

const silentDeath = (plant?: Plant): Cluster =>
  cluster({ nodes: 4 }, plant).settle().runFor(seconds(5)).powerOff('d').runFor(minutes(2));

const sick = (plant?: Plant): Cluster =>
  cluster({ nodes: 6, seed: 2 }, plant).settle().runFor(seconds(5)).stall('d', 6000).runFor(minutes(1));

/** Remembers what was asked, for an answer that nobody gives. */
class ForgedAcks extends TamperedWorld {
  readonly asked: { readonly to: KnownPeer; readonly seq: number }[] = [];
  override send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
    if (message.type === 'ping') this.asked.push({ to: to as KnownPeer, seq: message.seq });
    super.send(to, message, options);
  }
}

describe('a crash', () => {
  /** Answers its own pings, in the name of everybody. */
  const believer: Plant = {
    world: (real) => new ForgedAcks(real),
    protocol: class extends Swim {
      readonly #world: ForgedAcks;
      constructor(...given: ConstructorParameters<typeof Swim>) {
        super(...given);
        this.#world = given[2] as ForgedAcks;
      }
      override timer(timer: ProtocolTimer, lateMs: number): void {
        const digest = { version: 0, low: 0, high: 0, quiet: true };
        for (const { to, seq } of this.#world.asked.splice(0))
          super.receive(to, { type: 'ack', seq, incarnation: 0, digest, updates: [] });
        super.timer(timer, lateMs);
      }
    },
  };

  it('that nobody suspects within 2n rounds is found (1)', () => {
    expectFound(1, silentDeath, believer, /has not suspected/);
  });

  it('that is suspected for ever is found (1)', () => {
    const patient = class extends Swim {
      override timer(timer: ProtocolTimer, lateMs: number): void {
        if (timer.kind !== 'suspicion') super.timer(timer, lateMs);
      }
    };
    // The rule about the deadline would find it first.
    const death = (plant?: Plant): Cluster =>
      cluster({ nodes: 4, checks: checksWithout(Deadlines) }, plant)
        .settle()
        .powerOff('d')
        .runFor(minutes(2));
    expectFound(1, death, { protocol: patient }, /suspects the dead/);
  });
});

describe('a suspicion', () => {
  it('that goes on after its refutation is found (8)', () => {
    const deaf = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type !== 'ping' && message.type !== 'ack' && message.type !== 'gossip')
          return super.receive(from, message);
        super.receive(from, { ...message, updates: message.updates.filter(({ type }) => type !== 'alive') });
      }
    };
    expectFound(8, sick, { protocol: deaf, at: 'a' });
  });

  class Hasty extends TamperedWorld {
    override after(delayMs: number, timer: ProtocolTimer): void {
      super.after(timer.kind === 'suspicion' ? delayMs / 10 : delayMs, timer);
    }
  }

  it('that ends before Min is found (10)', () => {
    expectFound(10, silentDeath, { world: (real) => new Hasty(real) }, /unreachable after \d+ ms of 4000/);
  });

  it('that ends before the hard deadline is found (10)', () => {
    const crash = (plant?: Plant): Cluster =>
      cluster({ nodes: 5 }, plant).settle().runFor(seconds(5)).crash('d').runFor(seconds(30));
    expectFound(10, crash, { world: (real) => new Hasty(real) }, /after its quorum/);
  });

  it('that is shortened without witnesses is found (10)', () => {
    class Lonely extends TamperedWorld {
      override traced(event: TraceEvent): void {
        if (event.kind !== 'relayed') super.traced(event);
      }
    }
    const crash = (plant?: Plant): Cluster =>
      cluster({ nodes: 5 }, plant).settle().runFor(seconds(5)).crash('d').runFor(seconds(30));
    expectFound(10, crash, { world: (real) => new Lonely(real) }, /recorded a quorum/);
  });

  it('that was never begun is found (10)', () => {
    const hasty = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        super.receive(from, message);
        if (message.type !== 'relayed' || message.outcome !== 'silent') return;
        // Takes a relay's silence for a verdict about the last one.
        const id = this.view.members.at(-1)!.id;
        const verdict = { type: 'unreachable', id, incarnation: 0, by: from.id, kind: 'soft' } as const;
        super.receive(from, { type: 'gossip', updates: [{ ...verdict, witnesses: [] }] });
      }
    };
    const credulous = (plant?: Plant): Cluster => {
      const components = { contraryEvidence: false };
      const one = cluster({ nodes: 4, swim: { components } }, plant).settle().runFor(seconds(5));
      return one.powerOff('d').runFor(minutes(2));
    };
    expectFound(10, credulous, { protocol: hasty }, /without having suspected it/);
  });

  it('with a timeout of its own making is found (11)', () => {
    expectFound(11, silentDeath, { swim: { suspicionBeta: 12 } }, /suspects for/);
    expectFound(11, silentDeath, { swim: { suspicionAlpha: 2 } }, /suspects for/);
    expectFound(11, silentDeath, { swim: { capConfirmations: false } }, /expects 3 confirmations/);
  });

  it('that runs longer or shorter than it tells is found (11)', () => {
    const timed = (factor: number): Plant => ({
      world: (real) =>
        new (class extends TamperedWorld {
          override after(delayMs: number, timer: ProtocolTimer): void {
            super.after(timer.kind === 'suspicion' ? delayMs * factor : delayMs, timer);
          }
        })(real),
    });
    const death = (plant?: Plant): Cluster =>
      cluster({ nodes: 5, seed: 2 }, plant).settle().runFor(seconds(5)).powerOff('d').runFor(minutes(2));
    expectFound(11, death, timed(1.5), /suspects d for \d+ ms, where \d+ were in force/);
    // One accuser alone: it lasts for Max, and ends within the bounds all the same.
    const quiet = (plant?: Plant): Cluster => {
      const three = cluster(
        { nodes: 4, swim: { suspicionConfirmations: 20, capConfirmations: false } },
        plant,
      );
      return three.settle().runFor(seconds(5)).powerOff('d').runFor(minutes(2));
    };
    expectFound(11, quiet, timed(0.8), /unreachable \d+ ms after it began to suspect, where \d+ were/);
  });

  it('that hurries as if fewer could confirm it is found (11)', () => {
    const plant: Plant = { swim: { suspicionConfirmations: 1 } };
    expectFound(11, silentDeath, plant, /expects 1 confirmations where 2 others could/);
  });

  it('that counts an accuser who accused nobody is found (11)', () => {
    class Slanderous extends TamperedWorld {
      override traced(event: TraceEvent): void {
        super.traced(event.kind === 'suspicion-confirmed' ? { ...event, by: event.about } : event);
      }
    }
    expectFound(11, silentDeath, { world: (real) => new Slanderous(real) }, /accused nobody/);
  });

  it('that counts an accuser twice is found (11)', () => {
    class Doubled extends TamperedWorld {
      override traced(event: TraceEvent): void {
        super.traced(event);
        if (event.kind === 'suspicion-confirmed') super.traced(event);
      }
    }
    expectFound(11, silentDeath, { world: (real) => new Doubled(real) }, /one accuser twice/);
  });

  it('whose deadline moves away by a confirmation is found (11)', () => {
    class Lengthened extends TamperedWorld {
      override traced(event: TraceEvent): void {
        const { data } = event;
        super.traced(data === undefined ? event : { ...event, data: { ...data, soonerMs: -1 } });
      }
    }
    expectFound(11, silentDeath, { world: (real) => new Lengthened(real) }, /lengthened a suspicion/);
  });
});

describe('local health', () => {
  it('above its maximum is found (12)', () => {
    const blind = (plant?: Plant): Cluster => {
      const alone = cluster({ nodes: 6 }, plant).settle();
      for (const name of alone.names.slice(1)) alone.cut('a', name);
      return alone.runFor(minutes(3));
    };
    expectFound(12, blind, { swim: { maxLocalHealth: 9 } }, /local health 9/);
  });

  it('that does not come back to 0 is found (12)', () => {
    const doubtful = class extends Swim {
      #least = 0;
      override get localHealth(): number {
        if (super.localHealth > 0) this.#least = 1;
        return Math.max(super.localHealth, this.#least);
      }
    };
    expectFound(12, sick, { protocol: doubtful }, /from 1 to 1 for -1/);
  });

  it('that does not rise for its cause is found (12)', () => {
    class Careless extends TamperedWorld {
      override traced(event: TraceEvent): void {
        super.traced(event);
        if (event.kind === 'refuted') super.traced(event);
      }
    }
    expectFound(12, sick, { world: (real) => new Careless(real) }, /from \d to \d for 1, 1/);
  });

  it('that rises without a cause is found (12)', () => {
    class Anxious extends TamperedWorld {
      override traced(event: TraceEvent): void {
        if (event.kind !== 'refuted') super.traced(event);
      }
    }
    expectFound(12, sick, { world: (real) => new Anxious(real) }, /from \d to \d without a cause/);
  });

  it('that rises for relays that have answered is found (12)', () => {
    class Unfair extends TamperedWorld {
      override traced(event: TraceEvent): void {
        const { relays = 0 } = event.data ?? {};
        super.traced(relays === 0 ? event : { ...event, data: { ...event.data, silentRelays: relays } });
      }
    }
    expectFound(
      12,
      silentDeath,
      { world: (real) => new Unfair(real) },
      /2 of 2 relays silent, 2 of 2 answered/,
    );
  });
});

describe('a process that runs well', () => {
  it('and is suspected without a fault is found (18)', () => {
    const deaf = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (message.type !== 'ack' && message.type !== 'relayed') super.receive(from, message);
      }
    };
    // That it does not hear its relays either is found first.
    const nothing = (plant?: Plant): Cluster =>
      cluster({ nodes: 4, checks: checksWithout(LocalHealthCauses) }, plant)
        .settle()
        .runFor(minutes(1));
    expectFound(18, nothing, { protocol: deaf, at: 'b' });
  });

  it('and is suspected after a short stall is found (18)', () => {
    const stalls = (plant?: Plant): Cluster => {
      const one = cluster({ nodes: 5 }, plant).settle();
      for (let count = 0; count < 30; count++) one.stall('c', 490).runFor(2000);
      return one;
    };
    class Impatient extends TamperedWorld {
      override after(delayMs: number, timer: ProtocolTimer): void {
        super.after(timer.kind.startsWith('probe-') ? delayMs / 5 : delayMs, timer);
      }
    }
    expectFound(18, stalls, { world: (real) => new Impatient(real) });
  });

  it('may be suspected after a long one', () => {
    expect(sick().eventsAt('a').about('d')).toContain('suspected');
  });
});
