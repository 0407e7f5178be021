import { createHash } from 'node:crypto';
import { describe, it, expect } from '@jest/globals';
import { seconds, simulate, type SimulateOptions } from '../../src/simulation/simulate.js';

/** Every fault that there is, and a crowd that has to cope with it. */
function eventful(options: Partial<SimulateOptions>) {
  return simulate({ nodes: 8, seed: 1, start: 'together', maxLinks: 4, traceMessages: true, ...options })
    .runFor(seconds(3))
    .duplicate(0.05)
    .reorder({ share: 0.1, spreadMs: 20 })
    .lose(0.05, 'a', 'b')
    .delay({ minMs: 1, maxMs: 50, shape: 'log-normal' }, 'b', 'c')
    .flap('a', 'd', 700, 300, 5)
    .blockIo('e', 3000)
    .stall('f', 1500)
    .suspend('g', seconds(20))
    .slowLoop('h', 3)
    .runFor(seconds(10))
    .shareAddress('b')
    .crash('c')
    .partition(['a', 'b'], ['d', 'e'])
    .runFor(seconds(15))
    .healAll()
    .restart('c')
    .runFor(seconds(10))
    .leave('d')
    .runFor(seconds(5));
}

/** The whole trace of a run, as a hash, and how long it is. */
function hashOf(options: Partial<SimulateOptions>) {
  const hash = createHash('sha256');
  let lines = 0;
  const cluster = eventful({ ...options, onTrace: (line) => (lines++, hash.update(`${line}\n`)) });
  return { sha256: hash.digest('hex'), lines, inputs: cluster.inputs, messages: cluster.messagesSent };
}

describe('the same seed', () => {
  it.each([
    ['by reference', { wire: false }],
    ['through bytes', { wire: true }],
    ['without a journal and checks', { record: false, invariants: false }],
  ])('gives the same trace, byte for byte (%s)', (_, options) => {
    const one = hashOf(options);
    expect(one.lines).toBeGreaterThan(5000);
    expect(hashOf(options)).toEqual(one);
  });

  it('gives the same trace whatever is looked at meanwhile', () => {
    const plain = hashOf({});
    expect(hashOf({ record: false, invariants: false })).toEqual(plain);
    expect(hashOf({ checks: [{ tick: () => undefined, beforeInput: () => undefined }] })).toEqual(plain);
  });

  it('gives the same run whether messages go through their bytes or not', () => {
    const traceMessages = false;
    expect(hashOf({ wire: true, traceMessages })).toEqual(hashOf({ traceMessages }));
  });
});

describe('another seed', () => {
  it('gives another trace', () => {
    expect(hashOf({ seed: 2 }).sha256).not.toBe(hashOf({ seed: 1 }).sha256);
  });
});

describe('the whole trace', () => {
  it('has the lines of the journal, in the same order', () => {
    const lines: string[] = [];
    const cluster = simulate({ nodes: 3, seed: 1, onTrace: (line) => lines.push(line) });
    cluster.settle().crash('c').runFor(seconds(10));
    expect(lines).toEqual(cluster.log(undefined, 100_000).split('\n'));
  });
});

describe('the journal', () => {
  it('stays bounded however long the run: the oldest lines go first', () => {
    const cluster = simulate({ nodes: 2, seed: 1, traceMessages: true }).settle().runFor(seconds(3000));
    const lines = cluster.log('a', 1_000_000).split('\n');
    expect(lines.length).toBeLessThanOrEqual(4000);
    expect(Number.parseFloat(lines[0]!)).toBeGreaterThan(1000);
  });

  it('is empty, and so are the records, when nothing is to be recorded', () => {
    const cluster = simulate({ nodes: 3, seed: 1, record: false }).settle();
    expect(cluster.log()).toBe('');
    expect(cluster.eventsAt('a').all).toEqual([]);
    expect(cluster.node('b').notices).toEqual([]);
  });
});
