import { describe, expect, it } from '@jest/globals';
import type { Update } from '../../../src/membership/swim/messages.js';
import { notesOf } from '../../../src/membership/swim/member-notes.js';
import { aliveOf, Alone, memberOf, peerOf, suspectOf, unreachableOf } from './alone.js';

/** So many updates about others than 1 and 2. */
function news(count: number): Update[] {
  return Array.from({ length: count }, (_, i) => aliveOf(i + 100, 1));
}

/** The messages with updates to whoever it is. */
function piggybacked(node: Alone): Update[][] {
  return node.sent.flatMap(({ message }) => ('updates' in message ? [[...message.updates]] : []));
}

describe('updates of one message', () => {
  it('swim.maxPiggybackUpdates: further ones go with the next', () => {
    const node = new Alone({ maxPiggybackUpdates: 3, gossipFanout: 1 }).with(1);
    node.hear(1, ...news(7)).run(3000);
    const sizes = piggybacked(node).map((updates) => updates.length);
    expect(Math.max(...sizes)).toBe(3);
    const told = new Set(
      piggybacked(node)
        .flat()
        .map((update) => (update.type === 'alive' ? update.member.id : '')),
    );
    for (let i = 100; i < 107; i++) expect(told).toContain(peerOf(i).id);
  });

  it('swim.maxPiggybackBytes: the same; a single larger one goes alone', () => {
    const large = aliveOf(200, 1, { metadata: { text: 'x'.repeat(500) } });
    const node = new Alone({ maxPiggybackBytes: 300, gossipFanout: 1 }).with(1);
    node.hear(1, ...news(6), large).run(3000);
    for (const updates of piggybacked(node)) {
      const bytes = updates.reduce(
        (sum, update) => sum + (update.type === 'alive' ? notesOf(update.member).news.bytes : 0),
        0,
      );
      if (updates.length > 1) expect(bytes).toBeLessThanOrEqual(300);
    }
    expect(piggybacked(node).some(([only]) => only?.type === 'alive' && only.member.name === 'm200')).toBe(
      true,
    );
  });

  it('swim.maxPageBytes: a view goes in several pages, one after the other', () => {
    const members = Array.from({ length: 20 }, (_, i) =>
      memberOf(i + 1, 0, { metadata: { text: 'x'.repeat(100) } }),
    );
    const node = new Alone({ maxPageBytes: 1000 }).meet(...members);
    node.receive(1, { type: 'join', attempt: 7, member: members[0]! });
    for (let index = 0; index < 20; index++)
      node.receive(1, { type: 'pageTaken', sync: 7, side: 'answer', index });
    const pages = node.sentOf('page', 1).map(({ message }) => message);
    expect(pages.flatMap((page) => page.members)).toHaveLength(21);
    expect(Math.max(...pages.map((page) => page.members.length))).toBeLessThan(8);
    expect(pages.filter(({ last }) => last)).toHaveLength(1);
  });
});

describe('what a node remembers', () => {
  it('swim.maxMembers: an update about one more is dropped and counted', () => {
    const node = new Alone({ maxMembers: 3 }).with(2).hear(1, aliveOf(3), aliveOf(4));
    expect(node.swim.gauges['members']).toBe(3);
    expect([3, 4].map((i) => node.state(i))).toEqual(['unknown', 'unknown']);
    expect(node.count('membersRefused')).toBe(2);
    expect(node.hear(1, suspectOf(2, 1)).state(2)).toBe('suspect');
  });

  it('swim.maxAddressBook: of addresses where somebody was once', () => {
    const node = new Alone({ maxAddressBook: 2, maxTombstones: 1 }).with(8);
    node.hear(8, ...[1, 2, 3, 4, 5].map((i) => unreachableOf(i, 8)));
    expect(node.swim.gauges).toMatchObject({ tombstones: 1, addressBook: 2 });
  });

  it('swim.addressBookMs: such an address is not tried any more', () => {
    const tries = (addressBookMs: number): number => {
      const options = { maxTombstones: 1, addressBookMs, healIntervalMs: 1000, tombstoneMs: 10_000_000 };
      const node = new Alone(options).with(3).hear(3, unreachableOf(1, 3), unreachableOf(2, 3));
      for (let ms = 0; ms < 60_000; ms += 100) node.run(100).answer(3);
      return node.sentOf('join').filter(({ to }) => to.address.host === peerOf(1).address.host).length;
    };
    // Member 1 was the seed: its address is tried for that as well.
    expect(tries(86_400_000)).toBeGreaterThan(tries(1000));
  });

  it('swim.maxSeeds: of addresses that it was told to join, those under way included', () => {
    const node = new Alone({ maxSeeds: 4, seedsAtOnce: 100 });
    node.swim.join(Array.from({ length: 10 }, (_, i) => peerOf(i + 1).address));
    node.run(600_000);
    expect(node.count('joinsDropped')).toBe(6);
    expect(new Set(node.sentOf('join').map(({ to }) => to.address.host)).size).toBeLessThanOrEqual(10);
    const lateMs = node.nowMs;
    node.run(3_600_000);
    const late = node.sentOf('join').filter(({ atMs }) => atMs > lateMs);
    expect(new Set(late.map(({ to }) => to.address.host)).size).toBe(4);
  });
});

describe('what a node begins at once', () => {
  it('swim.seedsAtOnce: further seeds wait', () => {
    const node = new Alone({ seedsAtOnce: 2, joinTimeoutMs: 4000 });
    node.swim.join([1, 2, 3, 4].map((i) => peerOf(i).address));
    node.run(3900);
    expect(node.sentOf('join')).toHaveLength(2);
  });

  it('swim.maxJoinsAtOnce: a further joiner is told to wait', () => {
    const node = new Alone({ maxJoinsAtOnce: 2 });
    for (const i of [1, 2, 3]) node.receive(i, { type: 'join', attempt: 7, member: memberOf(i) });
    expect(node.swim.gauges['dialBacks']).toBe(2);
    expect(node.sentOf('joinWait').map(({ to }) => to.id)).toEqual([peerOf(3).id]);
  });

  it('swim.maxDialsInFirstSecond: further gossip to those without a link waits', () => {
    const node = new Alone({ maxDialsInFirstSecond: 2, gossipIntervalMs: 50, gossipFanout: 5 }).with(20);
    node.hear(1, ...news(3)).run(900 - node.nowMs);
    expect(node.sentOf('gossip').length).toBeLessThanOrEqual(2);
    node.run(1000);
    expect(node.sentOf('gossip').length).toBeGreaterThan(2);
  });

  it('swim.maxIncarnationJump: an update that raises one by more is dropped and counted', () => {
    const node = new Alone({ maxIncarnationJump: 10 }).with(2);
    node.hear(1, aliveOf(2, 11));
    expect(node.swim.member(peerOf(2).id)!.incarnation).toBe(0);
    expect(node.count('incarnationsRefused')).toBe(1);
    node.hear(1, aliveOf(2, 10));
    expect(node.swim.member(peerOf(2).id)!.incarnation).toBe(10);
  });
});
