import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { InvalidOptionError } from '../../../src/errors.js';
import { isolated, type IsolatedOptions } from '../../../src/nestjs/testing/isolated.js';
import { NestCluster } from '../../../src/nestjs/testing/nest-cluster.js';
import type { NestClusterOptions } from '../../../src/nestjs/testing/nest-cluster-options.js';
import { SimulationError } from '../../../src/simulation/simulation-error.js';
import { quiet, Town, town, TownModule } from './town.js';

describe('NestCluster.start', () => {
  const module = () => town();
  const of = (options: object): object => ({ nodes: 2, module, ...options });

  /** What TypeScript would not let through, or cannot see. */
  const wrong: readonly [unknown, string, string][] = [
    [undefined, 'options', 'is undefined, but must be an object with "nodes" and "module"'],
    [{ module }, 'nodes', 'is undefined, but must be an integer from 1 to 100, or an array of as many names'],
    [of({ nodes: 0 }), 'nodes', 'is 0, but must be an integer from 1 to 100'],
    [of({ nodes: 1.5 }), 'nodes', 'is 1.5, but must be an integer from 1 to 100'],
    [of({ nodes: 101 }), 'nodes', 'is 101, but must be an integer from 1 to 100'],
    [of({ nodes: 'abc' }), 'nodes', 'is "abc", but must be an integer from 1 to 100, or an array'],
    [of({ nodes: [] }), 'nodes', 'must be 1 to 100 names'],
    [of({ nodes: ['a', ''] }), 'nodes.1', 'is "", but must not be empty'],
    [of({ nodes: ['web', 'web'] }), 'nodes', 'must be different names, and "web" is there twice'],
    [{ nodes: 2 }, 'module', 'is undefined, but must be a function, for example'],
    [of({ module: TownModule }), 'module', 'is a function, but must be a function, for example () =>'],
    [of({ module: () => undefined }), 'module', 'gave undefined for node a, but must give what Test.'],
    [of({ module: () => TownModule }), 'module', 'gave a function for node a, but must give what Test.'],
    [of({ module: () => town().compile() }), 'module', 'gave an object for node a, but must give what Test.'],
    [of({ seed: 'x' }), 'seed', 'is "x", but must be an integer'],
    [of({ seed: Number.NaN }), 'seed', 'is NaN, but must be an integer'],
    [of({ latency: { minMs: 2, maxMs: 1 } }), 'latency', 'must have a maxMs that is not below its minMs'],
    [of({ latency: 5 }), 'latency', 'is 5, but must be { minMs, maxMs }'],
    [of({ start: 'apart' }), 'start', 'is "apart", but must be "together" or "one-by-one"'],
    [of({ patienceMs: -1 }), 'patienceMs', 'is -1, but must not be negative'],
    [of({ patienceMs: 0 }), 'patienceMs', 'is 0, but must be more than 0'],
    [of({ onLog: true }), 'onLog', 'is true, but must be a function'],
    [of({ as: '' }), 'as', 'must not be empty'],
    [of({ option: {} }), 'option', 'is not an option; did you mean "options"?'],
    [of({ preset: 'lan' }), 'preset', 'is not an option; the options here are nodes, module, seed'],
    [of({ options: { metadata: {} } }), 'options', 'is an object, but must be a function'],
    [
      of({ options: () => ({ port: 7946 }) }),
      'options.port',
      'is not an option; the options here are metadata',
    ],
    [of({ options: () => ({ metdata: {} }) }), 'options.metdata', 'did you mean "metadata"?'],
    [of({ options: () => 'lan' }), 'options', 'is "lan", but must be an object'],
    [
      of({ options: async () => ({}) }),
      'options',
      'gave an object for node a, but must give an object at once',
    ],
    [of({ options: () => ({ swim: { probeIntervalMs: 0 } }) }), 'swim.probeIntervalMs', 'is 0, but must be'],
  ];

  it.each(wrong)('refuses %j', async (options, option, problem) => {
    const starting = NestCluster.start(options as NestClusterOptions);
    await expect(starting).rejects.toThrow(InvalidOptionError);
    await expect(starting).rejects.toMatchObject({ option, message: expect.stringContaining(problem) });
  });

  it('refuses one builder for several nodes, which would be one application', async () => {
    const builder = quiet(Test.createTestingModule({ imports: [TownModule] }));
    await expect(NestCluster.start({ nodes: 2, module: () => builder })).rejects.toThrow(
      'gave the same builder again for node b, but must make one for each node',
    );
  });
});

describe('a test cluster', () => {
  let cluster: NestCluster;
  beforeAll(async () => {
    cluster = await NestCluster.start({ nodes: 3, module: () => town() });
  });
  afterAll(() => cluster.close());

  const latency = { minMs: 1, maxMs: 1 };
  const wrong: readonly [string, (cluster: NestCluster) => unknown, string][] = [
    ['the crash of a stranger', (c) => c.crash('x'), 'No node is called x; there are a, b, c'],
    [
      'the crash of nobody',
      (c) => c.crash(undefined as never),
      'No node is called undefined; there are a, b, c',
    ],
    ['a cut from a stranger', (c) => c.cut('a', 'x'), 'No node is called x; there are a, b, c'],
    ['a cut within one node', (c) => c.cut('a', 'a'), 'cut needs two nodes, not a twice'],
    ['half a cut', (c) => c.cutOneWay('a', undefined as never), 'No node is called undefined'],
    ['half a heal', (c) => c.heal('a'), 'heal: a is one node; name two, or none for all'],
    ['the heal of a stranger', (c) => c.heal('a', 'x'), 'No node is called x; there are a, b, c'],
    ['half a delay', (c) => c.delay(latency, 'a'), 'delay: a is one node; name two, or none for all'],
    ['a delay that is none', (c) => c.delay(5 as never), 'delay: latency is 5, but must be { minMs, maxMs }'],
    ['a group with a stranger', (c) => c.partition(['a'], ['x']), 'No node is called x; there are a, b, c'],
    [
      'one group',
      (c) => c.partition(['a', 'b']),
      'partition: groups is an array, but must be two groups or more',
    ],
    ['a node on both sides', (c) => c.partition(['a', 'b'], ['b']), 'must be groups that share no node'],
    ['sides without groups', (c) => c.partition('a' as never, 'b' as never), 'must be an array of names'],
    ['a stall that is no time', (c) => c.stall('a', Number.NaN), 'stall: ms is NaN, but must be a number of'],
    ['a stall for ever', (c) => c.stall('a', Infinity), 'stall: ms is Infinity, but must be finite'],
    ['the pause of a stranger', (c) => c.pause('x'), 'No node is called x; there are a, b, c'],
    ['the log of a stranger', (c) => c.log('x'), 'No node is called x; there are a, b, c'],
    ['the errors of a stranger', (c) => c.errors('x'), 'No node is called x; there are a, b, c'],
    ['a provider of a stranger', (c) => c.get('x', Town), 'No node is called x; there are a, b, c'],
    ['the restart of a stranger', (c) => c.restart('x'), 'No node is called x; there are a, b, c'],
    ['the stop of a stranger', (c) => c.stop('x'), 'No node is called x; there are a, b, c'],
    [
      'time as text',
      (c) => c.advance('5' as never),
      'advance: ms is "5", but must be a number of milliseconds',
    ],
    ['time to go back', (c) => c.advance(-1), 'advance: ms is -1, but must not be negative'],
    [
      'a condition that is none',
      (c) => c.until(true as never),
      'until: condition is true, but must be a function',
    ],
    ['a condition that waits', (c) => c.until((async () => false) as never), 'the condition gave a promise'],
    [
      'a wait that is no time',
      (c) => c.settle({ withinMs: Number.NaN }),
      'settle: options.withinMs is NaN, but',
    ],
    [
      'the option of another class',
      (c) => c.until(() => true, { within: 5 } as never),
      'until: options.within is not an option; did you mean "withinMs"?',
    ],
    [
      'a run of a function',
      (c) => c.run((() => 5) as never),
      'run: promise is a function, but must be a promise',
    ],
    [
      'a run within a number',
      (c) => c.run(Promise.resolve(), 5 as never),
      'run: options is 5, but must be an object',
    ],
  ];

  it.each(wrong)('refuses %s', async (_, act, problem) => {
    const acting = new Promise((resolve) => resolve(act(cluster)));
    await expect(acting).rejects.toThrow(SimulationError);
    await expect(acting).rejects.toThrow(problem);
  });

  it('still works after all of them', async () => {
    await cluster.settle();
    expect(cluster.membership('a').activeMembers).toHaveLength(3);
  });

  it('refuses what only a process that runs can be told', async () => {
    const other = await NestCluster.start({ nodes: 2, module: () => town() });
    other.crash('b');
    for (const act of [
      () => other.crash('b'),
      () => other.pause('b'),
      () => other.resume('b'),
      () => other.stall('b', 5),
    ])
      expect(act).toThrow('b does not run');
    other.powerOff('b');
    await other.restart('b');
    await other.close();
  });

  it('refuses everything that would change it when it is closed', async () => {
    const closed = await NestCluster.start({ nodes: 2, module: () => town() });
    await closed.close();
    for (const act of [
      () => closed.crash('a'),
      () => closed.powerOff('a'),
      () => closed.pause('a'),
      () => closed.stall('a', 5),
      () => closed.cut('a', 'b'),
      () => closed.heal(),
      () => closed.partition(['a'], ['b']),
      () => closed.delay(latency),
    ])
      expect(act).toThrow('The cluster is closed');
    for (const act of [
      () => closed.advance(1),
      () => closed.until(() => true),
      () => closed.run(Promise.resolve()),
      () => closed.settle(),
      () => closed.restart('a'),
      () => closed.stop('a'),
    ])
      await expect(act()).rejects.toThrow('the cluster is closed');
    expect(closed.log('a').length).toBeGreaterThan(0);
  });
});

describe('isolated()', () => {
  const wrong: readonly [unknown, string, string][] = [
    [null, 'options', 'is null, but must be an object'],
    [{ port: 7946 }, 'port', 'is not for an isolated node, which has no network: leave it out'],
    [{ security: 'none' }, 'security', 'is not for an isolated node'],
    [{ enabled: false }, 'enabled', 'is not for an isolated node'],
    [{ metdata: {} }, 'metdata', 'is not an option; did you mean "metadata"?'],
    [{ requestTimeoutMs: -1 }, 'requestTimeoutMs', 'is -1, but must be at least 1 ms'],
  ];

  it.each(wrong)('refuses %j where it is written', (options, option, problem) => {
    const act = (): unknown => isolated(options as IsolatedOptions);
    expect(act).toThrow(InvalidOptionError);
    expect(act).toThrow(`Option "${option}" ${problem}`);
  });

  it('takes an option that is there and undefined for one that is not', () => {
    expect(isolated({ port: undefined, metadata: { zone: 'eu' } } as IsolatedOptions).metadata).toEqual({
      zone: 'eu',
    });
  });
});
