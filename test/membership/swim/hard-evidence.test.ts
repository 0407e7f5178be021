import { describe, it, expect } from '@jest/globals';
import type { RelayOutcome } from '../../../src/membership/swim/messages.js';
import { Alone, aliveOf, leftOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';
import { Cluster } from './cluster.js';

describe('a killed process', () => {
  it('is unreachable at both others of a cluster of three within a second', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = Cluster.formed(3, {}, seed);
      cluster.kill('c');
      const others = [cluster.get('a'), cluster.get('b')];
      const ms = cluster.runUntil(() => others.every((node) => node.state('c') === 'unreachable'), 10_000);
      expect(ms).toBeLessThan(1000);
      for (const node of others)
        expect(node.eventsAbout('c')).toEqual(['joined', 'suspected', 'unreachable']);
    }
  });

  it('is unreachable everywhere within a second in a cluster of twenty', () => {
    const cluster = Cluster.formed(20);
    cluster.kill('b');
    const others = [...cluster.nodes.values()].filter((node) => !node.dead);
    expect(
      cluster.runUntil(() => others.every((node) => node.state('b') === 'unreachable'), 10_000),
    ).toBeLessThan(1000);
  });

  it('takes a whole suspicion where evidence is switched off', () => {
    const cluster = Cluster.formed(3, { overrides: { components: { hardEvidence: false } } });
    cluster.kill('c');
    const others = [cluster.get('a'), cluster.get('b')];
    expect(
      cluster.runUntil(() => others.every((node) => node.state('c') === 'unreachable'), 30_000),
    ).toBeGreaterThan(4000);
  });

  it('takes a whole suspicion where nobody else is left to see it', () => {
    const cluster = Cluster.formed(2);
    cluster.kill('b');
    expect(cluster.runUntil(() => cluster.get('a').state('b') === 'unreachable', 30_000)).toBeGreaterThan(
      4000,
    );
  });

  it('is found out together with another one', () => {
    const cluster = Cluster.formed(6);
    cluster.kill('b').kill('c');
    const others = [...cluster.nodes.values()].filter((node) => !node.dead);
    const gone = (): boolean =>
      others.every((n) => n.state('b') === 'unreachable' && n.state('c') === 'unreachable');
    expect(cluster.runUntil(gone, 30_000)).toBeLessThan(2500);
  });

  it('that is started again at its address is retired by its successor, and joins as a new member', () => {
    const cluster = Cluster.formed(3);
    const { address } = cluster.get('c');
    cluster.kill('c').run(5);
    const successor = cluster.add('d', { address });
    successor.swim.join([cluster.get('a').address]);
    const both = [cluster.get('a'), cluster.get('b')];
    const ms = cluster.runUntil(
      () => both.every((n) => n.state('c') === 'unreachable' && n.state('d') === 'alive'),
      10_000,
    );
    expect(ms).toBeLessThan(1500);
    cluster.run(10_000);
    for (const node of both) expect(node.eventsAbout('d')).toEqual(['joined']);
    expect(both.flatMap((node) => node.notices).map(({ type }) => type)).not.toContain('address-conflict');
  });
});

describe('a live member that refuses new dials', () => {
  it('is not retired, since kept links go on', () => {
    const cluster = Cluster.formed(4);
    const walled = cluster.get('d');
    walled.rejecting = true;
    for (const name of ['a', 'b', 'c']) cluster.get(name).link(walled.peer, 'refused');
    cluster.run(20_000);
    for (const name of ['a', 'b', 'c'])
      expect(cluster.get(name).eventsAbout('d')).not.toContain('unreachable');
  });

  it('makes nobody ask faster than it answers: relays are refused beside open links, and so is it by its like', () => {
    const cluster = Cluster.formed(12);
    const nodes = [...cluster.nodes.values()];
    const walled = ['c', 'd', 'e'].map((name) => cluster.get(name));
    for (const node of walled) node.rejecting = true;
    // They cannot reach each other but by relays.
    for (const node of walled) {
      for (const other of walled) {
        node.resetLink(other.id);
        if (other !== node) node.link(other.peer, 'goodbye');
      }
      for (const other of nodes) if (other !== node) other.link(node.peer, 'refused');
    }
    cluster.run(5000);
    const pings = (): number => nodes.reduce((sum, { swim }) => sum + (swim.counters['pings'] ?? 0), 0);
    const before = pings();
    cluster.run(10_000);
    // Its round, and one question of everybody's to each of them in an interval, with three relays' two pings.
    expect(pings() - before).toBeLessThan(10 * nodes.length * 8);
    for (const node of nodes)
      for (const { name } of walled) expect(node.eventsAbout(name)).not.toContain('unreachable');
  });
});

describe('a refusal by a member that has just answered', () => {
  /** Member 1 has answered, on an open link or through a relay. */
  function answered(isLinked: boolean): Alone {
    const node = new Alone().with(5);
    if (isLinked) node.swim.link(peerOf(1), 'up');
    node.runUntil(() => node.answer(1));
    if (!isLinked) node.swim.link(peerOf(1), 'goodbye');
    node.sent.length = 0;
    node.swim.link(peerOf(1), 'refused');
    return node;
  }

  it('beside an open link starts no probe: the answer is newer', () => {
    const node = answered(true);
    expect(node.sentOf('ping', 1)).toEqual([]);
    expect(node.count('refusals')).toBe(0);
  });

  it('counts at once when that link ends, as the kernel of a dead process ends it', () => {
    const node = answered(true);
    node.run(1);
    node.swim.link(peerOf(1), 'refused');
    node.swim.link(peerOf(1), 'closed');
    expect(node.sentOf('ping', 1)).toHaveLength(1);
    node.swim.link(peerOf(1), 'refused');
    expect(node.count('refusals')).toBe(1);
  });

  it('without a link starts one within an interval', () => {
    const node = answered(false);
    expect(node.sentOf('ping', 1)).toEqual([]);
    node.run(1000);
    expect(node.count('checks')).toBe(1);
    expect(node.sentOf('ping', 1)).toHaveLength(1);
  });

  it('starts one at once when the answer is older than an interval', () => {
    const node = answered(true);
    node.swim.link(peerOf(1), 'goodbye');
    node.run(1001);
    node.sent.length = 0;
    node.swim.link(peerOf(1), 'refused');
    expect(node.sentOf('ping', 1)).toHaveLength(1);
  });
});

/** A node with `n` members whose own probe of member 1 is refused; relays are asked. */
function refused(n: number, overrides = {}): Alone {
  const node = new Alone(overrides).with(n - 1);
  node.swim.link(peerOf(1), 'refused');
  node.swim.link(peerOf(1), 'refused');
  return node;
}

/** `count` relays that were asked to witness answer. */
function answerRelays(node: Alone, outcome: RelayOutcome, count = 3): Alone {
  const asked = node.sentOf('pingReq').filter(({ message }) => message.why === 'refused');
  for (const { to, message } of asked.slice(0, count)) {
    node.swim.receive(
      { id: to.id!, address: to.address },
      { type: 'relayed', seq: message.seq, outcome, by: undefined, incarnation: 0 },
    );
  }
  return node;
}

describe('refusals from before a member spoke', () => {
  it('are no quorum: it is asked anew, and what is refused then is one', () => {
    const node = refused(8);
    node.hear(2, aliveOf(1, 1));
    const first = answerRelays(node, 'refused');
    expect(first.count('hardQuorums')).toBe(0);
    expect(first.state(1)).toBe('alive');
    node.sent.length = 0;
    node.swim.link(peerOf(1), 'refused');
    expect(answerRelays(node, 'refused').count('hardQuorums')).toBe(1);
  });
});

describe('a refused dial', () => {
  it('asks three relays at once, without waiting for the probe timeout', () => {
    const node = refused(8);
    expect(node.nowMs).toBe(0);
    expect(node.sentOf('pingReq').map(({ message }) => message.why)).toEqual([
      'refused',
      'refused',
      'refused',
    ]);
    expect(node.state(1)).toBe('alive');
  });

  it('alone is no more than silence', () => {
    const node = refused(8);
    node.run(900);
    expect(node.state(1)).toBe('alive');
    node.run(200);
    expect(node.state(1)).toBe('suspect');
    expect(node.count('hardQuorums')).toBe(0);
  });

  it('with one refusal of three relays is no quorum, with two it is', () => {
    expect(answerRelays(refused(8), 'refused', 1).count('hardQuorums')).toBe(0);
    const node = answerRelays(refused(8), 'refused', 2);
    expect(node.eventsAbout(1)).toEqual(['suspected']);
    node.run(490);
    expect(node.state(1)).toBe('suspect');
    node.run(20);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'unreachable']);
    node.run(1000);
    const verdict = node
      .sentOf('gossip')
      .flatMap(({ message }) => message.updates)
      .find((u) => u.type === 'unreachable');
    expect(verdict).toMatchObject({ kind: 'hard', by: peerOf(0).id });
    expect(verdict?.type === 'unreachable' && verdict.witnesses).toHaveLength(2);
  });

  it('needs one witness where there is one relay, and is not used where there is none', () => {
    expect(answerRelays(refused(3), 'refused').count('hardQuorums')).toBe(1);
    const two = refused(2);
    two.run(1000);
    expect(two.count('refusals')).toBe(0);
  });

  it('asks another relay in place of one that is lost, and counts those that remain', () => {
    const node = refused(6);
    const asked = (): number[] =>
      node.sentOf('pingReq').map(({ to }) => Number.parseInt(to.address.host.split('.')[3]!, 10));
    const [first, second] = asked();
    node.swim.link(peerOf(first!), 'closed');
    expect(asked()).toHaveLength(4);
    node.swim.link(peerOf(second!), 'refused');
    expect(new Set(asked()).size).toBe(4);
    expect(node.state(1)).toBe('alive');
    answerRelays(node, 'refused', 4);
    expect(node.count('selfChecks')).toBe(1);
  });

  it('needs no more witnesses than there are relays left', () => {
    const node = refused(5);
    for (const i of [3, 4]) node.hear(2, suspectOf(i, 9));
    const left = node.sentOf('pingReq', 2).filter(({ message }) => message.why === 'refused')[0]!;
    node.receive(2, {
      type: 'relayed',
      seq: left.message.seq,
      outcome: 'refused',
      by: undefined,
      incarnation: 0,
    });
    expect(node.count('hardQuorums')).toBe(1);
  });

  it('by everybody leaves nobody to confirm: the suspicion lasts its shortest time', () => {
    const node = new Alone().with(4);
    for (const i of [1, 2, 3, 4]) {
      node.swim.link(peerOf(i), 'refused');
      node.swim.link(peerOf(i), 'refused');
    }
    node.run(5100);
    expect([1, 2, 3, 4].map((i) => node.state(i))).toEqual(Array(4).fill('unreachable'));
    expect(node.count('hardVerdicts')).toBe(0);
  });

  it('beside silence of all others does not hurry their suspicions', () => {
    const node = new Alone().with(4);
    node.run(15_000);
    expect([1, 2, 3, 4].map((i) => node.state(i))).toEqual(Array(4).fill('suspect'));
  });

  it('is not counted when suspects are the only relays', () => {
    const node = new Alone().with(2);
    node.hear(2, suspectOf(2, 9));
    node.swim.link(peerOf(1), 'refused');
    node.swim.link(peerOf(1), 'refused');
    expect(node.sentOf('pingReq')).toEqual([]);
  });

  it('convicts nobody whom a relay has reached', () => {
    const node = answerRelays(refused(8), 'ack', 1);
    answerRelays(node, 'refused', 3);
    node.run(2000);
    expect(node.count('hardQuorums')).toBe(0);
  });

  it('convicts nobody who answers a ping sent after the refusal, on any connection', () => {
    const node = answerRelays(refused(8), 'refused');
    node.run(100);
    expect(node.answer(1)).toBe(true);
    expect(node.count('hardEvidenceContradicted')).toBe(1);
    node.run(1000);
    expect(node.state(1)).toBe('suspect');
  });

  it('is not contradicted by the ack to a ping sent before', () => {
    const node = new Alone().with(2);
    node.runUntil(() => {
      node.answer(2);
      return node.sentOf('ping', 1).length > 0;
    });
    const early = node.sentOf('ping', 1)[0]!;
    node.run(10);
    node.swim.link(peerOf(1), 'refused');
    answerRelays(node, 'refused');
    node.receive(1, { type: 'ack', seq: early.message.seq, incarnation: 0, digest: someDigest, updates: [] });
    node.run(510);
    expect(node.state(1)).toBe('unreachable');
  });

  it('is not used by a node that doubts itself', () => {
    const node = new Alone().with(7);
    node.hear(2, suspectOf(0, 2));
    node.swim.link(peerOf(1), 'refused');
    node.swim.link(peerOf(1), 'refused');
    answerRelays(node, 'refused');
    expect(node.count('quorumsWaived')).toBeGreaterThan(0);
    expect(node.count('hardQuorums')).toBe(0);
  });

  it('is not used within two intervals of a stall', () => {
    const node = new Alone({ components: { lhaProbe: false } }).with(7);
    node.swim.stalled(300);
    node.swim.link(peerOf(1), 'refused');
    node.swim.link(peerOf(1), 'refused');
    expect(answerRelays(node, 'refused').count('hardQuorums')).toBe(0);
  });

  it('by several members makes the node check its own way out first', () => {
    const node = new Alone().with(7);
    for (const i of [1, 2]) {
      node.swim.link(peerOf(i), 'refused');
      node.swim.link(peerOf(i), 'refused');
    }
    answerRelays(node, 'refused', 6);
    expect(node.count('hardQuorums')).toBe(0);
    const check = node.sentOf('ping').find(({ via }) => via === 'verify')!;
    expect([peerOf(1).id, peerOf(2).id]).not.toContain(check.to.id);
    node.swim.receive(
      { id: check.to.id!, address: check.to.address },
      { type: 'ack', seq: check.message.seq, incarnation: 0, digest: someDigest, updates: [] },
    );
    expect(node.count('hardQuorums')).toBe(2);
  });

  it('gives way to a refutation and to a farewell', () => {
    const refuting = answerRelays(refused(8), 'refused').hear(2, aliveOf(1, 1));
    refuting.run(600);
    expect(refuting.eventsAbout(1)).toEqual(['suspected', 'recovered']);
    const leaving = answerRelays(refused(8), 'refused').hear(2, leftOf(1, 1));
    leaving.run(600);
    expect(leaving.eventsAbout(1)).toEqual(['suspected', 'left']);
  });

  it('is not shortened by hearsay', () => {
    const node = new Alone().with(7);
    node.hear(2, suspectOf(1, 2, 0, 'hard'));
    node.run(3900);
    expect(node.state(1)).toBe('suspect');
  });

  it('because of this node voids the probe and raises local health', () => {
    const node = new Alone().with(3);
    node.runUntil(() => node.sentOf('ping').length > 0);
    node.swim.link(node.sentOf('ping')[0]!.to, 'local');
    expect(node.count('probesVoid')).toBe(1);
    expect(node.swim.localHealth).toBe(1);
    node.run(600);
    expect(node.sentOf('pingReq')).toEqual([]);
  });
});

describe('hard news', () => {
  it('is forwarded at its first receipt to three peers, once', () => {
    for (const [first, update] of [
      [undefined, suspectOf(1, 2, 0, 'hard')],
      [undefined, unreachableOf(1, 2, 0, 'hard')],
      [undefined, leftOf(1)],
      [suspectOf(1, 2, 0, 'hard'), aliveOf(1, 1)],
    ] as const) {
      const node = new Alone().with(9);
      if (first !== undefined) node.hear(2, first);
      node.sent.length = 0;
      node.hear(2, update);
      expect(node.sentOf('gossip')).toHaveLength(3);
      expect(node.sentOf('gossip').map(({ to }) => to.id)).not.toContain(peerOf(2).id);
      node.hear(3, update);
      expect(node.sentOf('gossip')).toHaveLength(3);
    }
  });

  it('swim.maxForwardsPerInterval: is forwarded at a limited rate', () => {
    const node = new Alone({ maxForwardsPerInterval: 2 }).with(9);
    for (const i of [3, 4, 5]) node.hear(2, suspectOf(i, 2, 0, 'hard'));
    expect(node.count('forwardsDropped')).toBe(1);
  });

  it('that is soft waits for gossip', () => {
    const node = new Alone().with(9);
    node.hear(2, suspectOf(1, 2), unreachableOf(3, 2));
    expect(node.sentOf('gossip')).toEqual([]);
  });
});

describe('a link that ends without a goodbye', () => {
  it('starts a probe within 2 ms per member', () => {
    const node = new Alone().with(5);
    node.swim.link(peerOf(1), 'up');
    node.swim.link(peerOf(1), 'closed');
    node.run(12);
    expect(node.sentOf('ping', 1)).toHaveLength(1);
  });

  it('starts none when a suspicion of somebody else comes first, nor after a goodbye', () => {
    const node = new Alone().with(5);
    node.swim.link(peerOf(1), 'closed');
    node.hear(2, suspectOf(1, 2));
    node.swim.link(peerOf(3), 'goodbye');
    node.run(12);
    expect(node.count('checks')).toBe(0);
  });
});

describe('a member that was replaced at its address', () => {
  it('is unreachable after one probe timeout, without relays', () => {
    const node = new Alone().with(3);
    node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
    expect(node.state(1)).toBe('suspect');
    expect(node.sentOf('pingReq')).toEqual([]);
    node.run(510);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'unreachable']);
  });

  it('stays when it answers, and the conflict is told; evidence about that address is then ignored', () => {
    const node = new Alone().with(3);
    node.swim.link(peerOf(1), 'up');
    node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
    node.run(10);
    expect(node.answer(1)).toBe(true);
    expect(node.notices.map(({ type }) => type)).toEqual(['address-conflict']);
    node.hear(2, aliveOf(1, 1));
    node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'recovered']);
    node.run(600_001);
    node.hear(1, aliveOf(1, 50));
    node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
    expect(node.count('replaced')).toBe(2);
  });

  it('is not retired by a mere claim to its address', () => {
    const node = new Alone().with(3);
    node.hear(2, { type: 'alive', member: memberOf(9, 0, { address: peerOf(1).address }) });
    node.run(100);
    expect(node.state(1)).toBe('alive');
  });
});
