import { describe, it, expect } from '@jest/globals';
import type { Peer, ProtocolSendOptions, TraceEvent } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { checkDeterminism } from '../../../src/simulation/invariants/determinism.js';
import { MergeLaws, type Supersedes } from '../../../src/simulation/invariants/merge-laws.js';
import { Overrides } from '../../../src/simulation/invariants/overrides.js';
import { minutes, seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { checksWithout, cluster, expectFound, TamperedWorld, type Plant } from './planted.js';

type Cluster = Simulation<SwimMessage>;

const peace = (plant?: Plant): Cluster => cluster({ nodes: 8 }, plant).settle().runFor(minutes(2));

describe('the merge', () => {
  const lossy = (supersedes?: Supersedes) => (): void => {
    const check = new MergeLaws<SwimMessage>(supersedes);
    const one = cluster({ nodes: 5, seed: 3, checks: [check] })
      .settle()
      .stall('b', 4000)
      .runFor(seconds(20));
    one.crash('c').runFor(seconds(20)).leave('d').runFor(seconds(20)).finish();
  };

  it('that does not depend on order or grouping passes', () => {
    expect(lossy()).not.toThrow();
  });

  it('by which the last one wins is found (7)', () => {
    const last: Supersedes = (claim, held) =>
      claim.state !== held.state || claim.incarnation !== held.incarnation;
    expect(lossy(last)).toThrow(/Invariant 7 .*depends on the order/);
  });

  it('that depends on the grouping is found (7)', () => {
    // Stone, scissors, paper: each pair is in order, three are not.
    const beats: Record<string, string> = { alive: 'unreachable', suspect: 'alive', unreachable: 'suspect' };
    const circular: Supersedes = (claim, held) => {
      if (claim.state === held.state) return claim.incarnation > held.incarnation;
      if (held.state === 'left' || claim.state === 'left') return claim.state === 'left';
      return beats[claim.state] === held.state;
    };
    expect(lossy(circular)).toThrow(/Invariant 7 .*depends on the grouping/);
  });

  it('that replaces what it holds by the same is found (7)', () => {
    expect(lossy(() => true)).toThrow(/Invariant 7 .*replaces itself/);
  });
});

describe('agreement', () => {
  it('that never comes back after a partition is found (14)', () => {
    const split = (plant?: Plant): Cluster =>
      cluster({ nodes: 4 }, plant)
        .settle()
        .partition(['a', 'b'], ['c', 'd'])
        .runFor(minutes(2))
        .healAll()
        .runFor(minutes(15));
    const unforgiving = class extends Swim {
      override receive(...[from, message]: Parameters<Swim['receive']>): void {
        if (this.member(from.id)?.state !== 'unreachable') super.receive(from, message);
      }
    };
    expectFound(14, split, { protocol: unforgiving }, /holds \w unreachable after/);
  });

  it('that is prevented by a member who hears no news is found (14)', () => {
    const deaf = class extends Swim {
      override receive(...[from, message]: Parameters<Swim['receive']>): void {
        if (message.type === 'page' || message.type === 'gossip') return;
        super.receive(from, 'updates' in message ? { ...message, updates: [] } : message);
      }
    };
    // Who takes nothing that it is told breaks rule 7 at once.
    const crash = (plant?: Plant): Cluster =>
      cluster({ nodes: 4, start: 'together', checks: checksWithout(Overrides) }, plant)
        .runFor(seconds(10))
        .restart('c')
        .runFor(minutes(12));
    expectFound(14, crash, { protocol: deaf, at: 'd' }, /d holds \w+ unknown/);
  });
});

describe('an update', () => {
  it('that is sent too often is found (15)', () => {
    expectFound(15, peace, { swim: { retransmitMultiplier: 40 } }, /has sent alive/);
  });
});

describe('a page', () => {
  it('that lists a member twice is found (15)', () => {
    class Stammering extends TamperedWorld {
      override send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
        if (message.type !== 'page') return super.send(to, message, options);
        super.send(to, { ...message, members: [...message.members, ...message.members] }, options);
      }
    }
    expectFound(15, peace, { world: (real) => new Stammering(real) }, /has listed \w+ twice in one answer/);
  });
});

describe('steady load', () => {
  it('that grows with n is found (16)', () => {
    class Chatty extends TamperedWorld {
      readonly #known = new Map<string, Peer>();
      override send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
        super.send(to, message, options);
        if (to.id !== undefined) this.#known.set(to.id, to);
        if (message.type !== 'ping') return;
        for (const peer of this.#known.values()) super.send(peer, { type: 'gossip', updates: [] });
      }
    }
    expectFound(16, peace, { world: (real) => new Chatty(real) }, /messages per node/);
  });

  it('is not measured while something happens', () => {
    const one = cluster({ nodes: 8 }).settle();
    for (let count = 0; count < 60; count++) one.setMetadata('b', { count }).runFor(seconds(2));
    expect(() => one.finish()).not.toThrow();
  });
});

describe('the probe order', () => {
  it('that passes a member over is found (17)', () => {
    class Partial extends TamperedWorld {
      #least: string | undefined;
      override traced(event: TraceEvent): void {
        if (event.kind === 'probe') this.#least ??= event.about;
        if (!event.kind.startsWith('probe') || event.about !== this.#least) super.traced(event);
      }
    }
    expectFound(17, peace, { world: (real) => new Partial(real), at: 'c' }, /c has not probed \w for/);
  });
});

describe('what a node holds', () => {
  const crashes = (plant?: Plant): Cluster => {
    const one = cluster({ nodes: 7, swim: { maxTombstones: 2 } }, plant)
      .settle()
      .runFor(seconds(5));
    for (const name of ['d', 'e', 'f']) one.crash(name).runFor(seconds(30));
    return one;
  };

  it('beyond its limit is found (19)', () => {
    expectFound(19, crashes, { swim: { maxTombstones: 10 } }, /3 tombstones, of at most 2/);
  });

  it('after stop is found (19)', () => {
    const restless = class extends Swim {
      override stop(): void {}
    };
    expectFound(19, peace, { protocol: restless }, /timers and \d+ other things after stop/);
  });

  it('of the departed, for too short or too long, is found (19)', () => {
    const tombstoneMs = 400_000;
    const crash = (plant?: Plant): Cluster =>
      cluster({ nodes: 4, swim: { tombstoneMs } }, plant).settle().crash('d').runFor(minutes(8));
    expectFound(19, crash, { swim: { tombstoneMs: tombstoneMs / 2 } }, /forgot one whom it had buried/);
    expectFound(19, crash, { swim: { tombstoneMs: 2 * tombstoneMs } }, /remembers one whom it buried/);
  });

  it('and says after its end is found (19)', () => {
    const one = cluster({ nodes: 3 }, { protocol: class extends Swim {} }).settle();
    const { protocol } = one.node('c');
    one.crash('c');
    expect(() => protocol.join([{ host: '10.9.9.9', port: 1 }])).toThrow(/Invariant 19 .*after its end/);
  });
});

describe('a run', () => {
  const play = (seed: () => number) => (onTrace: (line: string) => void) =>
    void cluster({ nodes: 5, seed: seed(), onTrace }).settle().crash('c').runFor(seconds(10));

  it('with the same seed gives the same trace', () => {
    expect(checkDeterminism(play(() => 7))).toBe(checkDeterminism(play(() => 7)));
    expect(checkDeterminism(play(() => 7))).not.toBe(checkDeterminism(play(() => 8)));
  });

  it('that depends on more than its seed is found, with the first line that differs (22)', () => {
    let runs = 0;
    expect(() => checkDeterminism(play(() => runs++))).toThrow(
      /Invariant 22 .*as line \d+ first ".*", then "/,
    );
  });
});
