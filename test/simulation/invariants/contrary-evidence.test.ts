import { describe, expect, it } from '@jest/globals';
import type { KnownPeer, LinkEvidence, Peer, TraceEvent } from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import type { NodeId } from '../../../src/node-id.js';
import type { Check } from '../../../src/simulation/invariants/check.js';
import { ContraryEvidence } from '../../../src/simulation/invariants/contrary-evidence.js';
import { MemberCount } from '../../../src/simulation/invariants/member-count.js';
import { seconds } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';
import { runScenario } from '../../../src/simulation/scenarios/run-scenario.js';
import { cluster, expectFound, TamperedWorld, type Plant } from './planted.js';

type Cluster = Simulation<SwimMessage>;

function alone(): readonly Check<SwimMessage>[] {
  const counts = new MemberCount<SwimMessage>();
  return [counts, new ContraryEvidence(resolveSwimOptions('lan'), counts)];
}

/** With this check alone: others would find most of it too. */
const crash =
  (nodes: number, ...dead: readonly string[]) =>
  (plant?: Plant): Cluster => {
    const checks = alone();
    const one = cluster({ nodes, checks }, plant).settle().runFor(seconds(5));
    for (const name of dead) one.crash(name);
    return one.runFor(seconds(30));
  };

/** Tells more, or something else, of itself than is so. */
function telling(tell: (event: TraceEvent) => readonly TraceEvent[]): Plant {
  return {
    world: (real) =>
      new (class extends TamperedWorld {
        override traced(event: TraceEvent): void {
          for (const each of tell(event)) super.traced(each);
        }
      })(real),
  };
}

const quorum = ({ about }: TraceEvent): TraceEvent => ({
  kind: 'hard-quorum',
  about,
  data: { witnesses: 3, asked: 3 },
});

/** Hard evidence too, which needs no relays. */
const replaced = ({ about }: TraceEvent): TraceEvent => ({ kind: 'replaced', about });

describe('a quorum', () => {
  it('recorded by one that doubts itself is found (10)', () => {
    const doubtful = class extends Swim {
      override get localHealth(): number {
        return 2;
      }
    };
    expectFound(10, crash(5, 'd'), { protocol: doubtful }, /a quorum against d with local health 2/);
  });

  it('recorded just after a stall is found (10)', () => {
    const stalled = (plant?: Plant): Cluster => {
      const checks = alone();
      const one = cluster({ nodes: 5, checks }, plant).settle().runFor(seconds(5));
      one.stall(['a', 'b', 'c', 'e'], 400).runFor(500).crash('d');
      return one.runFor(seconds(30));
    };
    const careless = class extends Swim {
      override stalled(): void {}
    };
    expectFound(10, stalled, { protocol: careless }, /a quorum against d \d+ ms after a stall/);
  });

  it('of fewer refusals than relays could give is found (10)', () => {
    const hasty = telling((event) =>
      event.kind === 'hard-quorum' ? [{ ...event, data: { ...event.data, witnesses: 1 } }] : [event],
    );
    expectFound(10, crash(5, 'd'), hasty, /with 1 refusals where 2 could come/);
  });

  it('of one about the other of two is found (10)', () => {
    const lonely = telling((event) => (event.kind === 'probe-failed' ? [event, quorum(event)] : [event]));
    const pair = (plant?: Plant): Cluster => {
      const checks = alone();
      const one = cluster({ nodes: 2, checks, swim: { components: { lhaProbe: false } } }, plant).settle();
      return one.runFor(seconds(5)).powerOff('b').runFor(seconds(30));
    };
    expectFound(10, pair, lonely, /a quorum against b among 2/);
  });

  it('while several refuse and nobody answers is found (10)', () => {
    const blind = telling((event) => (event.kind === 'refused' ? [event, quorum(event)] : [event]));
    expectFound(10, crash(6, 'c', 'd', 'e'), blind, /while \d members refuse and nobody answers/);
  });
});

describe('a quorum against a member whose link is open', () => {
  it('is found (10)', () => {
    const forgetful = class extends Swim {
      override link(about: Peer, evidence: LinkEvidence, by?: NodeId): void {
        super.link(about, evidence === 'up' ? 'silent' : evidence, by);
      }
    };
    const refused = (plant?: Plant): Cluster => {
      const checks = alone();
      const one = cluster({ nodes: 5, checks, seed: 2 }, plant)
        .settle()
        .runFor(seconds(5))
        .answerDials('c', 'refuse');
      for (let count = 0; count < 3; count++) one.stall('c', 4000).runFor(4800);
      return one;
    };
    expectFound(10, refused, { protocol: forgetful }, /a quorum against c while its link is open/);
  });
});

describe('a quorum of one that has reset its link', () => {
  it('is sound: its protocol counts on that link no more than its kernel does', () => {
    // Seed 30261620, shrunk. Whoever saw ai recover after its stall reset its link to it, and so had none when it crashed.
    const { ok } = runScenario({
      seed: 30_261_620,
      nodes: 49,
      themes: [],
      options: { start: 'together' },
      schedule: [
        { atMs: 17_000, fault: { kind: 'stall', node: 'ai', ms: 3392 } },
        { atMs: 43_446, fault: { kind: 'crash', node: 'aq' } },
        { atMs: 43_450, fault: { kind: 'crash', node: 'ai' } },
      ],
      runForMs: 44_450,
      settleWithinMs: 485_870,
    });
    expect(ok).toBe(true);
  });
});

describe('hard evidence', () => {
  it('that is taken back twice is found (10)', () => {
    const again = telling((event) => (event.kind === 'hard-contradicted' ? [event, event] : [event]));
    const shared = (plant?: Plant): Cluster => {
      const checks = alone();
      const one = cluster({ nodes: 5, checks }, plant).settle().runFor(seconds(5)).shareAddress('c');
      return one.runFor(seconds(20));
    };
    expectFound(10, shared, again, /took back hard evidence against \w when none was in force/);
  });

  it('that goes on in spite of an answer is found (10)', () => {
    // Each suspicion is said to rest on hard evidence, and what gives that up is not told.
    const stubborn = telling((event) => {
      if (event.kind === 'suspected') return [event, replaced(event)];
      return event.kind === 'hard-contradicted' ? [] : [event];
    });
    // Answers, and does not refute.
    const mumbling = class extends Swim {
      override receive(from: KnownPeer, message: SwimMessage): void {
        if (!('updates' in message)) return super.receive(from, message);
        const updates = message.updates.filter(({ type }) => type !== 'suspect');
        super.receive(from, { ...message, updates });
      }
    };
    const stalled = (plant?: Plant): Cluster => {
      const checks = alone();
      const one = cluster({ nodes: 5, checks }, plant).settle().runFor(seconds(5)).stall('d', 3000);
      return one.runFor(seconds(30));
    };
    expectFound(
      10,
      stalled,
      { ...stubborn, protocol: mumbling },
      /holds hard evidence against d in spite of its answer/,
    );
  });
});

describe('a hard verdict', () => {
  it('that rests on nothing is found (10)', () => {
    const harsh = telling((event) => (event.kind === 'verdict' ? [{ ...event, detail: 'hard' }] : [event]));
    const silence = (plant?: Plant): Cluster => {
      const checks = alone();
      const one = cluster({ nodes: 5, checks }, plant).settle().runFor(seconds(5)).powerOff('d');
      return one.runFor(seconds(40));
    };
    expectFound(10, silence, harsh, /gave a hard verdict about d when none was in force/);
  });

  it('about one that has answered since the quorum is found (10)', () => {
    const deaf = telling((event) => {
      if (event.kind === 'probe') return [event, replaced(event)];
      return event.kind === 'probe-acked' ? [event, { ...event, kind: 'verdict', detail: 'hard' }] : [event];
    });
    expectFound(10, crash(5), deaf, /found \w unreachable in spite of its answer/);
  });
});
