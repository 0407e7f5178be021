import { describe, it, expect } from '@jest/globals';
import {
  expectedConfirmations,
  maxSuspicionMs,
  minSuspicionMs,
  retransmitLimit,
  suspicionTimeoutMs,
} from '../../../src/membership/swim/formulas.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import { Alone, aliveOf, leftOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';

const lan = resolveSwimOptions('lan');

describe('the suspicion timeout', () => {
  it('is what Lifeguard gives for 128 members with α 5, β 6 and K 3', () => {
    const options = resolveSwimOptions('lan', { suspicionAlpha: 5 });
    const [min, max] = [minSuspicionMs(options, 128), maxSuspicionMs(options, 128)];
    const seconds = [0, 1, 2, 3].map((c) => Number((suspicionTimeoutMs(c, 3, min, max) / 1000).toFixed(1)));
    expect(seconds).toEqual([63.2, 36.9, 21.5, 10.5]);
  });

  it('is Min where nobody could confirm', () => {
    expect([0, 1, 2, 3, 98].map((others) => expectedConfirmations(lan, others))).toEqual([0, 1, 2, 3, 3]);
    expect(suspicionTimeoutMs(0, 0, 4000, 24_000)).toBe(4000);
  });

  it('lies in [Min, Max] and never grows with confirmations', () => {
    for (let c = 0; c < 6; c++) {
      const [now, next] = [c, c + 1].map((count) => suspicionTimeoutMs(count, 3, 4000, 24_000)) as [
        number,
        number,
      ];
      expect(now).toBeGreaterThanOrEqual(4000);
      expect(now).toBeLessThanOrEqual(24_000);
      expect(next).toBeLessThanOrEqual(now);
    }
  });

  it('has a Min of α intervals up to ten members, and grows with log10 n', () => {
    expect([1, 3, 10, 100, 1000].map((n) => minSuspicionMs(lan, n))).toEqual([
      4000, 4000, 4000, 8000, 12_000,
    ]);
  });

  it('is fixed at Min without LHA-Suspicion', () => {
    const plain = resolveSwimOptions('lan', { components: { lhaSuspicion: false } });
    expect(maxSuspicionMs(plain, 100)).toBe(minSuspicionMs(plain, 100));
  });

  it('goes with λ⌈log10(n + 1)⌉ sends of an update', () => {
    expect([1, 9, 10, 99, 100, 5000].map((n) => retransmitLimit(4, n))).toEqual([4, 4, 8, 8, 12, 16]);
  });
});

/** A node with `n` members whose pings all but member 1 answer. */
function observer(n: number, overrides = {}): Alone {
  return new Alone(overrides).with(n - 1);
}

function keepAnswering(node: Alone, ms: number, silent = 1): void {
  const answered = new Set<number>();
  const untilMs = node.nowMs + ms;
  while (node.nowMs < untilMs) {
    node.run(10);
    for (const { to, message } of node.sentOf('ping')) {
      const i = Number.parseInt(to.address.host.split('.')[3]!, 10);
      if (i === silent || answered.has(message.seq)) continue;
      answered.add(message.seq);
      node.receive(i, { type: 'ack', seq: message.seq, incarnation: 0, digest: someDigest, updates: [] });
    }
  }
}

describe('a suspected member', () => {
  it('is unreachable after Max when this node alone is left to doubt it', () => {
    const node = observer(8);
    node.hear(2, suspectOf(1, 2));
    keepAnswering(node, 3900);
    expect(node.state(1)).toBe('suspect');
    keepAnswering(node, 25_000);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'unreachable']);
  });

  it('is unreachable after Min once K others have confirmed', () => {
    const node = observer(8);
    for (const accuser of [2, 3, 4, 5]) node.hear(accuser, suspectOf(1, accuser));
    keepAnswering(node, 3990);
    expect(node.state(1)).toBe('suspect');
    keepAnswering(node, 30);
    expect(node.state(1)).toBe('unreachable');
  });

  it('counts each accuser once', () => {
    const node = observer(8);
    for (let i = 0; i < 5; i++) node.hear(3, suspectOf(1, 2));
    expect(node.count('confirmations')).toBe(0);
    for (let i = 0; i < 5; i++) node.hear(3, suspectOf(1, 3));
    expect(node.count('confirmations')).toBe(1);
  });

  it('has its first K confirmations gossiped again, and no more', () => {
    const node = observer(10);
    for (const accuser of [2, 3, 4, 5, 6, 7]) node.hear(accuser, suspectOf(1, accuser));
    expect(node.count('confirmations')).toBe(3);
    node.run(250);
    const accusers = new Set(
      node
        .sentOf('gossip')
        .flatMap(({ message }) => message.updates.flatMap((u) => (u.type === 'suspect' ? [u.accuser] : []))),
    );
    expect([...accusers]).toEqual([peerOf(5).id]);
  });

  it('recovers by a refutation that comes before the timeout, whenever that is', () => {
    const node = observer(8);
    for (const accuser of [2, 3, 4, 5]) node.hear(accuser, suspectOf(1, accuser));
    keepAnswering(node, 3990);
    node.hear(2, aliveOf(1, 1));
    keepAnswering(node, 10_000, -1);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'recovered']);
  });

  it('is not helped by an alive of the incarnation that is doubted', () => {
    const node = observer(8);
    node.hear(2, suspectOf(1, 2)).hear(2, aliveOf(1, 0));
    expect(node.state(1)).toBe('suspect');
  });

  it('is not judged by a node that it has answered since', () => {
    const node = observer(3);
    for (const accuser of [2, 3]) node.hear(2, suspectOf(1, accuser));
    keepAnswering(node, 60_000, -1);
    expect(node.state(1)).toBe('suspect');
    node.hear(2, unreachableOf(1, 2));
    expect(node.state(1)).toBe('suspect');
    expect(node.updatesTo(1)).toContainEqual(unreachableOf(1, 2));
    expect(node.count('verdictsContradicted')).toBe(1);
  });

  it('leaves if it says so, however late', () => {
    const node = observer(4);
    node.hear(2, suspectOf(1, 2)).hear(2, leftOf(1, 1));
    expect(node.eventsAbout(1)).toEqual(['suspected', 'left']);
    expect(node.swim.gauges['suspicions']).toBe(0);
  });
});

describe('a node that is accused itself', () => {
  it('answers with max(own, accused) + 1, to the accuser, the messenger and the fanout, at once', () => {
    const node = observer(10);
    node.hear(2, suspectOf(0, 3, 4));
    expect(node.swim.local.incarnation).toBe(5);
    const told = node.sentOf('gossip').map(({ to }) => to.id);
    expect(told).toContain(peerOf(2).id);
    expect(told).toContain(peerOf(3).id);
    expect(told).toHaveLength(5);
    expect(node.notices).toEqual([{ type: 'refuted', accuser: peerOf(3).id, incarnation: 5 }]);
  });

  it('is never suspect or unreachable in its own eyes', () => {
    const node = observer(4);
    node.hear(2, suspectOf(0, 3), unreachableOf(0, 3, 1));
    expect(node.swim.local.state).toBe('alive');
    expect(node.events).toEqual([]);
  });

  it('refutes at most once a gossip interval, and never not at all', () => {
    const node = observer(4);
    for (let i = 0; i < 20; i++) node.hear(2, suspectOf(0, 3, node.swim.local.incarnation));
    expect(node.swim.local.incarnation).toBe(1);
    node.run(210);
    expect(node.swim.local.incarnation).toBe(2);
  });

  it('answers an old accusation by what it has said since, without a new incarnation', () => {
    const node = observer(4);
    node.hear(2, suspectOf(0, 3, 4));
    node.sent.length = 0;
    node.hear(2, suspectOf(0, 3, 4));
    expect(node.swim.local.incarnation).toBe(5);
    expect(node.updatesTo(2)).toEqual([{ type: 'alive', member: node.swim.local }]);
  });

  it('raises its incarnation over one that others remember of it', () => {
    const node = observer(4);
    node.hear(2, aliveOf(0, 100));
    expect(node.swim.local.incarnation).toBe(101);
  });

  it('takes a new id when it is said to have left', () => {
    const node = observer(4);
    node.hear(2, leftOf(0, 1));
    expect(node.notices.map(({ type }) => type)).toEqual(['identity-lost']);
  });
});

describe('incarnations', () => {
  it('that jump by more than 1,000 are dropped and counted, whatever the update', () => {
    const node = observer(4);
    node.hear(2, aliveOf(1, 1001), suspectOf(1, 2, 1001), unreachableOf(1, 2, 1001), suspectOf(0, 2, 1001));
    expect(node.count('incarnationsRefused')).toBe(4);
    expect(node.state(1)).toBe('alive');
    expect(node.swim.local.incarnation).toBe(0);
    node.hear(2, suspectOf(1, 2, 1000));
    expect(node.state(1)).toBe('suspect');
  });

  it('end at the ceiling, where the node takes a new id', () => {
    const node = observer(2);
    for (let at = 0; at < 2 ** 40; at += 2 ** 39) node.hear(1, suspectOf(0, 1, at));
    expect(node.swim.local.incarnation).toBeLessThan(2000);
    const raised = observer(2, { maxIncarnationJump: 2 ** 41 });
    raised.hear(1, suspectOf(0, 1, 2 ** 40));
    expect(raised.notices.map(({ type }) => type)).toContain('identity-lost');
    expect(raised.swim.local.incarnation).toBe(0);
  });

  it('rise with metadata and with health, and each change is an event', () => {
    const node = observer(2);
    node.swim.setMetadata({ zone: 'b' });
    node.swim.setHealth('draining');
    node.swim.setHealth('draining');
    expect(node.swim.local).toMatchObject({ incarnation: 2, metadata: { zone: 'b' }, health: 'draining' });
    expect(node.events.map(({ type }) => type)).toEqual(['updated', 'updated']);
    node.run(250);
    expect(node.updatesTo(1)).toContainEqual({ type: 'alive', member: node.swim.local });
  });

  it('rise with the reason of a health, too, which goes when none is given', () => {
    const node = observer(2);
    const said = (): unknown[] => [
      node.swim.local.incarnation,
      node.swim.local.health,
      node.swim.local.healthReason,
    ];
    node.swim.setHealth('degraded', 'disk full');
    node.swim.setHealth('degraded', 'disk full');
    expect(said()).toEqual([1, 'degraded', 'disk full']);
    node.swim.setHealth('degraded', 'database gone');
    expect(said()).toEqual([2, 'degraded', 'database gone']);
    node.swim.setMetadata({ zone: 'b' });
    expect(said()).toEqual([3, 'degraded', 'database gone']);
    node.swim.setHealth('ok');
    expect(said()).toEqual([4, 'ok', undefined]);
    expect(node.events.map(({ type }) => type)).toEqual(['updated', 'updated', 'updated', 'updated']);
  });

  it('overrule a health that others claim for this node', () => {
    const node = observer(2);
    node.swim.setHealth('degraded', 'disk full');
    node.hear(1, aliveOf(0, 5, { health: 'draining', healthReason: 'forged' }));
    expect(node.swim.local).toMatchObject({ incarnation: 6, health: 'degraded', healthReason: 'disk full' });
    expect(node.updatesTo(1)).toContainEqual({ type: 'alive', member: node.swim.local });
  });

  it('change the digest with the health of a member, so that a sync brings what gossip did not', () => {
    const node = observer(3);
    const digest = (): unknown => {
      const ping = { type: 'ping', seq: 5, to: peerOf(0).id, digest: someDigest, updates: [] } as const;
      const { low, high } = node.receive(1, ping).sentOf('ack', 1).at(-1)!.message.digest;
      return [low, high];
    };
    const before = digest();
    expect(digest()).toEqual(before);
    node.hear(1, aliveOf(2, 1, { health: 'degraded', healthReason: 'disk full' }));
    const after = digest();
    expect(after).not.toEqual(before);
    node.hear(1, aliveOf(2, 2, { health: 'degraded', healthReason: 'database gone' }));
    expect(digest()).not.toEqual(after);
    expect(node.events.map(({ type, member }) => [type, member.healthReason])).toEqual([
      ['updated', 'disk full'],
      ['updated', 'database gone'],
    ]);
  });
});

describe('an owner with a stale claim', () => {
  it('is told what is held against it', () => {
    const node = observer(4);
    node.hear(2, aliveOf(1, 100));
    node.sent.length = 0;
    node.hear(1, aliveOf(1, 1));
    expect(node.updatesTo(1)).toEqual([{ type: 'alive', member: memberOf(1, 100) }]);
  });

  it('that is held unreachable learns it with the ack to its ping', () => {
    const node = observer(4);
    node.hear(2, unreachableOf(1, 2));
    const ping = { type: 'ping', seq: 5, to: peerOf(0).id, digest: someDigest, updates: [] } as const;
    node.receive(1, ping);
    expect(node.sentOf('ack', 1)[0]!.message.updates[0]).toMatchObject({
      type: 'unreachable',
      id: peerOf(1).id,
    });
  });
});

describe('an unreachable member', () => {
  it('that others say lives is asked before it is announced', () => {
    const node = observer(4);
    node.hear(2, unreachableOf(1, 2));
    node.sent.length = 0;
    node.hear(2, aliveOf(1, 1));
    expect(node.state(1)).toBe('unreachable');
    node.run(20);
    expect(node.sentOf('ping', 1)).toHaveLength(1);
    node.hear(1, aliveOf(1, 1));
    expect(node.eventsAbout(1)).toEqual(['unreachable', 'joined']);
  });
});
