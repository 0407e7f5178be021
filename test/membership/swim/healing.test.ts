import { describe, it, expect } from '@jest/globals';
import type { ProtocolTimer } from '../../../src/membership/protocol.js';
import { AddressBook } from '../../../src/membership/swim/address-book.js';
import { Alone, aliveOf, leftOf, peerOf, someDigest, unreachableOf } from './alone.js';
import { Cluster } from './cluster.js';

describe('a partition', () => {
  it('heals by itself, long after both sides have given each other up', () => {
    const cluster = Cluster.formed(6);
    for (const x of ['a', 'b', 'c']) for (const y of ['d', 'e', 'f']) cluster.cut(x, y);
    cluster.run(300_000);
    expect(cluster.get('a').active).toEqual(['a', 'b', 'c']);
    expect(cluster.get('e').active).toEqual(['d', 'e', 'f']);
    cluster.heal();
    const whole = (): boolean => [...cluster.nodes.values()].every((node) => node.active.length === 6);
    expect(cluster.runUntil(whole, 60_000)).toBeLessThan(30_000);
    expect(cluster.get('a').eventsAbout('e')).toEqual(['joined', 'suspected', 'unreachable', 'joined']);
  });

  it('heals through an address when its tombstones are gone', () => {
    const cluster = Cluster.formed(4, { overrides: { tombstoneMs: 60_000 } });
    for (const x of ['a', 'b']) for (const y of ['c', 'd']) cluster.cut(x, y);
    cluster.run(300_000);
    expect(cluster.get('a').swim.gauges).toMatchObject({ tombstones: 0, addressBook: 2 });
    cluster.heal();
    cluster.runUntil(() => [...cluster.nodes.values()].every((node) => node.active.length === 4), 120_000);
  });

  it('of one pair leaves everybody in everybody’s view', () => {
    const cluster = Cluster.formed(4);
    cluster.cut('a', 'b').run(60_000);
    for (const node of cluster.nodes.values()) expect(node.active).toHaveLength(4);
    for (const node of cluster.nodes.values())
      expect(node.events.map(({ type }) => type)).not.toContain('unreachable');
  });
});

describe('a process that was stopped', () => {
  it('for less than the suspicion goes on as if nothing had happened', () => {
    const cluster = Cluster.formed(3);
    cluster.freeze('c').run(3000);
    cluster.thaw('c').run(10_000);
    for (const name of ['a', 'b']) expect(cluster.get(name).eventsAbout('c')).not.toContain('unreachable');
    expect(cluster.get('a').state('c')).toBe('alive');
  });

  it('for more comes back as itself', () => {
    const cluster = Cluster.formed(3);
    cluster.freeze('c').run(15_000);
    expect(cluster.get('a').state('c')).toBe('unreachable');
    cluster.thaw('c');
    cluster.runUntil(() => ['a', 'b', 'c'].every((name) => cluster.get(name).active.length === 3), 10_000);
    expect(cluster.get('a').eventsAbout('c')).toEqual(['joined', 'suspected', 'unreachable', 'joined']);
  });
});

/** Its timers for tombstones fire a rounding error early. */
class Hasty extends Alone {
  reaps = 0;

  override after(delayMs: number, timer: ProtocolTimer): void {
    const early = timer.kind === 'reap' ? 1e-9 : 0;
    if (timer.kind === 'reap' && ++this.reaps > 10) throw new RangeError('The tombstone is never reaped');
    super.after(Math.max(0, delayMs - early), timer);
  }
}

describe('what is lost', () => {
  it('is forgotten in time, also by a timer that fires a rounding error early', () => {
    const node = new Hasty({ tombstoneMs: 60_000 }).with(2);
    node.hear(2, leftOf(1)).run(61_000);
    expect(node.swim.gauges['tombstones']).toBe(0);
    expect(node.reaps).toBe(1);
  });

  it('is tried about every ten intervals, with the verdict, so that it can refute', () => {
    const node = new Alone().with(2);
    node.hear(2, unreachableOf(1, 2), leftOf(2));
    node.sent.length = 0;
    node.run(600_000);
    const tries = node.sentOf('ping', 1);
    // Half of them; the others ask the seed.
    expect(tries.length).toBeGreaterThan(10);
    expect(tries.length).toBeLessThan(70);
    expect(tries[0]!.message.updates[0]).toMatchObject({ type: 'unreachable' });
    expect(node.sentOf('ping', 2)).toEqual([]);
  });

  it('swim.tombstoneMs: is forgotten after the tombstone time, and an address is kept of the unreachable only', () => {
    const node = new Alone({ tombstoneMs: 100_000 }).with(3);
    node.hear(2, unreachableOf(1, 2), leftOf(3));
    for (let ms = 0; ms < 100_000; ms += 100) node.run(100).answer(2);
    expect([node.state(1), node.state(3)]).toEqual(['unknown', 'unknown']);
    expect(node.swim.gauges).toMatchObject({ tombstones: 0, addressBook: 1, members: 2 });
  });

  it('swim.maxTombstones: is forgotten sooner where there is too much of it, the oldest first', () => {
    const node = new Alone({ maxTombstones: 2 }).with(5);
    node.hear(5, leftOf(1), unreachableOf(2, 5), leftOf(3));
    expect([1, 2, 3].map((i) => node.state(i))).toEqual(['unknown', 'unreachable', 'left']);
  });

  it('does not fill the address book over its bound', () => {
    const book = new AddressBook(3, Math.random);
    for (let i = 1; i <= 10; i++) book.add(peerOf(i).address, 1000);
    expect(book.size).toBe(3);
    expect(book.pick(1001)).toBeUndefined();
    expect(book.size).toBe(0);
  });

  it('is not trusted after half a tombstone time alone: the view is discarded and the node joins again', () => {
    const node = new Alone({ tombstoneMs: 100_000 }).with(1);
    node.hear(1, unreachableOf(1, 1));
    node.run(80_000);
    expect(node.count('startedOver')).toBe(1);
    expect(node.state(1)).toBe('unknown');
    expect(node.swim.local.incarnation).toBe(1);
    expect(node.sentOf('join').map(({ to }) => to.address)).toContainEqual(peerOf(1).address);
    expect(node.eventsAbout(1)).toEqual(['unreachable']);
  });

  it('is not trusted after half a tombstone time without contact, though most were not given up yet', () => {
    const node = new Alone({ tombstoneMs: 100_000 }).with(60);
    node.run(49_000);
    expect(node.count('startedOver')).toBe(0);
    expect(node.state(30)).not.toBe('unknown');
    node.run(20_000);
    expect(node.count('startedOver')).toBe(1);
    expect(node.state(30)).toBe('unknown');
  });

  it('is trusted while a single member still speaks to this node', () => {
    const node = new Alone({ tombstoneMs: 100_000 }).with(60);
    for (let second = 0; second < 90; second++) {
      node.run(1000);
      node.receive(7, { type: 'ping', seq: second, to: peerOf(0).id, digest: someDigest, updates: [] });
    }
    expect(node.count('startedOver')).toBe(0);
  });

  it('can be joined again as unknown', () => {
    const node = new Alone({ tombstoneMs: 50_000 }).with(2);
    node.hear(2, leftOf(1));
    for (let ms = 0; ms < 60_000; ms += 100) node.run(100).answer(2);
    node.hear(2, aliveOf(1, 5));
    expect(node.eventsAbout(1)).toEqual(['left', 'joined']);
  });
});
