import { describe, it, expect } from '@jest/globals';
import type { SwimOverrides } from '../../../src/membership/swim/options.js';
import { Alone, aliveOf, leftOf, peerOf, someDigest, suspectOf } from './alone.js';
import { Cluster } from './cluster.js';

const interval = 1000;

describe('probes', () => {
  it('go round robin: two to one member lie at most 2n − 1 rounds apart, also when members come and go', () => {
    const node = new Alone().with(9);
    const rounds: string[] = [];
    for (let round = 0; round < 300; round++) {
      const before = node.sentOf('ping').length;
      node.runUntil(() => node.sentOf('ping').length > before);
      rounds.push(node.sentOf('ping').at(-1)!.to.id!);
      for (let i = 1; i <= 20; i++) node.answer(i);
      if (round % 40 === 20) node.hear(1, aliveOf(10 + Math.floor(round / 40)));
      if (round === 100) node.hear(1, leftOf(9));
    }
    expect(node.count('probesFailed')).toBe(0);
    for (let i = 1; i <= 8; i++) {
      const turns = rounds.flatMap((id, round) => (id === peerOf(i).id ? [round] : []));
      const gaps = turns.slice(1).map((round, at) => round - turns[at]!);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * 16 - 1);
    }
  });

  it('come one per interval, and cost the same in a cluster of 3 and of 100', () => {
    for (const n of [3, 100]) {
      const node = new Alone().with(n - 1);
      let answered = 0;
      for (let i = 0; i < 100; i++) {
        node.run(interval / 10);
        for (; answered < node.sentOf('ping').length; answered++) {
          const { to, message } = node.sentOf('ping')[answered]!;
          node.swim.receive(peerOf(indexOf(to.id!)), {
            type: 'ack',
            seq: message.seq,
            incarnation: 0,
            digest: someDigest,
            updates: [],
          });
        }
      }
      expect(node.sentOf('ping').length).toBeGreaterThanOrEqual(9);
      expect(node.sentOf('ping').length).toBeLessThanOrEqual(16);
    }
  });

  it('ask k relays after the probe timeout, and not before', () => {
    const node = new Alone().with(8);
    node.runUntil(() => node.sentOf('ping').length > 0);
    const target = node.sentOf('ping')[0]!;
    node.run(490);
    expect(node.sentOf('pingReq')).toEqual([]);
    node.run(20);
    const requests = node.sentOf('pingReq');
    expect(requests.map(({ message }) => message.target)).toEqual([target.to.id, target.to.id, target.to.id]);
    expect(new Set(requests.map(({ to }) => to.id)).size).toBe(3);
    expect(requests.map(({ to }) => to.id)).not.toContain(target.to.id);
  });

  it('use the only relay of a small cluster', () => {
    for (let round = 0; round < 10; round++) {
      const node = new Alone().with(2);
      node.run(round * 7);
      node.runUntil(() => node.sentOf('pingReq').length > 0);
      expect(node.sentOf('pingReq')).toHaveLength(1);
    }
  });

  it('send a ping on a fresh connection beside the indirect ones', () => {
    const node = new Alone().with(3);
    node.runUntil(() => node.sentOf('pingReq').length > 0);
    const pings = node.sentOf('ping').filter(({ to }) => to.id === node.sentOf('ping')[0]!.to.id);
    expect(pings.map(({ via }) => via)).toEqual(['kept', 'fresh']);
  });

  it('reset the links of a member that answers on a fresh connection only', () => {
    const node = new Alone().with(1);
    node.swim.link(peerOf(1), 'up');
    node.runUntil(() => node.sentOf('ping').length === 2);
    expect(node.answer(1)).toBe(true);
    expect(node.resets).toEqual([peerOf(1).id]);
    node.run(600);
    expect(node.state(1)).toBe('alive');
  });

  it('reach a recovered member over a fresh connection first, and reset its links only when that answers', () => {
    for (const answers of [true, false]) {
      const node = new Alone().with(2);
      node.swim.link(peerOf(1), 'up');
      node.hear(2, suspectOf(1, 2)).run(10);
      node.hear(2, aliveOf(1, 1));
      expect([node.eventsAbout(1), node.resets]).toEqual([['suspected', 'recovered'], []]);
      const pings = () => node.sentOf('ping', 1).map(({ via }) => via);
      node.runUntil(() => pings().length === (answers ? 1 : 2));
      expect(pings()).toEqual(answers ? ['fresh'] : ['fresh', 'kept']);
      node.answer(1);
      expect(node.resets).toEqual(answers ? [peerOf(1).id] : []);
    }
  });

  it('try a fresh connection at once when the kept link turns out to be dead', () => {
    const node = new Alone().with(1);
    node.runUntil(() => node.sentOf('ping').length === 1);
    node.swim.unsent(node.sentOf('ping')[0]!.message.seq);
    expect(node.sentOf('ping').map(({ via }) => via)).toEqual(['kept', 'fresh']);
  });

  it('accuse nobody whom a relay has reached', () => {
    const node = new Alone().with(3);
    node.runUntil(() => node.sentOf('pingReq').length > 0);
    const { to, message } = node.sentOf('pingReq')[0]!;
    node.swim.receive(peerOf(indexOf(to.id!)), {
      type: 'relayed',
      seq: message.seq,
      outcome: 'ack',
      by: undefined,
      incarnation: 0,
    });
    node.run(510);
    expect(node.count('suspicions')).toBe(0);
  });

  it('ask such a relay to have this node dialled, when there is no link of its own', () => {
    for (const linked of [false, true]) {
      const node = new Alone().with(2);
      if (linked) for (const i of [1, 2]) node.swim.link(peerOf(i), 'up');
      node.runUntil(() => node.sentOf('pingReq').length > 0);
      const { to, message } = node.sentOf('pingReq')[0]!;
      const answer = {
        type: 'relayed',
        seq: message.seq,
        outcome: 'ack',
        by: undefined,
        incarnation: 0,
      } as const;
      node.swim.receive(peerOf(indexOf(to.id!)), answer);
      expect(node.sentOf('pingReq').map((sent) => sent.message.why)).toEqual(
        linked ? ['silent'] : ['silent', 'no-route'],
      );
    }
  });

  it('suspect a member at the end of the interval when nobody reached it', () => {
    const node = new Alone().with(3);
    node.runUntil(() => node.sentOf('ping').length > 0);
    const target = indexOf(node.sentOf('ping')[0]!.to.id!);
    node.run(interval - 20);
    expect(node.state(target)).toBe('alive');
    node.run(30);
    expect(node.eventsAbout(target)).toEqual(['suspected']);
  });

  it('go on to suspected members, so that these learn of the suspicion first', () => {
    const node = new Alone().with(2);
    node.hear(2, suspectOf(1, 2));
    node.runUntil(() => node.sentOf('ping', 1).length > 0);
    expect(node.sentOf('ping', 1)[0]!.message.updates[0]).toEqual(suspectOf(1, 2));
  });

  it('without the buddy rule carry it like any other update', () => {
    const node = new Alone({ components: { buddy: false }, retransmitMultiplier: 1 }).with(2);
    node.hear(2, suspectOf(1, 2));
    node.runUntil(() => node.sentOf('ping', 1).length > 2);
    const { updates } = node.sentOf('ping', 1).at(-1)!.message;
    expect(updates.filter(({ type }) => type === 'suspect')).toEqual([]);
  });
});

describe('the end of a probe', () => {
  const unaware = { components: { eventLoopAwareness: false } };

  /** The probe's timeout fires `blockedMs` late, on a clock that went on meanwhile. */
  function blocked(overrides: SwimOverrides, blockedMs: number): Alone {
    const node = new Alone(overrides).with(5);
    node.runUntil(() => node.sentOf('ping').length > 0);
    node.sent.length = 0;
    node.nowMs += 500 + blockedMs;
    return node.run(0);
  }

  it('is due one interval after its start, also when its timeout fired late', () => {
    const node = blocked(unaware, 300);
    expect(node.sentOf('pingReq')).toHaveLength(3);
    node.run(180);
    expect(node.count('probesFailed')).toBe(0);
    node.run(30);
    expect(node.count('probesFailed')).toBe(1);
  });

  it('comes at once when the timeout fired after it, and no ack counts any more', () => {
    const node = blocked(unaware, 600);
    expect(node.sentOf('pingReq')).toHaveLength(3);
    expect(node.count('probesFailed')).toBe(1);
    expect(node.swim.localHealth).toBe(3);
    const late = new Alone(unaware).with(5);
    late.runUntil(() => late.sentOf('ping').length > 0);
    const { to } = late.sentOf('ping')[0]!;
    late.nowMs += 1001;
    late.answer(indexOf(to.id!));
    late.run(0);
    expect(late.count('probesFailed')).toBe(1);
  });

  it('leaves relays their time all the same where the clock stands still with the event loop', () => {
    const node = blocked({}, 400);
    node.run(490);
    expect(node.count('probesFailed')).toBe(0);
    node.run(20);
    expect(node.count('probesFailed')).toBe(1);
  });

  it('does not move when local health changes meanwhile', () => {
    const node = new Alone().with(5);
    node.runUntil(() => node.sentOf('pingReq').length > 0);
    node.hear(5, suspectOf(0, 5));
    expect(node.swim.localHealth).toBe(1);
    node.run(510);
    expect(node.count('probesFailed')).toBe(1);
  });
});

describe('a link that has failed a probe', () => {
  it('is not asked first again: the next probe goes over a fresh one', () => {
    const node = new Alone({ suspicionAlpha: 1000 }).with(1);
    node.swim.link(peerOf(1), 'up');
    node.runUntil(() => node.sentOf('ping', 1).length === 3);
    expect(node.count('probesFailed')).toBe(1);
    expect(node.sentOf('ping', 1).map(({ via }) => via)).toEqual(['kept', 'fresh', 'fresh']);
    node.swim.link(peerOf(1), 'up');
    node.answer(1);
    node.sent.length = 0;
    node.runUntil(() => node.sentOf('ping', 1).length > 0);
    expect(node.sentOf('ping', 1).map(({ via }) => via)).toEqual(['kept']);
  });
});

describe('a relay', () => {
  const request = (why: 'silent' | 'refused' | 'no-route') =>
    ({
      type: 'pingReq',
      seq: 77,
      target: peerOf(2).id,
      address: peerOf(2).address,
      incarnation: 0,
      why,
    }) as const;

  it('passes an ack on', () => {
    const node = new Alone().with(2).receive(1, request('silent'));
    node.answer(2);
    expect(node.sentOf('relayed', 1)[0]!.message).toMatchObject({ seq: 77, outcome: 'ack', incarnation: 0 });
  });

  it('says `silent` at 80 % of the probe timeout, and a later ack still counts', () => {
    const node = new Alone().with(2).receive(1, request('silent'));
    node.run(399);
    expect(node.sentOf('relayed')).toEqual([]);
    node.run(2);
    expect(node.sentOf('relayed')[0]!.message.outcome).toBe('silent');
    node.run(300);
    const ping = node.sentOf('ping', 2)[0]!;
    node.receive(2, { type: 'ack', seq: ping.message.seq, incarnation: 0, digest: someDigest, updates: [] });
    expect(node.sentOf('relayed').map(({ message }) => message.outcome)).toEqual(['silent', 'ack']);
  });

  it('says `refused` at once when it had no link to the target', () => {
    const node = new Alone().with(2).receive(1, request('refused'));
    node.swim.link(peerOf(2), 'refused');
    expect(node.sentOf('relayed')[0]!.message.outcome).toBe('refused');
  });

  it('does not say `refused` while its kept link is open, since firewalls refuse only new dials', () => {
    const node = new Alone().with(2);
    node.swim.link(peerOf(2), 'up');
    node.receive(1, request('refused'));
    expect(node.sentOf('ping', 2).map(({ via }) => via)).toEqual(['kept', 'verify']);
    node.swim.link(peerOf(2), 'refused');
    expect(node.sentOf('relayed')).toEqual([]);
    node.run(410);
    expect(node.sentOf('relayed')[0]!.message.outcome).toBe('silent');
  });

  it('says `refused` at once when its kept link ends beside a refusal, as the kernel of a dead process ends it', () => {
    const node = new Alone().with(2);
    node.swim.link(peerOf(2), 'up');
    node.receive(1, request('refused'));
    node.swim.link(peerOf(2), 'refused');
    node.swim.link(peerOf(2), 'closed');
    expect(node.sentOf('relayed')[0]!.message.outcome).toBe('refused');
  });

  it('has no open link any more after it has reset it: a refusal counts', () => {
    const node = new Alone().with(2);
    node.swim.link(peerOf(2), 'up');
    node.runUntil(() => node.sentOf('ping', 2).length === 2);
    node.answer(2);
    expect(node.resets).toEqual([peerOf(2).id]);
    node.receive(1, request('refused'));
    node.swim.link(peerOf(2), 'refused');
    expect(node.sentOf('relayed').at(-1)!.message.outcome).toBe('refused');
  });

  it('carries the accusation to the target when it witnesses a refusal', () => {
    const node = new Alone().with(2).receive(1, request('refused'));
    expect(node.sentOf('ping', 2)[0]!.message.updates[0]).toEqual(suspectOf(2, 1, 0, 'hard'));
  });

  it('swim.maxRelays: refuses more work than its limit', () => {
    const node = new Alone({ maxRelays: 1 })
      .with(3)
      .receive(1, request('silent'))
      .receive(3, request('silent'));
    expect(node.sentOf('relayed', 3)[0]!.message.outcome).toBe('local');
    expect(node.swim.gauges['relays']).toBe(1);
  });

  it('asks the target to dial a node that cannot dial it', () => {
    const node = new Alone().with(2).receive(1, request('no-route'));
    expect(node.sentOf('dialRequest', 2)[0]!.message).toEqual({ type: 'dialRequest', ...peerOf(1) });
  });
});

describe('local health', () => {
  it('falls with each failed probe and recovers to 0 after as many clean ones', () => {
    const node = new Alone({ suspicionAlpha: 1000 }).with(1);
    node.runUntil(() => node.swim.localHealth === 3, 60_000);
    const before = node.count('probes');
    node.runUntil(() => {
      node.answer(1);
      return node.swim.localHealth === 0;
    }, 60_000);
    expect(node.count('probes') - before).toBeLessThanOrEqual(4);
  });

  it('never leaves [0, S]', () => {
    const node = new Alone({ suspicionAlpha: 1000 }).with(1);
    node.run(300_000);
    expect(node.swim.localHealth).toBe(8);
  });

  it('stretches the probe timeout and the interval', () => {
    const node = new Alone({ suspicionAlpha: 1000 }).with(1);
    node.run(300_000);
    const pings = node.sentOf('ping', 1).filter(({ via }) => via === 'kept');
    const [last, previous] = [pings.at(-1)!, pings.at(-2)!];
    expect(last.atMs - previous.atMs).toBe(9 * interval);
    const fresh = node.sentOf('ping', 1).findLast(({ via }) => via === 'fresh')!;
    expect(fresh.atMs - pings.findLast(({ atMs }) => atMs < fresh.atMs)!.atMs).toBe(9 * 500);
  });

  it('falls by the nacks that are missing, not by a target that is dead for the relays too', () => {
    for (const [answers, expected] of [
      [3, 0],
      [1, 2],
    ] as const) {
      const node = new Alone().with(4);
      node.runUntil(() => node.sentOf('pingReq').length === 3);
      for (const { to, message } of node.sentOf('pingReq').slice(0, answers)) {
        node.swim.receive(peerOf(indexOf(to.id!)), {
          type: 'relayed',
          seq: message.seq,
          outcome: 'silent',
          by: undefined,
          incarnation: undefined,
        });
      }
      node.runUntil(() => node.count('probesFailed') === 1);
      expect(node.swim.localHealth).toBe(expected);
    }
  });

  it('falls when the node has to refute', () => {
    const node = new Alone().with(1);
    node.hear(1, suspectOf(0, 1));
    expect(node.swim.localHealth).toBe(1);
  });

  it('is always 0 when switched off', () => {
    const node = new Alone({ components: { lhaProbe: false } }).with(1);
    node.run(30_000);
    expect(node.swim.localHealth).toBe(0);
  });
});

describe('a member that cannot be dialled', () => {
  it('is reached by relays, accused by nobody, and asked to dial', () => {
    const cluster = Cluster.formed(3);
    const [a, b] = [cluster.get('a'), cluster.get('b')];
    a.cannotDial.add(b);
    a.resetLink(b.id);
    a.link(b.peer, 'goodbye');
    cluster.run(10_000);
    expect(a.eventsAbout('b')).toEqual(['joined']);
    expect(cluster.get('c').eventsAbout('b')).toEqual(['joined']);
    expect(a.links.has(b)).toBe(true);
  });
});

function indexOf(id: string): number {
  for (let i = 1; i < 300; i++) if (peerOf(i).id === id) return i;
  return -1;
}
