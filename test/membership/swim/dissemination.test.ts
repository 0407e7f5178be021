import { describe, it, expect } from '@jest/globals';
import { DisseminationQueue, subjectOf } from '../../../src/membership/swim/dissemination.js';
import { Alone, aliveOf, leftOf, peerOf, suspectOf, unreachableOf } from './alone.js';

const roomy = { maxUpdates: 64, maxBytes: 1400 };
const nobody = peerOf(99).id;

describe('the dissemination queue', () => {
  it('gives the least-sent first', () => {
    const queue = new DisseminationQueue(100, { maxUpdates: 1, maxBytes: 1400 });
    queue.put(leftOf(1));
    expect(queue.take(nobody, 10, [])).toEqual([leftOf(1)]);
    queue.put(leftOf(2));
    expect([queue.take(nobody, 10, []), queue.take(nobody, 10, [])]).toEqual([[leftOf(2)], [leftOf(1)]]);
  });

  it('gives joins behind everything else, however often that was sent', () => {
    const queue = new DisseminationQueue(100, { maxUpdates: 1, maxBytes: 1400 });
    queue.put(aliveOf(1));
    queue.put(suspectOf(2, 3));
    queue.put(aliveOf(4, 1));
    const taken = Array.from({ length: 5 }, () => queue.take(nobody, 2, [])[0]);
    expect(taken).toEqual([suspectOf(2, 3), aliveOf(4, 1), suspectOf(2, 3), aliveOf(4, 1), aliveOf(1)]);
  });

  it('sends each update as often as its limit says, then forgets it', () => {
    const queue = new DisseminationQueue(100, roomy);
    queue.put(leftOf(1));
    for (let sends = 0; sends < 4; sends++) expect(queue.take(nobody, 4, [])).toHaveLength(1);
    expect(queue.take(nobody, 4, [])).toEqual([]);
    expect(queue.size).toBe(0);
  });

  it('keeps one update a member, the newest, and counts its sends from 0', () => {
    const queue = new DisseminationQueue(100, roomy);
    queue.put(suspectOf(1, 2));
    queue.take(nobody, 2, []);
    queue.put(aliveOf(1, 1));
    expect(queue.size).toBe(1);
    expect(queue.take(nobody, 2, [])).toEqual([aliveOf(1, 1)]);
    expect(queue.take(nobody, 2, [])).toHaveLength(1);
  });

  it('fills a message up to its bytes and its count, and sends a larger update alone', () => {
    const queue = new DisseminationQueue(100, { maxUpdates: 3, maxBytes: 110 });
    for (let i = 1; i <= 4; i++) queue.put(suspectOf(i, 9));
    expect(queue.take(nobody, 1, [])).toHaveLength(2);
    const big = aliveOf(5, 0, { metadata: { text: 'x'.repeat(1000) } });
    queue.put(big);
    const frames = [1, 2, 3].map(() => queue.take(nobody, 1, []).map(subjectOf));
    expect(frames).toContainEqual([peerOf(5).id]);
  });

  it('tells a member nothing of itself', () => {
    const queue = new DisseminationQueue(100, roomy);
    queue.put(aliveOf(1));
    expect(queue.take(peerOf(1).id, 4, [])).toEqual([]);
  });

  it('is bounded: the most-sent makes room', () => {
    const queue = new DisseminationQueue(2, roomy);
    queue.put(leftOf(1));
    queue.take(nobody, 9, []);
    expect(queue.put(leftOf(2))).toBe(true);
    expect(queue.put(leftOf(3))).toBe(false);
    expect(queue.take(nobody, 9, []).map(subjectOf)).toEqual([peerOf(2).id, peerOf(3).id]);
  });
});

describe('gossip', () => {
  it('sends an update λ⌈log10(n + 1)⌉ times in all, in rounds of three members', () => {
    const node = new Alone({
      probeIntervalMs: 1_000_000,
      syncIntervalMs: 0,
      components: { buddy: false },
    }).with(20);
    node.run(5000);
    node.sent.length = 0;
    node.hear(2, suspectOf(1, 2));
    node.run(10_000);
    const copies = node.sent
      .flatMap(({ message }) => ('updates' in message ? message.updates : []))
      .filter((u) => u.type === 'suspect');
    // A round that would tell the subject itself counts too.
    expect(copies.length).toBeLessThanOrEqual(8);
    expect(copies.length).toBeGreaterThanOrEqual(7);
  });

  it('goes out in rounds of the fanout, one each interval', () => {
    const node = new Alone({ probeIntervalMs: 1_000_000, syncIntervalMs: 0, retransmitMultiplier: 100 }).with(
      20,
    );
    node.run(2000);
    node.sent.length = 0;
    node.run(1000);
    const rounds = new Map<number, Set<string>>();
    for (const { atMs, to } of node.sentOf('gossip'))
      rounds.set(atMs, (rounds.get(atMs) ?? new Set()).add(to.id!));
    expect(rounds.size).toBe(5);
    for (const targets of rounds.values()) expect(targets.size).toBe(3);
  });

  it('is silent when there is nothing to say', () => {
    const node = new Alone({ probeIntervalMs: 1_000_000, syncIntervalMs: 0 }).with(3);
    node.run(20_000);
    node.sent.length = 0;
    node.run(20_000);
    expect(node.sent).toEqual([]);
  });

  it('rides on pings and acks, and is off where the paper is followed', () => {
    const node = new Alone({ gossipFanout: 0 }).with(3);
    node.hear(2, aliveOf(9));
    node.runUntil(() => node.sentOf('ping').some(({ to }) => to.id !== peerOf(9).id));
    expect(node.sentOf('gossip')).toEqual([]);
    expect(node.sent.flatMap(({ message }) => ('updates' in message ? message.updates : []))).toContainEqual(
      aliveOf(9),
    );
  });

  it('dials at most eight members in the first second', () => {
    const node = new Alone({ probeIntervalMs: 1_000_000 }).with(100);
    node.run(990);
    expect(new Set(node.sentOf('gossip').map(({ to }) => to.id)).size).toBeLessThanOrEqual(8);
    node.run(5000);
    expect(new Set(node.sentOf('gossip').map(({ to }) => to.id)).size).toBeGreaterThan(8);
  });

  it('swim.maxQueuedUpdates: drops what does not fit its queue, and counts it', () => {
    const node = new Alone({ maxQueuedUpdates: 4 }).with(10);
    expect(node.swim.gauges['queuedUpdates']).toBe(4);
    expect(node.count('updatesDropped')).toBe(6);
  });

  it('goes on to lost members for a while where that is wished, as in memberlist', () => {
    for (const gossipToLostMs of [0, 30_000]) {
      const node = new Alone({
        probeIntervalMs: 1e6,
        syncIntervalMs: 0,
        retransmitMultiplier: 1000,
        gossipToLostMs,
        components: { hardEvidence: false },
      }).with(6);
      node.run(2000).sent.length = 0;
      node.hear(2, unreachableOf(1, 2)).run(20_000);
      const told = node.sentOf('gossip', 1);
      if (gossipToLostMs === 0) expect(told).toEqual([]);
      else {
        // One of six, three a round: half of the rounds.
        expect(told.length).toBeGreaterThan(30);
        expect(told.length).toBeLessThan(70);
        expect(told[0]!.message.updates[0]).toMatchObject({ type: 'unreachable', id: peerOf(1).id });
      }
      node.run(15_000).sent.length = 0;
      node.run(10_000);
      expect(node.sentOf('gossip', 1)).toEqual([]);
    }
  });
});

describe('gossip in a cluster with more members than links', () => {
  /** Twenty members, of whom this node has a link to the first four; news goes round for a while. */
  const targets = (gossipOverLinksAbove: number, ageMs = 31_000): readonly number[] => {
    const node = new Alone({ gossipOverLinksAbove }).with(20);
    node.run(ageMs - 1100);
    for (const i of [1, 2, 3, 4]) node.swim.link(peerOf(i), 'up');
    node.run(1100);
    node.sent.length = 0;
    node.swim.setMetadata({ version: 1 });
    node.run(600);
    return node
      .sentOf('gossip')
      .map(({ to }) => Number(to.address.host.split('.')[3]))
      .filter((i) => i > 4);
  };

  it('goes to members with an open link, and to one other a round', () => {
    expect(targets(10).length).toBeGreaterThan(0);
    expect(targets(10).length).toBeLessThanOrEqual(3);
    expect(targets(257).length).toBeGreaterThan(4);
  });

  it('does so in any cluster for its first 30 probe intervals: nodes that start together do not all dial each other', () => {
    expect(targets(257, 2000).length).toBeGreaterThan(0);
    expect(targets(257, 2000).length).toBeLessThanOrEqual(3);
    expect(targets(257, 28_000).length).toBeLessThanOrEqual(3);
  });
});
