import { describe, it, expect } from '@jest/globals';
import { aliveOf, Alone, memberOf, peerOf, suspectOf } from './alone.js';

describe('an event loop that stood still', () => {
  it('voids the probe whose timeout fired late, and the member is probed again', () => {
    const node = new Alone().with(1);
    node.runUntil(() => node.sentOf('ping').length === 1);
    node.lateMs = 60;
    node.runUntil(() => node.count('probesVoid') === 1);
    node.lateMs = 0;
    expect(node.sentOf('ping')).toHaveLength(2);
    expect(node.sentOf('pingReq')).toEqual([]);
    expect(node.swim.localHealth).toBe(1);
    expect(node.state(1)).toBe('alive');
  });

  it('for up to 50 ms voids nothing', () => {
    const node = new Alone().with(1);
    node.lateMs = 50;
    node.runUntil(() => node.count('probesFailed') === 1);
    expect(node.count('probesVoid')).toBe(0);
  });

  it('lets acks that are already here be read before a verdict', () => {
    const node = new Alone().with(1);
    const polls: (() => void)[] = [];
    node.afterPoll = (timer) => void polls.push(() => node.swim.timer(timer, 0));
    node.runUntil(() => polls.length === 1);
    expect(node.state(1)).toBe('alive');
    node.answer(1);
    for (const poll of polls) poll();
    expect(node.count('probesFailed')).toBe(0);
    expect(node.eventsAbout(1)).toEqual([]);
  });

  it('lets a refutation that is already here be read before a verdict', () => {
    const node = new Alone({ probeIntervalMs: 100_000 }).with(1);
    node.hear(1, suspectOf(1, 9));
    const polls: (() => void)[] = [];
    node.afterPoll = (timer) => void polls.push(() => node.swim.timer(timer, 0));
    node.runUntil(() => polls.length === 1, 1_000_000);
    node.hear(1, aliveOf(1, 1));
    for (const poll of polls) poll();
    expect(node.state(1)).toBe('alive');
  });

  it('raises local health, once an interval', () => {
    const node = new Alone();
    for (let i = 0; i < 5; i++) node.swim.stalled(100);
    expect(node.swim.localHealth).toBe(1);
  });

  it('for more than a probe interval makes it sync before it suspects', () => {
    const node = new Alone().with(3);
    node.swim.stalled(1001);
    expect(node.sentOf('syncStart')).toHaveLength(1);
    node.runUntil(() => node.count('probesFailed') === 1);
    expect(node.count('suspicions')).toBe(0);
    const { to, message } = node.sentOf('syncStart').at(-1)!;
    const page = {
      type: 'page',
      sync: message.sync,
      side: 'answer',
      index: 0,
      last: true,
      maskLow: 0,
      maskHigh: 0,
      members: [memberOf(1)],
    } as const;
    node.swim.receive({ id: to.id!, address: to.address }, page);
    node.runUntil(() => node.count('suspicions') === 1, 10_000);
  });

  it('and cannot sync with anybody judges after three tries', () => {
    const node = new Alone().with(3);
    node.swim.stalled(1001);
    node.runUntil(() => node.count('suspicions') > 0, 30_000);
    expect(node.sentOf('syncStart').length).toBeGreaterThanOrEqual(3);
  });

  it('for half the tombstone time discards its view, and takes others’ without giving its own', () => {
    const node = new Alone().with(2);
    node.swim.stalled(1_800_001);
    expect(node.swim.view.members).toHaveLength(1);
    expect(node.events.map(({ type }) => type)).toEqual(['unreachable', 'unreachable']);
    expect(node.swim.local.incarnation).toBe(1);
    const { attempt } = node.sentOf('join')[0]!.message;
    node.hear(5, aliveOf(5));
    const page = {
      type: 'page',
      sync: attempt,
      side: 'answer',
      index: 0,
      last: true,
      maskLow: 0xffffffff,
      maskHigh: 0xffffffff,
      members: [memberOf(1)],
    } as const;
    node.receive(1, page);
    expect(node.sentOf('page')).toEqual([]);
    expect(node.notices.map(({ type }) => type)).toEqual(['join-completed']);
  });

  it('changes nothing where awareness is switched off', () => {
    const node = new Alone({ components: { eventLoopAwareness: false } }).with(1);
    node.swim.stalled(1e9);
    node.lateMs = 1000;
    node.runUntil(() => node.state(1) === 'suspect', 10_000);
    expect(node.count('probesVoid')).toBe(0);
    expect(node.swim.member(peerOf(1).id)?.state).toBe('suspect');
  });
});
