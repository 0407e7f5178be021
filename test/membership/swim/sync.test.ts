import { describe, it, expect } from '@jest/globals';
import { ViewDigest } from '../../../src/membership/swim/digest.js';
import { recordBytes } from '../../../src/membership/swim/facts.js';
import { DIGEST_VERSION } from '../../../src/membership/swim/messages.js';
import type { Digest } from '../../../src/membership/swim/messages.js';
import { Alone, aliveOf, leftOf, memberOf, peerOf, suspectOf, unreachableOf } from './alone.js';
import { Cluster } from './cluster.js';

describe('the digest', () => {
  it('does not depend on the order, and removing undoes adding', () => {
    const [one, two, none] = [new ViewDigest(), new ViewDigest(), new ViewDigest()];
    for (const i of [1, 2, 3]) one.add(memberOf(i, i));
    for (const i of [3, 1, 2]) two.add(memberOf(i, i));
    expect([one.low, one.high, ...one.buckets]).toEqual([two.low, two.high, ...two.buckets]);
    for (const i of [2, 3, 1]) one.remove(memberOf(i, i));
    expect([one.low, one.high, ...one.buckets]).toEqual([none.low, none.high, ...none.buckets]);
  });

  it('tells incarnations apart, small ones and those over 2^32', () => {
    const sums = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 40].map((incarnation) => {
      const digest = new ViewDigest();
      digest.add(memberOf(1, incarnation));
      return `${digest.low} ${digest.high}`;
    });
    expect(new Set(sums).size).toBe(sums.length);
  });

  it('counts suspects as alive and leaves the terminal out', () => {
    const digestOf = (node: Alone): unknown => {
      node.receive(9, { type: 'ping', seq: 1, to: peerOf(0).id, digest: differing, updates: [] });
      const { low, high } = node.sentOf('ack').at(-1)!.message.digest;
      return [low, high];
    };
    const alive = digestOf(new Alone().with(2));
    expect(digestOf(new Alone().with(2).hear(2, suspectOf(1, 2)))).toEqual(alive);
    const one = digestOf(new Alone().with(1));
    expect(digestOf(new Alone().with(2).hear(1, leftOf(2)))).toEqual(one);
    expect(digestOf(new Alone().with(2).hear(1, unreachableOf(2, 1)))).toEqual(one);
  });
});

const differing: Digest = { version: DIGEST_VERSION, low: 1, high: 1, quiet: true };

/** Member 1 answers a ping with a digest. */
function contact(node: Alone, digest: Digest): void {
  const before = node.sentOf('ping', 1).length;
  node.runUntil(() => node.sentOf('ping', 1).length > before);
  const { message } = node.sentOf('ping', 1).at(-1)!;
  node.receive(1, { type: 'ack', seq: message.seq, incarnation: 0, digest, updates: [] });
}

describe('a sync', () => {
  it('starts at once when a digest differs and nothing is under way', () => {
    const node = new Alone({ syncIntervalMs: 0, gossipIntervalMs: 1 }).with(1);
    node.runUntil(() => node.swim.gauges['queuedUpdates'] === 0, 500);
    contact(node, differing);
    expect(node.sentOf('syncStart', 1)).toHaveLength(1);
    expect(node.sentOf('syncStart', 1)[0]!.message.buckets).toHaveLength(128);
  });

  it('waits for a second difference while somebody still gossips', () => {
    const node = new Alone({ syncIntervalMs: 0, gossipIntervalMs: 1 }).with(1);
    contact(node, { ...differing, quiet: false });
    expect(node.sentOf('syncStart')).toEqual([]);
    contact(node, { ...differing, quiet: false });
    expect(node.sentOf('syncStart')).toHaveLength(1);
  });

  it('does not start for another version of the digest', () => {
    const node = new Alone({ syncIntervalMs: 0 }).with(1);
    for (let i = 0; i < 3; i++) contact(node, { ...differing, version: DIGEST_VERSION + 1 });
    expect(node.sentOf('syncStart')).toEqual([]);
  });

  it('of every interval is left out where the digests of that interval said that views are equal', () => {
    const equal = (node: Alone): Digest => {
      node.receive(1, { type: 'ping', seq: 9, to: peerOf(0).id, digest: differing, updates: [] });
      return node.sentOf('ack').at(-1)!.message.digest;
    };
    const startsWith = (digests: (node: Alone) => readonly Digest[]): number => {
      const node = new Alone({ syncIntervalMs: 2000, syncTimeoutMs: 100 }).with(1);
      const said = digests(node);
      // The ping that asked for the digest said something else, and so counts in the first interval.
      for (let i = 0; i < 4; i++) contact(node, said[i % said.length]!);
      const before = node.sentOf('syncStart').length;
      for (let i = 0; i < 12; i++) contact(node, said[i % said.length]!);
      return node.sentOf('syncStart').length - before;
    };
    expect(startsWith((node) => [equal(node)])).toBe(0);
    expect(startsWith(() => [{ ...differing, version: DIGEST_VERSION + 1 }])).toBeGreaterThan(3);
    expect(startsWith((node) => [equal(node), { ...differing, quiet: false }])).toBeGreaterThan(3);
  });

  it('comes ever more rarely while it does not help', () => {
    const node = new Alone({ syncIntervalMs: 0, syncTimeoutMs: 100 }).with(1);
    for (let i = 0; i < 60; i++) contact(node, differing);
    const starts = node.sentOf('syncStart').map(({ atMs }) => atMs);
    expect(starts.length).toBeLessThanOrEqual(9);
    expect(starts.length).toBeGreaterThanOrEqual(5);
  });

  it('is one at a time: a second asker hears that this node is busy', () => {
    const node = new Alone().with(3);
    const start = { type: 'syncStart', sync: 5, buckets: new Array<number>(128).fill(0) } as const;
    node.receive(1, start).receive(2, start);
    expect(node.sentOf('page', 1)).toHaveLength(1);
    expect(node.sentOf('syncBusy', 2)).toHaveLength(1);
    node.receive(1, { type: 'pageTaken', sync: 5, side: 'answer', index: 0 }).receive(2, start);
    expect(node.sentOf('page', 2)).toHaveLength(1);
  });

  it('gives a silent peer up', () => {
    const node = new Alone({ syncIntervalMs: 0 }).with(1);
    node.receive(1, { type: 'syncStart', sync: 5, buckets: new Array<number>(128).fill(0) });
    node.run(3000);
    node.receive(1, { type: 'syncStart', sync: 6, buckets: new Array<number>(128).fill(0) });
    expect(node.sentOf('page', 1)).toHaveLength(2);
  });

  it('of equal views costs one empty page, where no digest has told', () => {
    const cluster = Cluster.formed(3, {
      overrides: { syncIntervalMs: 2000, components: { digestSync: false } },
    });
    for (const node of cluster.nodes.values()) node.sent.length = 0;
    cluster.run(20_000);
    const pages = [...cluster.nodes.values()]
      .flatMap((node) => node.sent)
      .filter(({ message }) => message.type === 'page');
    expect(pages.length).toBeGreaterThan(5);
    for (const { message } of pages) expect(message).toMatchObject({ last: true, members: [] });
  });

  it('sends pages of at most 16 KiB, each after the one before was taken', () => {
    const node = new Alone().with(1);
    for (let i = 1; i <= 300; i++) node.hear(1, aliveOf(i, 0, { metadata: { text: 'x'.repeat(100) } }));
    node.receive(1, { type: 'syncStart', sync: 5, buckets: new Array<number>(128).fill(0) });
    for (let index = 0; index < 100; index++) {
      expect(node.sentOf('page')).toHaveLength(index + 1);
      if (node.sentOf('page').at(-1)!.message.last) break;
      node.receive(1, { type: 'pageTaken', sync: 5, side: 'answer', index });
    }
    const pages = node.sentOf('page').map(({ message }) => message.members);
    expect(pages.length).toBeGreaterThan(5);
    for (const page of pages)
      expect(page.reduce((sum, member) => sum + recordBytes(member), 0)).toBeLessThanOrEqual(16_384);
    expect(new Set(pages.flat().map(({ id }) => id)).size).toBe(301);
  });

  it('takes a verdict for a suspicion, and a suspicion for no confirmation', () => {
    const node = new Alone().with(3);
    const page = (members: ReturnType<typeof memberOf>[]) =>
      ({
        type: 'page',
        sync: 1,
        side: 'push',
        index: 0,
        last: true,
        maskLow: 0,
        maskHigh: 0,
        members,
      }) as const;
    node.receive(2, page([memberOf(1, 0, { state: 'unreachable' })]));
    expect(node.state(1)).toBe('suspect');
    node.receive(3, page([memberOf(1, 0, { state: 'suspect' })]));
    expect(node.count('confirmations')).toBe(0);
    node.receive(3, page([memberOf(8, 0, { state: 'unreachable' }), memberOf(9, 0, { state: 'left' })]));
    expect([node.state(8), node.state(9)]).toEqual(['unknown', 'unknown']);
    node.receive(3, page([memberOf(7, 2, { state: 'suspect' })]));
    expect(node.eventsAbout(7)).toEqual(['joined', 'suspected']);
  });

  it('ends when a peer lists more members than there can be', () => {
    const node = new Alone({ maxMembers: 3, maxTombstones: 2, gossipIntervalMs: 1 }).with(1);
    node.runUntil(() => node.swim.gauges['queuedUpdates'] === 0, 500);
    contact(node, differing);
    const { sync } = node.sentOf('syncStart', 1)[0]!.message;
    const members = [2, 3, 4, 5, 6, 7].map((i) => memberOf(i));
    node.receive(1, {
      type: 'page',
      sync,
      side: 'answer',
      index: 0,
      last: false,
      maskLow: 1,
      maskHigh: 0,
      members,
    });
    expect(node.count('pagesRefused')).toBe(1);
    expect(node.swim.view.members).toHaveLength(2);
  });

  it('does not revive a member that has left', () => {
    const cluster = Cluster.formed(4);
    const [a, d] = [cluster.get('a'), cluster.get('d')];
    cluster.cut('a', 'd').cut('b', 'd').cut('c', 'd');
    cluster.get('c').swim.leave();
    cluster.run(2000);
    cluster.get('c').swim.stop();
    expect(a.state('c')).toBe('left');
    expect(d.active).toContain('c');
    cluster.heal();
    cluster.runUntil(() => d.state('c') !== 'alive' && d.state('c') !== 'suspect', 60_000);
    cluster.run(60_000);
    expect(a.eventsAbout('c')).toEqual(['joined', 'left']);
  });
});

describe('pages without end', () => {
  const frame = { type: 'page', side: 'answer', maskLow: 0, maskHigh: 0 } as const;

  /** The node asks member 1 for its view. */
  function asking(): { node: Alone; sync: number } {
    const node = new Alone({ syncIntervalMs: 1000, syncTimeoutMs: 2000, probeIntervalMs: 600_000 }).with(1);
    node.runUntil(() => node.sentOf('syncStart').length > 0);
    return { node, sync: node.sentOf('syncStart')[0]!.message.sync };
  }

  it('that hold nobody end the exchange at once', () => {
    const { node, sync } = asking();
    node.receive(1, { ...frame, sync, index: 0, last: false, members: [] });
    expect([node.count('pagesRefused'), node.sentOf('pageTaken')]).toEqual([1, []]);
  });

  it('that trickle are given up after the time of 15 timeouts, and another sync can begin', () => {
    const { node, sync } = asking();
    for (let index = 0; index < 40; index++) {
      node.receive(1, { ...frame, sync, index, last: false, members: [memberOf(1)] });
      node.run(1000);
    }
    expect(node.sentOf('pageTaken').length).toBeLessThanOrEqual(30);
    expect(node.sentOf('syncStart').length).toBeGreaterThan(1);
  });
});
