import { describe, it, expect } from '@jest/globals';
import { Alone, aliveOf, leftOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';

const STRANGER = 9;
const buckets = new Array<number>(128).fill(0);

describe('a stranger', () => {
  it('is not believed, whatever it says of members, of itself as terminal, or of this node', () => {
    const node = new Alone().with(3);
    const forged = [
      unreachableOf(1, STRANGER),
      unreachableOf(1, 2, 0, 'hard'),
      suspectOf(2, STRANGER),
      leftOf(1),
      leftOf(0),
      suspectOf(0, STRANGER, 5),
      aliveOf(1, 3, { address: { host: '10.9.9.9', port: 1 } }),
      aliveOf(7),
    ];
    node.hear(STRANGER, ...forged);
    node.receive(STRANGER, {
      type: 'ping',
      seq: 1,
      to: peerOf(0).id,
      digest: someDigest,
      updates: forged,
    });
    node.receive(STRANGER, {
      type: 'ack',
      seq: 1,
      incarnation: 0,
      digest: someDigest,
      updates: forged,
    });
    expect([1, 2, 3, 7].map((i) => node.state(i))).toEqual(['alive', 'alive', 'alive', 'unknown']);
    expect(node.swim.local.incarnation).toBe(0);
    expect([node.events, node.notices]).toEqual([[], []]);
    expect(node.count('strangersIgnored')).toBe(3 * forged.length);
  });

  it('gets an ack to its ping', () => {
    const node = new Alone().with(3);
    node.receive(STRANGER, { type: 'ping', seq: 1, to: peerOf(0).id, digest: someDigest, updates: [] });
    expect(node.sentOf('ack', STRANGER)).toHaveLength(1);
  });

  it('makes this node dial nobody, and gets and gives no pages', () => {
    const node = new Alone().with(3);
    const { address } = peerOf(5);
    const target = peerOf(5).id;
    node.receive(STRANGER, { type: 'pingReq', seq: 1, target, address, incarnation: 0, why: 'refused' });
    node.receive(STRANGER, { type: 'dialRequest', id: peerOf(1).id, address: peerOf(1).address });
    node.receive(STRANGER, { type: 'syncStart', sync: 1, buckets });
    const page = { type: 'page', sync: 1, index: 0, last: true, maskLow: 0, maskHigh: 0 } as const;
    node.receive(STRANGER, { ...page, side: 'push', members: [memberOf(7)] });
    expect(node.state(7)).toBe('unknown');
    expect(node.sent.map(({ message }) => message.type)).toEqual(['relayed', 'syncBusy']);
    expect(node.count('strangersIgnored')).toBe(4);
  });

  it('that says who it is, is dialled back and then counts', () => {
    const node = new Alone().with(3).hear(STRANGER, aliveOf(STRANGER));
    expect(node.state(STRANGER)).toBe('unknown');
    node.answer(STRANGER);
    expect(node.eventsAbout(STRANGER)).toEqual(['joined']);
    node.hear(STRANGER, suspectOf(1, STRANGER));
    expect(node.state(1)).toBe('suspect');
  });

  it('that stays unknown is asked for its view, which counts when it has told who it is', () => {
    const node = new Alone().with(3).hear(STRANGER, suspectOf(1, STRANGER));
    node.run(1300);
    const asked = node.sentOf('join').map(({ to, message }) => ({ to: to.address, message }));
    expect(asked.map(({ to }) => to)).toEqual([peerOf(STRANGER).address]);
    const sync = asked[0]!.message.attempt;
    const page = { type: 'page', sync, index: 0, last: true, maskLow: 0, maskHigh: 0 } as const;
    node.receive(STRANGER, { ...page, side: 'answer', members: [memberOf(7)] });
    expect(node.state(7)).toBe('unknown');
    node.receive(STRANGER, { ...page, side: 'answer', members: [memberOf(STRANGER), memberOf(7)] });
    expect([node.state(STRANGER), node.state(7)]).toEqual(['alive', 'alive']);
  });
});

describe('a member that is held unreachable', () => {
  it('is one of at most 64 strangers that are remembered for that', () => {
    const node = new Alone().with(1);
    for (let i = 100; i < 170; i++)
      node.receive(i, { type: 'ping', seq: i, to: peerOf(0).id, digest: someDigest, updates: [] });
    for (let ms = 0; ms < 100_000; ms += 100) node.run(100).answer(1);
    expect(node.count('strangersAsked')).toBe(64);
  });

  it('speaks for itself and accuses this node, no more', () => {
    const node = new Alone().with(3).hear(2, unreachableOf(1, 2));
    node.hear(1, suspectOf(3, 1), leftOf(3), leftOf(0));
    expect([node.state(3), node.notices]).toEqual(['alive', []]);
    node.hear(1, unreachableOf(0, 1));
    expect(node.swim.local.incarnation).toBe(1);
    node.hear(1, aliveOf(1, 1), suspectOf(3, 1));
    expect([node.state(1), node.state(3)]).toEqual(['alive', 'suspect']);
  });
});

describe('a seed that has told a joiner to wait', () => {
  it('may tell it what to refute', () => {
    const node = new Alone();
    node.swim.join([peerOf(1).address]);
    const { attempt } = node.sentOf('join')[0]!.message;
    node.receive(1, { type: 'joinWait', attempt, retryAfterMs: 400 }).hear(1, unreachableOf(0, 1, 4));
    expect(node.swim.local.incarnation).toBe(5);
  });
});

describe('the dead predecessor of a node at its address', () => {
  it('is never announced, to nobody', () => {
    const node = new Alone().with(2);
    node.hear(1, aliveOf(8, 0, { address: peerOf(0).address }));
    node.hear(1, suspectOf(8, 1), unreachableOf(8, 1));
    expect([node.state(8), node.events]).toEqual(['unknown', []]);
  });
});

describe('a hard verdict by others', () => {
  it('is a doubt where a link is open, and the member is told', () => {
    const node = new Alone().with(3);
    node.swim.link(peerOf(1), 'up');
    node.hear(2, unreachableOf(1, 2, 0, 'hard'));
    expect(node.state(1)).toBe('suspect');
    expect(node.updatesTo(1)).toContainEqual(unreachableOf(1, 2, 0, 'hard'));
    node.swim.link(peerOf(1), 'closed');
    node.hear(2, unreachableOf(1, 2, 0, 'hard'));
    expect(node.state(1)).toBe('unreachable');
  });
});

describe('hostile strangers', () => {
  /** Where the node has dialled since, other than to answer: host, port and when. */
  const dials = (node: Alone): { at: string; atMs: number }[] =>
    node.sent
      .filter(({ message }) => message.type === 'ping' || message.type === 'join')
      .map(({ to, atMs }) => ({ at: `${to.address.host}:${to.address.port}`, atMs }));

  it('cannot make a node scan a network: failed dial-backs keep their places, 16 a second in all', () => {
    const node = new Alone();
    for (let round = 0; round < 500; round++) {
      for (let i = 0; i < 40; i++) {
        const address = { host: `192.168.${round % 250}.${i}`, port: 1 + round };
        const member = memberOf(100 + i, 0, { address });
        node.receive(100 + i, { type: 'join', attempt: round, member });
        node.hear(100 + i, { type: 'alive', member });
        node.swim.introduce(member);
        // Nobody listens there, and the network says so at once.
        node.swim.link({ id: member.id, address }, round % 2 === 0 ? 'refused' : 'replaced');
      }
      node.run(20);
    }
    const scanned = dials(node);
    for (const { atMs } of scanned) {
      const second = scanned.filter((dial) => dial.atMs >= atMs && dial.atMs < atMs + 999);
      // And one stranger a probe interval is asked who it is, at the address that its handshake named.
      expect(second.length).toBeLessThanOrEqual(16 + 2);
    }
    expect(scanned.length).toBeGreaterThan(100);
    expect(node.swim.gauges['dialBacks']).toBeLessThanOrEqual(16);
    expect(node.swim.gauges['members']).toBe(1);
  });

  it('get the same at most where all dials are silent', () => {
    const node = new Alone();
    for (let i = 0; i < 1000; i++) {
      const from = 100 + (i % 60);
      const member = memberOf(from, 0, { address: { host: '192.168.0.1', port: 1 + i } });
      node.receive(from, { type: 'join', attempt: i, member }).run(20);
    }
    expect(dials(node).length).toBeLessThanOrEqual((1000 * 20 * (16 + 2)) / 1000);
    expect(node.swim.gauges['dialBacks']).toBeLessThanOrEqual(16);
  });

  it('change no view and fill no memory, whatever thousands of them say', () => {
    const node = new Alone().with(3);
    const before = [...node.swim.allMembers()];
    const timers = node.pendingTimers;
    const to = peerOf(0).id;
    const forged = [unreachableOf(1, 2), suspectOf(0, 2, 7), leftOf(0), leftOf(2), aliveOf(7), aliveOf(1, 9)];
    const page = { type: 'page', index: 0, maskLow: 0, maskHigh: 0, members: [memberOf(7)] } as const;
    for (let i = 10; i < 5010; i++) {
      node.hear(i, ...forged).receive(i, { type: 'ping', seq: i, to, digest: someDigest, updates: forged });
      node.receive(i, { type: 'ack', seq: i, incarnation: 2 ** 40, digest: someDigest, updates: forged });
      node.receive(i, { ...page, sync: i, side: 'push', last: false });
      node.receive(i, { ...page, sync: i, side: 'answer', last: false });
      node.receive(i, { type: 'syncStart', sync: i, buckets });
      node.receive(i, { type: 'pageTaken', sync: i, side: 'answer', index: 0 });
      node.receive(i, { type: 'syncBusy', sync: i }).receive(i, { type: 'leaving', incarnation: i });
      node.receive(i, { type: 'leaveTaken', incarnation: i });
      node.receive(i, { type: 'joinWait', attempt: i, retryAfterMs: 1 });
      node.receive(i, { type: 'joinRefused', attempt: i, reason: 'no' });
      node.receive(i, { type: 'relayed', seq: i, outcome: 'replaced', by: to, incarnation: 0 });
      node.swim.link(peerOf(i), 'up');
    }
    expect([...node.swim.allMembers()]).toEqual(before);
    expect([node.events, node.notices]).toEqual([[], []]);
    // One more: the next stranger will be asked who it is.
    expect(node.pendingTimers).toBeLessThanOrEqual(timers + 1);
    expect(node.swim.gauges).toMatchObject({ members: 4, tombstones: 0, relays: 0, dialBacks: 0 });
    expect(node.sent.every(({ message }) => !('updates' in message) || message.updates.length === 0)).toBe(
      true,
    );
    node.sent.length = 0;
    node.run(20_000);
    expect(node.sentOf('join').length).toBeLessThanOrEqual(20 * 4);
  });
});
