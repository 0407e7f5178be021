import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InvalidOptionError } from '../../../src/errors.js';
import { NodeCluster } from '../../../src/simulation/nodes/node-cluster.js';
import { SimulationError } from '../../../src/simulation/simulation-error.js';

describe('a cluster of whole nodes', () => {
  const wrong: readonly [unknown, string, string][] = [
    [5, 'options', 'is 5, but must be an object'],
    [{ seed: 'x' }, 'seed', 'is "x", but must be an integer'],
    [{ bogus: 2 }, 'bogus', 'is not an option; the options here are seed, latency'],
    [{ latency: 5 }, 'latency', 'is 5, but must be { minMs, maxMs }'],
    [{ latency: { minMs: 9, maxMs: 1 } }, 'latency', 'must have a maxMs that is not below its minMs'],
    [{ wire: 'yes' }, 'wire', 'is "yes", but must be true or false'],
    [{ onLog: true }, 'onLog', 'is true, but must be a function'],
  ];

  it.each(wrong)('refuses the options %j', (options, option, problem) => {
    const make = () => new NodeCluster(options as object);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(expect.objectContaining({ option, message: expect.stringContaining(problem) }));
  });
});

describe('a call of a cluster of whole nodes', () => {
  let cluster: NodeCluster;
  beforeAll(async () => {
    cluster = new NodeCluster();
    await cluster.start('a', 'b', 'c');
  });
  afterAll(() => cluster.close());

  const wrong: readonly [string, (c: NodeCluster) => unknown, string][] = [
    ['no time', (c) => c.advance(Number.NaN), 'advance: ms is NaN, but must be'],
    ['a text for a time', (c) => c.advance('abc' as never), 'advance: ms is "abc", but must be a number'],
    ['time to go back', (c) => c.advance(-1), 'advance: ms is -1, but must not be negative'],
    ['a run of no promise', (c) => c.run(5 as never), 'run: promise is 5, but must be a promise'],
    [
      'a run within a number',
      (c) => c.run(Promise.resolve(), 100 as never),
      'run: options is 100, but must be an object, for example { withinMs: 5000 }',
    ],
    [
      'a wait that is no time',
      (c) => c.until(() => true, { withinMs: Number.NaN }),
      'until: options.withinMs is NaN',
    ],
    ['a condition that is none', (c) => c.until(true as never), 'until: condition is true, but must be'],
    ['a condition that waits', (c) => c.until((async () => false) as never), 'the condition gave a promise'],
    ['a cut from a stranger', (c) => c.cut('a', 'B'), 'No node of this cluster is called B'],
    ['a cut of one node', (c) => c.cut('a', 'a'), 'cut needs two nodes, not a twice'],
    ['half a heal', (c) => c.heal('a'), 'heal: a is one node; name two, or none for all'],
    ['a partition of one side', (c) => c.partition(['a', 'b']), 'must be two groups or more'],
    ['a partition with a stranger', (c) => c.partition(['a', 'q'], ['b']), 'is called q'],
    ['a node on two sides', (c) => c.partition(['a', 'b'], ['b']), 'must be groups that share no node'],
    ['a delay that is none', (c) => c.delay({ minMs: 9, maxMs: 1 }), 'must have a maxMs that is not below'],
    ['half a delay', (c) => c.delay({ minMs: 1, maxMs: 1 }, 'a'), 'delay: a is one node'],
    ['a stall that ends before', (c) => c.stall('a', -4), 'stall: ms is -4, but must not be negative'],
    ['a sleep without end', (c) => c.suspend('a', Infinity), 'suspend: ms is Infinity, but must be finite'],
    ['a loss of too much', (c) => c.lose(2), 'lose: share is 2, but must be a share from 0 to 1'],
    ['another answer', (c) => c.answerDials('a', 'no' as never), 'answerDials: rule is "no", but must be'],
    ['a break with a stranger', (c) => c.breakLinks('a', 'B'), 'is called B'],
    ['a fault that is none', (c) => c.apply({ kind: 'cut', from: 'a' } as never), 'cut: to is undefined'],
    ['a fault of a stranger', (c) => c.apply({ kind: 'crash', node: 'z' }), 'is called z'],
    ['a fault of one twice', (c) => c.apply({ kind: 'cut', from: 'a', to: 'a' }), 'not a twice'],
  ];

  it.each(wrong)('refuses %s', async (_, act, problem) => {
    const acting = new Promise((resolve) => resolve(act(cluster)));
    await expect(acting).rejects.toThrow(SimulationError);
    await expect(acting).rejects.toThrow(problem);
  });

  it('waits as long as it is told, and says so', async () => {
    const beforeMs = cluster.nowMs;
    await expect(cluster.run(new Promise(() => undefined), { withinMs: 100 })).rejects.toThrow(
      'within 100 ms',
    );
    await expect(cluster.until(() => false, { withinMs: 100 })).rejects.toThrow('within 100 ms');
    expect(cluster.nowMs - beforeMs).toBe(200);
  });

  it('may speak of a node that is yet to come', async () => {
    const early = new NodeCluster({ late: ['c'] });
    const [a] = await early.start('a', 'b');
    early.partition(['a', 'b'], ['c']);
    early.launch('c');
    await early.advance(5000);
    expect(a!.activeMembers).toHaveLength(2);
    early.heal();
    await early.until(() => a!.activeMembers.length === 3);
    await early.close();
  });

  it('still works after all of them', async () => {
    await cluster.until(() => [...cluster.nodes.values()].every((node) => node.activeMembers.length === 3));
  });
});
