import { describe, it, expect } from '@jest/globals';
import { sameAddress } from '../../../src/address.js';
import { Alone, memberOf, peerOf, someDigest, unreachableOf, leftOf } from './alone.js';
import { Cluster } from './cluster.js';

const join = (i: number, attempt = 7, changes = {}) =>
  ({ type: 'join', attempt, member: memberOf(i, 0, changes) }) as const;

describe('a joiner', () => {
  it('learns the whole view from its seed, and everybody learns of it', () => {
    const cluster = Cluster.formed(8);
    const late = cluster.add('late');
    late.swim.join([cluster.get('d').address]);
    cluster.runUntil(() => late.noticed('join-completed'), 100);
    expect(late.active).toHaveLength(9);
    cluster.runUntil(() => [...cluster.nodes.values()].every((node) => node.state('late') === 'alive'), 3000);
  });

  it('brings the members of its own cluster along', () => {
    const cluster = new Cluster();
    for (const name of ['a', 'b', 'c', 'd']) cluster.add(name);
    cluster.get('b').swim.join([cluster.get('a').address]);
    cluster.get('d').swim.join([cluster.get('c').address]);
    cluster.run(3000);
    cluster.get('d').swim.join([cluster.get('b').address]);
    cluster.runUntil(() => [...cluster.nodes.values()].every((node) => node.active.length === 4), 5000);
  });

  it('comes to one cluster when all start at once, each with every seed', () => {
    const cluster = new Cluster(3);
    const names = 'abcdefghij'.split('');
    for (const name of names) cluster.add(name);
    const seeds = names.map((name) => cluster.get(name).address);
    for (const name of names) cluster.get(name).swim.join(seeds);
    cluster.runUntil(() => [...cluster.nodes.values()].every((node) => node.active.length === 10), 5000);
  });

  it('asks one seed, and another each quarter of a join timeout while none has answered', () => {
    const node = new Alone({ healIntervalMs: 1_000_000 });
    node.swim.join([1, 2, 3, 4].map((i) => peerOf(i).address));
    node.run(900);
    expect(node.sentOf('join').map(({ atMs }) => atMs)).toEqual([0, 250, 500]);
  });

  it('asks the next seed at once when one refuses, and none that it has heard of meanwhile', () => {
    const node = new Alone({ healIntervalMs: 1_000_000 });
    node.swim.join([1, 2, 3].map((i) => peerOf(i).address));
    node.swim.link(node.sentOf('join')[0]!.to, 'refused');
    const [, asked] = node.sentOf('join');
    expect(asked!.atMs).toBe(0);
    const seed = [1, 2, 3].find((i) => sameAddress(peerOf(i).address, asked!.to.address))!;
    node.receive(seed, {
      type: 'page',
      sync: asked!.message.attempt,
      side: 'answer',
      index: 0,
      last: true,
      maskLow: 0xffffffff,
      maskHigh: 0xffffffff,
      members: [seed, ...[1, 2, 3].filter((i) => i !== seed)].map((i) => memberOf(i)),
    });
    node.run(900);
    expect(node.sentOf('join')).toHaveLength(2);
    expect([1, 2, 3].map((i) => node.state(i))).toEqual(['alive', 'alive', 'alive']);
  });

  it('spreads over the seeds that all are given in one order', () => {
    const cluster = new Cluster();
    const asked = (): number[] =>
      ['a', 'b', 'c'].map((name) => cluster.get(name).swim.counters['dialBacks'] ?? 0);
    for (const name of ['a', 'b', 'c']) cluster.add(name);
    const seeds = ['a', 'b', 'c'].map((name) => cluster.get(name).address);
    for (const name of ['a', 'b', 'c']) cluster.get(name).swim.join(seeds);
    cluster.run(1000);
    for (let i = 0; i < 30; i++) cluster.add(`n${i}`).swim.join(seeds);
    cluster.run(1000);
    // Each asks one of them, since its answer tells of the others.
    expect(asked().reduce((sum, count) => sum + count)).toBeLessThan(36);
    for (const count of asked()) expect(count).toBeGreaterThan(4);
  });

  it('tries at most three seeds at once, and a silent one three times', () => {
    const node = new Alone({ healIntervalMs: 1_000_000 });
    node.swim.join([1, 2, 3, 4, 5].map((i) => peerOf(i).address));
    node.run(900);
    expect(node.sentOf('join')).toHaveLength(3);
    node.runUntil(() => node.notices.length > 0);
    expect(node.sentOf('join')).toHaveLength(15);
    expect(node.notices).toEqual([
      { type: 'join-failed', addresses: [1, 2, 3, 4, 5].map((i) => peerOf(i).address) },
    ]);
  });

  it('gives its place to the next seed when a dial is silent, and comes back to it', () => {
    const node = new Alone({ healIntervalMs: 1_000_000 });
    node.swim.join([1, 2, 3, 4].map((i) => peerOf(i).address));
    let dialled = 0;
    const failedMs = node.runUntil(() => {
      const joins = node.sentOf('join');
      for (; dialled < joins.length && joins[dialled]!.atMs + 1000 <= node.nowMs; dialled++)
        node.swim.link(joins[dialled]!.to, 'silent');
      return node.notices.length > 0;
    });
    expect(node.sentOf('join')).toHaveLength(12);
    expect(node.sentOf('join')[3]!.atMs).toBeLessThan(1100);
    expect(failedMs).toBeLessThan(6500);
    expect(node.notices.map(({ type }) => type)).toEqual(['join-failed']);
  });

  it('gives an address up at once where nobody listens', () => {
    const cluster = new Cluster();
    const a = cluster.add('a');
    a.swim.join([{ host: '10.9.9.9', port: 1 }]);
    cluster.run(10);
    expect(a.noticed('join-failed')).toBe(true);
  });

  it('says who refused it and why', () => {
    const node = new Alone();
    node.swim.join([peerOf(1).address]);
    const { attempt } = node.sentOf('join')[0]!.message;
    node.receive(1, { type: 'joinRefused', attempt, reason: 'because\nof that' });
    expect(node.notices.map(({ type }) => type)).toEqual(['join-refused', 'join-failed']);
    const [refused] = node.notices;
    expect(refused?.type === 'join-refused' && refused.error.message).toBe(
      '10.0.0.1:7946 does not admit this node: because?of that',
    );
  });

  it('waits when it is told to, without using up a try', () => {
    const node = new Alone();
    node.swim.join([peerOf(1).address]);
    for (let i = 1; i <= 5; i++) {
      node.receive(1, {
        type: 'joinWait',
        attempt: node.sentOf('join').at(-1)!.message.attempt,
        retryAfterMs: 400,
      });
      node.run(520);
      expect(node.sentOf('join')).toHaveLength(i + 1);
    }
  });

  it('does not ask where a member is known to be, nor itself', () => {
    const node = new Alone().with(2);
    node.swim.join([peerOf(0).address, peerOf(1).address]);
    expect(node.sentOf('join')).toEqual([]);
    expect(node.notices).toEqual([]);
  });

  it('answers pings before anybody knows it', () => {
    const node = new Alone();
    node.receive(1, { type: 'ping', seq: 3, to: peerOf(0).id, digest: someDigest, updates: [] });
    expect(node.sentOf('ack', 1)[0]!.message.seq).toBe(3);
    node.receive(1, { type: 'ping', seq: 4, to: peerOf(5).id, digest: someDigest, updates: [] });
    expect(node.sentOf('ack')).toHaveLength(1);
  });
});

describe('a seed', () => {
  it('dials a joiner back before it admits it', () => {
    const node = new Alone().receive(1, join(1));
    expect(node.state(1)).toBe('unknown');
    expect(node.sentOf('ping', 1).map(({ via }) => via)).toEqual(['fresh']);
    node.answer(1);
    expect(node.eventsAbout(1)).toEqual(['joined']);
    expect(node.sentOf('page', 1)[0]!.message).toMatchObject({ sync: 7, side: 'answer', last: true });
  });

  it('refuses a joiner whose address refuses, or is answered by another', () => {
    for (const [evidence, by, reason] of [
      ['refused', undefined, /nothing listens at 10\.0\.0\.1:7946/],
      ['replaced', peerOf(9).id, /another node/],
    ] as const) {
      const node = new Alone().receive(1, join(1));
      node.swim.link(peerOf(1), evidence, by);
      expect(node.sentOf('joinRefused', 1)[0]!.message.reason).toMatch(reason);
      expect(node.state(1)).toBe('unknown');
    }
  });

  it('refuses a joiner that stays silent after three dials', () => {
    const node = new Alone().receive(1, join(1));
    node.run(3010);
    expect(node.sentOf('ping', 1)).toHaveLength(3);
    expect(node.sentOf('joinRefused', 1)[0]!.message.reason).toMatch(/cannot be reached/);
    expect(node.swim.gauges['pings']).toBe(0);
  });

  it('dials 16 joiners at once, others wait', () => {
    const node = new Alone();
    for (let i = 1; i <= 17; i++) node.receive(i, join(i));
    expect(node.swim.gauges['dialBacks']).toBe(16);
    expect(node.sentOf('joinWait').map(({ to }) => to.id)).toEqual([peerOf(17).id]);
  });

  it('refuses when the cluster is full', () => {
    const node = new Alone({ maxMembers: 3 }).with(2).receive(3, join(3));
    expect(node.sentOf('joinRefused', 3)[0]!.message.reason).toMatch(/full/);
  });

  it('refuses a record about somebody else', () => {
    const node = new Alone().receive(1, join(2));
    expect(node.sentOf('joinRefused', 1)).toHaveLength(1);
  });

  it('answers a member that it knows without another dial', () => {
    const node = new Alone().with(1).receive(1, join(1));
    expect(node.sentOf('ping')).toEqual([]);
    expect(node.sentOf('page', 1)).toHaveLength(1);
  });

  it('lets one that is held unreachable refute first, and refuses one that has left', () => {
    const node = new Alone().with(2);
    node.hear(2, unreachableOf(1, 2)).receive(1, join(1));
    expect(node.sentOf('joinWait', 1)).toHaveLength(1);
    expect(node.updatesTo(1)[0]).toMatchObject({ type: 'unreachable' });
    node.hear(2, leftOf(1)).receive(1, join(1));
    expect(node.sentOf('joinRefused', 1)[0]!.message.reason).toMatch(/has left/);
  });
});

describe('a peer that introduces itself on the payload lane', () => {
  it('is granted when it is in the view, suspect or not', () => {
    const node = new Alone().with(1);
    expect(node.swim.introduce(memberOf(1))).toBe('grant');
  });

  it('brings its news along', () => {
    const node = new Alone().with(1);
    expect(node.swim.introduce(memberOf(1, 3, { metadata: { zone: 'a' } }))).toBe('grant');
    expect(node.eventsAbout(1)).toEqual(['updated']);
  });

  it('waits while it is unknown, and is dialled back', () => {
    const node = new Alone();
    expect(node.swim.introduce(memberOf(1))).toBe('wait');
    node.answer(1);
    expect(node.eventsAbout(1)).toEqual(['joined']);
    expect(node.swim.introduce(memberOf(1))).toBe('grant');
  });

  it('waits for its refutation when it is held unreachable, and hears the accusation', () => {
    const node = new Alone().with(2);
    node.hear(2, unreachableOf(1, 2));
    expect(node.swim.introduce(memberOf(1))).toBe('wait');
    expect(node.updatesTo(1)[0]).toMatchObject({ type: 'unreachable' });
    expect(node.swim.introduce(memberOf(1, 1))).toBe('grant');
    expect(node.eventsAbout(1)).toEqual(['unreachable', 'joined']);
  });

  it('is refused when it has left', () => {
    const node = new Alone().with(2);
    node.hear(2, leftOf(1));
    expect(node.swim.introduce(memberOf(1, 9))).toBe('refuse');
  });
});
