import { describe, it, expect } from '@jest/globals';
import { Alone, leftOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';
import { Cluster } from './cluster.js';

describe('a leaver', () => {
  it('is left at everybody, and never unreachable', () => {
    const cluster = Cluster.formed(8);
    cluster.get('h').swim.leave();
    cluster.runUntil(() => cluster.get('h').noticed('leave-completed'), 2000);
    cluster.kill('h').run(30_000);
    for (const node of cluster.nodes.values())
      if (!node.dead) expect(node.eventsAbout('h')).toEqual(['joined', 'left']);
  });

  it('knows that three peers, or all there are, have heard it', () => {
    for (const [n, expected] of [
      [8, 3],
      [3, 2],
      [2, 1],
    ] as const) {
      const cluster = Cluster.formed(n);
      cluster.get('a').swim.leave();
      cluster.run(100);
      const done = cluster.get('a').notices.find(({ type }) => type === 'leave-completed');
      expect(done?.type === 'leave-completed' && done.acknowledgedBy).toBeGreaterThanOrEqual(expected);
    }
  });

  it('that somebody still accuses is spoken for by those who know better, at once', () => {
    const node = new Alone().with(3).hear(1, leftOf(1));
    node.sent.length = 0;
    node.hear(2, suspectOf(1, 2)).hear(2, unreachableOf(1, 2));
    expect(node.updatesTo(2)).toEqual([leftOf(1), leftOf(1)]);
    // Passed on by another, who may have heard of the leave meanwhile.
    node.hear(3, suspectOf(1, 2));
    expect(node.updatesTo(3)).toEqual([]);
  });

  it('is dialled by no relay that knows of its leave: the asker is told', () => {
    const node = new Alone().with(3).hear(1, leftOf(1));
    node.sent.length = 0;
    const { id: target, address } = peerOf(1);
    node.receive(2, { type: 'pingReq', seq: 5, target, address, incarnation: 0, why: 'refused' });
    expect(node.sent.map(({ to, message }) => [to.id, message.type])).toEqual([
      [peerOf(2).id, 'gossip'],
      [peerOf(2).id, 'relayed'],
    ]);
    expect(node.updatesTo(2)).toEqual([leftOf(1)]);
    expect(node.sentOf('relayed')[0]!.message.outcome).toBe('local');
  });

  it('alone is done at once', () => {
    const node = new Alone();
    node.swim.leave();
    expect(node.notices).toEqual([{ type: 'leave-completed', acknowledgedBy: 0 }]);
  });

  it('does not wait for a member whose port refuses, since that one has left too', () => {
    const node = new Alone().with(1);
    node.swim.leave();
    node.swim.link(peerOf(1), 'refused');
    expect(node.notices.map(({ type }) => type)).toEqual(['leave-completed']);
  });

  it('asks on after refusals until live ones know, though most of its cluster has just died', () => {
    const node = new Alone().with(12);
    node.swim.leave();
    // 1 to 9 are dead.
    for (let at = 0; at < node.sentOf('leaving').length; at++) {
      const { to } = node.sentOf('leaving')[at]!;
      const i = Array.from({ length: 12 }, (_, k) => k + 1).find((k) => peerOf(k).id === to.id)!;
      if (i <= 9) node.swim.link(peerOf(i), 'refused');
      else node.receive(i, { type: 'leaveTaken', incarnation: 1 });
    }
    node.run(1000);
    for (const { to } of node.sentOf('leaving')) {
      const i = Array.from({ length: 3 }, (_, k) => k + 10).find((k) => peerOf(k).id === to.id);
      if (i !== undefined) node.receive(i, { type: 'leaveTaken', incarnation: 1 });
    }
    expect(node.notices).toEqual([{ type: 'leave-completed', acknowledgedBy: 3 }]);
  });

  it('gives up after two seconds, having asked again and again', () => {
    const node = new Alone().with(3);
    node.swim.leave();
    node.run(1990);
    expect(node.notices).toEqual([]);
    node.run(20);
    expect(node.notices).toEqual([{ type: 'leave-completed', acknowledgedBy: 0 }]);
    expect(node.sentOf('leaving').length).toBeGreaterThan(10);
  });

  it('goes on answering, probes and judges nobody, and does not refute', () => {
    const node = new Alone().with(3);
    node.hear(2, suspectOf(1, 2));
    node.swim.leave();
    node.sent.length = 0;
    node.hear(2, suspectOf(0, 2));
    node.receive(1, { type: 'ping', seq: 9, to: peerOf(0).id, digest: someDigest, updates: [] });
    node.run(60_000);
    expect(node.sentOf('ack', 1)).toHaveLength(1);
    expect(node.sentOf('ping')).toEqual([]);
    expect(node.swim.local).toMatchObject({ state: 'left', incarnation: 1 });
    expect(node.events.map(({ type }) => type)).toEqual(['suspected']);
  });

  it('is not in its own view any more, and changes nothing after', () => {
    const node = new Alone().with(1);
    node.swim.leave();
    node.swim.setMetadata({ late: true });
    node.swim.join([peerOf(5).address]);
    expect(node.swim.view.members.map(({ name }) => name)).toEqual(['m1']);
    expect(node.swim.local.metadata).toEqual({});
    expect(node.sentOf('join')).toEqual([]);
  });

  it('is acknowledged by whoever hears it', () => {
    const node = new Alone().with(2).receive(1, { type: 'leaving', incarnation: 1 });
    expect(node.sentOf('leaveTaken', 1)[0]!.message.incarnation).toBe(1);
    expect(node.eventsAbout(1)).toEqual(['left']);
  });
});

describe('a joiner that leaves at once', () => {
  it('tells the seed that has dialled it back', () => {
    const node = new Alone();
    node.receive(1, { type: 'ping', seq: 3, to: peerOf(0).id, digest: someDigest, updates: [] });
    node.swim.leave();
    expect(node.sentOf('leaving', 1)).toHaveLength(1);
    expect(node.notices).toEqual([]);
    node.receive(1, { type: 'leaveTaken', incarnation: 1 });
    expect(node.notices).toEqual([{ type: 'leave-completed', acknowledgedBy: 1 }]);
  });
});

describe('a leaver whose machine sleeps', () => {
  it('joins nobody when it wakes, however long that was', () => {
    const node = new Alone({ tombstoneMs: 60_000 }).with(3);
    node.swim.leave();
    node.sent.length = 0;
    node.swim.stalled(3_600_000);
    node.run(5000);
    expect(node.sentOf('join')).toEqual([]);
    expect(node.sentOf('leaving').length).toBeGreaterThan(0);
    expect(node.count('startedOver')).toBe(0);
    expect(node.swim.local.state).toBe('left');
  });
});

describe('a node that was stopped', () => {
  it('has no timer left, and ignores everything', () => {
    const node = new Alone().with(5);
    node.hear(2, suspectOf(1, 2));
    node.swim.join([peerOf(20).address]);
    node.run(1500);
    node.swim.stop();
    node.swim.stop();
    expect(node.pendingTimers).toBe(0);
    node.sent.length = 0;
    node.hear(2, suspectOf(3, 2));
    node.swim.link(peerOf(3), 'closed');
    node.swim.leave();
    node.swim.stalled(1e9);
    node.run(60_000);
    expect([node.sent, node.pendingTimers]).toEqual([[], 0]);
  });
});
