import { describe, it, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DIGEST_VERSION } from '../../../src/membership/swim/messages.js';
import type { Digest, SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import type { SwimComponents } from '../../../src/membership/swim/options.js';
import { simulate } from '../../../src/simulation/simulate.js';
import { Alone, aliveOf, leftOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';

/** The protocol as the papers have it, where Lifeguard's three parts are on. */
const papers = {
  hardEvidence: false,
  freshConnection: false,
  eventLoopAwareness: false,
  contraryEvidence: false,
  fastRefutation: false,
  digestSync: false,
  firsthand: false,
} as const;

function node(n: number, components: Partial<SwimComponents> = {}): Alone {
  return new Alone({ components, syncIntervalMs: 0 }).with(n - 1);
}

function ping(digest: Digest = someDigest): SwimMessage {
  return { type: 'ping', seq: 5, to: peerOf(0).id, digest, updates: [] };
}

it('all parts of the protocol are on unless switched off', () => {
  expect(Object.values(resolveSwimOptions().components)).toEqual(
    Object.values(resolveSwimOptions().components).map(() => true),
  );
});

describe('contrary evidence', () => {
  /** Member 1 is suspected, answers each ping since, and does not refute. */
  function answering(components: Partial<SwimComponents>): Alone {
    const observer = node(3, components);
    for (const accuser of [2, 3]) observer.hear(2, suspectOf(1, accuser));
    const untilMs = observer.nowMs + 6000;
    while (observer.nowMs < untilMs) {
      observer.run(10);
      for (const i of [1, 2]) observer.answer(i);
    }
    return observer;
  }

  it('lets a suspicion run on that expires after an answer; off: only a refutation helps', () => {
    expect(answering({}).state(1)).toBe('suspect');
    expect(answering({ contraryEvidence: false }).state(1)).toBe('unreachable');
  });

  it('turns the verdict of others into a suspicion; off: it is taken', () => {
    for (const [contraryEvidence, state] of [
      [true, 'suspect'],
      [false, 'unreachable'],
    ] as const) {
      const observer = node(3, { contraryEvidence });
      observer.runUntil(() => observer.answer(1));
      observer.hear(2, unreachableOf(1, 2));
      expect(observer.state(1)).toBe(state);
    }
  });

  it('includes an open link against a hard verdict (ADR 9)', () => {
    for (const [contraryEvidence, state] of [
      [true, 'suspect'],
      [false, 'unreachable'],
    ] as const) {
      const observer = node(4, { contraryEvidence });
      observer.swim.link(peerOf(1), 'up');
      observer.hear(2, unreachableOf(1, 2, 0, 'hard'));
      expect(observer.state(1)).toBe(state);
    }
  });

  it('is not what makes a verdict in a page a suspicion', () => {
    const observer = node(3, { contraryEvidence: false });
    observer.swim.stalled(1001);
    const { sync } = observer.sentOf('syncStart').at(-1)!.message;
    const { id, address } = observer.sentOf('syncStart').at(-1)!.to;
    const members = [memberOf(id === peerOf(1).id ? 2 : 1, 0, { state: 'unreachable' })];
    const masks = { maskLow: 0xffffffff, maskHigh: 0xffffffff };
    observer.swim.receive(
      { id: id!, address },
      { type: 'page', sync, side: 'answer', index: 0, last: true, ...masks, members },
    );
    expect(observer.events.map(({ type }) => type)).toEqual(['suspected']);
  });
});

describe('fast refutation', () => {
  it('tells accuser, messenger and fanout at once; off: the next gossip round does', () => {
    const fast = node(10).hear(2, suspectOf(0, 3));
    expect(fast.sentOf('gossip')).toHaveLength(5);
    const slow = node(10, { fastRefutation: false }).run(3000);
    slow.sent.length = 0;
    slow.hear(2, suspectOf(0, 3));
    expect(slow.swim.local.incarnation).toBe(1);
    expect(slow.sent).toEqual([]);
    slow.run(201);
    const updates = slow.sentOf('gossip').flatMap(({ message }) => message.updates);
    expect(updates).toContainEqual({ type: 'alive', member: slow.swim.local });
  });

  it('answers old accusations; off: they are ignored', () => {
    for (const [fastRefutation, answers] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const accused = node(4, { fastRefutation })
        .hear(2, suspectOf(0, 3, 4))
        .run(5000);
      accused.sent.length = 0;
      accused.hear(2, suspectOf(0, 3, 4));
      expect(accused.updatesTo(2)).toHaveLength(answers);
    }
  });

  it('is not needed for the answer to one that has given this node up: it comes with the ack', () => {
    const accused = node(4, { fastRefutation: false })
      .hear(2, suspectOf(0, 3, 4))
      .run(5000);
    accused.sent.length = 0;
    accused.receive(2, {
      type: 'ping',
      seq: 5,
      to: peerOf(0).id,
      digest: someDigest,
      updates: [unreachableOf(0, 2, 4)],
    });
    expect(accused.sentOf('ack', 2)[0]!.message.updates).toEqual([
      { type: 'alive', member: accused.swim.local },
    ]);
  });
});

describe('digests', () => {
  const other: Digest = { version: DIGEST_VERSION, low: 1, high: 1, quiet: true };

  function afterAnAckWithAnotherDigest(digestSync: boolean): Alone {
    const asker = new Alone({ components: { digestSync } }).with(2).run(5000);
    asker.sent.length = 0;
    asker.runUntil(() => asker.sentOf('ping').length > 0);
    const { to, message } = asker.sentOf('ping')[0]!;
    for (const _ of [1, 2])
      asker.swim.receive(
        { id: to.id!, address: to.address },
        { type: 'ack', seq: message.seq, incarnation: 0, digest: other, updates: [] },
      );
    return asker;
  }

  it('that differ start a sync; off: the periodic one does', () => {
    expect(afterAnAckWithAnotherDigest(true).sentOf('syncStart')).toHaveLength(1);
    const without = afterAnAckWithAnotherDigest(false);
    expect(without.sentOf('syncStart')).toEqual([]);
    without.runUntil(() => without.sentOf('syncStart').length > 0, 33_000);
  });
});

describe('infection', () => {
  it('passes on what is heard; off: nobody does, and nothing rides on pings and acks', () => {
    for (const infection of [true, false]) {
      const hearer = new Alone({ components: { infection }, probeIntervalMs: 1e6 }).with(7).run(3000);
      hearer.sent.length = 0;
      hearer.hear(2, aliveOf(1, 1), suspectOf(3, 2), unreachableOf(4, 2), leftOf(5)).receive(2, ping());
      expect(hearer.swim.gauges['queuedUpdates']).toBe(infection ? 4 : 0);
      hearer.run(2000);
      expect([3, 4, 5].map((i) => hearer.state(i))).toEqual(['suspect', 'unreachable', 'left']);
      const others = [1, 2, 6, 7];
      expect(others.some((i) => hearer.updatesTo(i).length > 0)).toBe(infection);
    }
  });

  it('off: the originator tells each other member once, its own suspicion and verdict', () => {
    const prober = node(6, { ...papers, infection: false, lhaSuspicion: false, buddy: false });
    prober.runUntil(() => prober.count('suspicions') === 1);
    const target = prober.sentOf('ping')[0]!.to.id;
    const about = (type: string) =>
      prober
        .sentOf('gossip')
        .filter(({ message }) => message.updates.some((u) => u.type === type && 'id' in u && u.id === target))
        .map(({ to }) => to.id);
    expect(new Set(about('suspect'))).toEqual(new Set([1, 2, 3, 4, 5].map((i) => peerOf(i).id)));
    prober.runUntil(() => prober.swim.member(target!)?.state === 'unreachable');
    expect(about('suspect')).toHaveLength(5);
    expect(about('unreachable')).toHaveLength(4);
    expect(about('unreachable')).not.toContain(target);
  });

  it('off: a refutation, metadata and a leave reach each other member once', () => {
    const speaker = node(6, { infection: false });
    speaker.hear(2, suspectOf(0, 3));
    expect(speaker.sentOf('gossip').map(({ to }) => to.id)).toHaveLength(5);
    speaker.swim.setMetadata({ zone: 'b' });
    expect(speaker.sentOf('gossip').map(({ to }) => to.id)).toHaveLength(10);
    speaker.swim.leave();
    expect(speaker.sentOf('gossip').map(({ to }) => to.id)).toHaveLength(15);
  });

  it('off: a joiner is announced by the seed that has admitted it', () => {
    const cluster = simulate({
      nodes: 5,
      seed: 3,
      swim: { syncIntervalMs: 0, components: { infection: false, digestSync: false } },
    });
    cluster.settle({ withinMs: 2000 }).runFor(5000);
    expect(cluster.membersAt('b')).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('off: the buddy rule goes on under its own switch', () => {
    const prober = node(3, { infection: false }).hear(2, suspectOf(1, 2));
    prober.runUntil(() => prober.sentOf('ping', 1).length > 0);
    expect(prober.sentOf('ping', 1)[0]!.message.updates).toEqual([suspectOf(1, 2)]);
  });
});

describe('revival', () => {
  it('brings an unreachable member back by its own higher incarnation; off: nothing does', () => {
    for (const [revival, state] of [
      [true, 'alive'],
      [false, 'unreachable'],
    ] as const) {
      const observer = node(4, { revival });
      observer.hear(2, unreachableOf(1, 2)).hear(2, aliveOf(1, 1)).hear(1, aliveOf(1, 1)).run(500);
      expect(observer.state(1)).toBe(state);
    }
  });

  it('off: the lost is neither asked nor told, and cannot join', () => {
    const observer = node(4, { revival: false, hardEvidence: false }).hear(2, unreachableOf(1, 2)).run(5000);
    observer.sent.length = 0;
    observer.hear(2, aliveOf(1, 1)).receive(1, ping());
    observer.receive(1, { type: 'join', attempt: 9, member: memberOf(1, 3) });
    observer.run(60_000);
    expect(observer.sentOf('ping', 1)).toEqual([]);
    expect(observer.sentOf('ack', 1).map(({ message }) => message.updates)).toEqual([[]]);
    expect(observer.sentOf('joinRefused', 1)).toHaveLength(1);
    expect(observer.swim.introduce(memberOf(1, 3))).toBe('refuse');
    expect(observer.state(1)).toBe('unreachable');
  });

  it('off: a partition that lasted never heals', () => {
    for (const revival of [true, false]) {
      const cluster = simulate({ nodes: 3, seed: 5, swim: { components: { revival } } }).settle();
      cluster.partition(['a', 'b'], ['c']).untilUnreachable('c', { by: 'a' });
      cluster.untilUnreachable('a', { by: 'c' }).runFor(20_000).healAll().runFor(120_000);
      expect(cluster.stateAt('a', 'c')).toBe(revival ? 'alive' : 'unreachable');
      expect(cluster.stateAt('c', 'a')).toBe(revival ? 'alive' : 'unreachable');
    }
  });
});

describe('a suspicion without the buddy rule', () => {
  it('still reaches its subject by gossip, so that it can refute', () => {
    const gossiper = node(2, { buddy: false }).hear(1, suspectOf(1, 9));
    gossiper.run(1500);
    expect(gossiper.updatesTo(1)).toContainEqual(suspectOf(1, 9));
  });
});

describe('without hard evidence', () => {
  it('a refusal is silence: no probe out of turn, no early word of a relay, nothing forwarded', () => {
    const relay = node(5, { hardEvidence: false }).receive(1, {
      type: 'pingReq',
      seq: 7,
      target: peerOf(2).id,
      address: peerOf(2).address,
      incarnation: 0,
      why: 'silent',
    });
    const pings = relay.sentOf('ping').length;
    relay.swim.link(peerOf(2), 'refused');
    relay.swim.link(peerOf(3), 'closed');
    relay.swim.link(peerOf(3), 'refused');
    relay.hear(1, suspectOf(4, 1, 0, 'hard'));
    expect(relay.sentOf('relayed')).toEqual([]);
    expect(relay.sentOf('ping')).toHaveLength(pings);
    expect(relay.sentOf('gossip')).toEqual([]);
    expect(relay.count('checks')).toBe(0);
    relay.run(401);
    expect(relay.sentOf('relayed')[0]!.message.outcome).toBe('silent');
  });
});

describe('first-hand word', () => {
  it('is needed to bring a lost member back; off: hearsay will do', () => {
    for (const [firsthand, state] of [
      [true, 'unreachable'],
      [false, 'alive'],
    ] as const) {
      const observer = node(4, { firsthand }).hear(2, unreachableOf(1, 2)).hear(2, aliveOf(1, 1));
      expect(observer.state(1)).toBe(state);
    }
  });

  it('is what counts of a lost member; off: so does what it says of others', () => {
    for (const [firsthand, state] of [
      [true, 'alive'],
      [false, 'unreachable'],
    ] as const) {
      const observer = node(4, { firsthand }).hear(2, unreachableOf(1, 2)).hear(1, unreachableOf(3, 1));
      expect(observer.state(3)).toBe(state);
    }
  });

  it('off: an accusation of the lost brings nobody back, and nobody is asked', () => {
    const observer = node(4, { firsthand: false, hardEvidence: false });
    observer
      .hear(2, unreachableOf(1, 2))
      .hear(2, suspectOf(1, 2, 1))
      .run(900);
    expect(observer.state(1)).toBe('unreachable');
    expect(observer.sentOf('ping', 1)).toEqual([]);
  });
});

describe('the buddy rule', () => {
  it('holds for acks too; without fast refutation for pings only', () => {
    for (const fastRefutation of [true, false]) {
      const observer = new Alone({
        components: { fastRefutation, infection: false },
        probeIntervalMs: 1e6,
      }).with(3);
      observer.hear(2, suspectOf(1, 2)).receive(1, ping());
      expect(observer.sentOf('ack', 1)[0]!.message.updates).toHaveLength(fastRefutation ? 1 : 0);
    }
  });
});

describe('the switches', () => {
  it('are those that docs/PROTOCOL.md explains', () => {
    const text = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');
    const section = text.split('\n## ').find((part) => part.startsWith('Switches'))!;
    const named = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(named).toEqual(Object.keys(resolveSwimOptions().components));
  });
});
