import { describe, it, expect } from '@jest/globals';
import { Calm } from '../../../src/simulation/invariants/calm.js';
import type { Fault } from '../../../src/simulation/scenarios/fault.js';
import { FakeNode } from './fake-node.js';

const fast = { minMs: 1, maxMs: 10 };
const slow = { minMs: 1, maxMs: 1000 };

/** A cluster that is looked at 1000 ms after these faults. */
function after(...faults: readonly Fault[]): Calm<never> {
  let nowMs = 0;
  const calm = new Calm<never>({ maxLatencyMs: 50 });
  calm.begin({
    get nowMs() {
      return nowMs;
    },
    running: () => [],
    nameOf: () => '',
  });
  for (const fault of faults) {
    nowMs += 1000;
    calm.fault(fault);
  }
  nowMs += 1000;
  return calm;
}

const DISTURBANCES: readonly (readonly [Fault, Fault])[] = [
  [
    { kind: 'cut', from: 'a', to: 'b' },
    { kind: 'heal', from: 'a', to: 'b' },
  ],
  [{ kind: 'partition', groups: [['a'], ['b', 'c']] }, { kind: 'heal-all' }],
  [{ kind: 'flap', a: 'a', b: 'b', downMs: 500, upMs: 500, times: 9 }, { kind: 'heal-all' }],
  [
    { kind: 'lose', share: 0.1 },
    { kind: 'lose', share: 0 },
  ],
  [{ kind: 'duplicate', share: 0.1, from: 'a' }, { kind: 'heal-all' }],
  [{ kind: 'reorder', share: 0.1, spreadMs: 5 }, { kind: 'heal-all' }],
  [
    { kind: 'delay', latency: slow },
    { kind: 'delay', latency: fast },
  ],
  [
    { kind: 'answer-dials', node: 'a', rule: 'drop' },
    { kind: 'answer-dials', node: 'a', rule: 'allow' },
  ],
  [
    { kind: 'pause', node: 'a' },
    { kind: 'resume', node: 'a' },
  ],
  [
    { kind: 'pause', node: 'a' },
    { kind: 'crash', node: 'a' },
  ],
  [
    { kind: 'slow-loop', node: 'a', callbackMs: 5 },
    { kind: 'slow-loop', node: 'a', callbackMs: 0 },
  ],
  [{ kind: 'share-address', node: 'a' }, { kind: 'heal-all' }],
];

/** The processes with these names run until one of them ends, 1000 ms after the last fault. */
function afterTheEndOf(ending: string, others: readonly string[], ...faults: readonly Fault[]): Calm<never> {
  const calm = after(...faults);
  const nodes = [ending, ...others].map((name) => new FakeNode(name));
  const { nowMs } = calm;
  calm.begin({ nowMs, running: () => nodes, nameOf: () => '' });
  calm.ended(nodes[0]!);
  return calm;
}

describe('a cluster is calm', () => {
  it.each<Fault>([
    { kind: 'slow-loop', node: 'c', callbackMs: 5 },
    { kind: 'pause', node: 'c' },
  ])('again when a process that was held back by %j has ended, whatever ended it', (fault) => {
    expect(afterTheEndOf('c', ['a'], fault).calmSinceMs).toBe(2000);
    expect(afterTheEndOf('c#3', ['a'], fault).calmSinceMs).toBe(2000);
    expect(afterTheEndOf('a', ['c'], fault).calmSinceMs).toBe(Number.POSITIVE_INFINITY);
    expect(afterTheEndOf('a', ['c'], { kind: 'stall', node: 'c', ms: 1 }).calmSinceMs).toBe(1001);
  });

  it('not when only a twin of the process that stands still has ended', () => {
    const calm = afterTheEndOf('c#2', ['c'], { kind: 'pause', node: 'c' });
    expect(calm.calmSinceMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('from the start, and between crashes, restarts and leaves', () => {
    expect(after().calmSinceMs).toBe(0);
    expect(after({ kind: 'crash', node: 'a' }).calmSinceMs).toBe(0);
  });

  it.each(DISTURBANCES)('not with %j, but after %j', (fault, end) => {
    expect(after(fault).calmSinceMs).toBe(Number.POSITIVE_INFINITY);
    expect(after(fault, end).calmSinceMs).toBeLessThanOrEqual(2000);
  });

  it.each(['stall', 'block-io', 'suspend'] as const)('again when a %s is over', (kind) => {
    expect(after({ kind, node: 'a', ms: 1500 }).calmSinceMs).toBe(Number.POSITIVE_INFINITY);
    expect(after({ kind, node: 'a', ms: 800 }).calmSinceMs).toBe(1800);
  });

  it('not while one of several disturbances lasts', () => {
    const lossy: Fault = { kind: 'lose', share: 0.1 };
    const cut: Fault = { kind: 'cut', from: 'a', to: 'b' };
    const heal: Fault = { kind: 'heal', from: 'a', to: 'b' };
    expect(after(lossy, cut, heal).calmSinceMs).toBe(Number.POSITIVE_INFINITY);
    expect(after(lossy, cut, { kind: 'heal-all' }).calmSinceMs).toBe(3000);
  });

  it('never where the latency is high from the start', () => {
    expect(new Calm({ maxLatencyMs: 50, latency: slow }).calmSinceMs).toBe(Number.POSITIVE_INFINITY);
    expect(new Calm({ maxLatencyMs: 50, latency: fast }).calmSinceMs).toBe(0);
  });

  it('and quiet only since the last process came or went', () => {
    expect(after({ kind: 'crash', node: 'a' }).quietSinceMs).toBe(1000);
    const calm = after({ kind: 'set-metadata', node: 'a', metadata: {} });
    calm.noticed(new FakeNode('b'), { type: 'leave-completed', acknowledgedBy: 1 });
    expect(calm.quietSinceMs).toBe(1000);
    calm.started();
    expect(calm.quietSinceMs).toBe(2000);
  });

  it('and remembers how long it was not', () => {
    const cut: Fault = { kind: 'cut', from: 'a', to: 'b' };
    const heal: Fault = { kind: 'heal', from: 'a', to: 'b' };
    const other: Fault = { kind: 'lose', share: 0 };
    expect(after(cut, other, other, heal, cut, heal).longestDisturbanceMs).toBe(3000);
  });
});
