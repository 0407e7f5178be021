import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError } from '../../src/errors.js';
import { simulate, type SimulateOptions } from '../../src/simulation/simulate.js';
import { SimulationError } from '../../src/simulation/simulation-error.js';
import { Simulation } from '../../src/simulation/simulation.js';

describe('simulate()', () => {
  const three = { nodes: 3, seed: 1 };

  /** What TypeScript would not let through, or cannot see. */
  const wrong: readonly [unknown, string, string][] = [
    [undefined, 'options', 'is undefined, but must be an object, for example { nodes: 3, seed: 1 }'],
    [{ nodes: 3 }, 'seed', 'is undefined, but must be an integer'],
    [{ seed: 1 }, 'nodes', 'is undefined, but must be an integer from 1 to 65536'],
    [{ ...three, nodes: 0 }, 'nodes', 'is 0, but must be an integer from 1 to 65536'],
    [{ ...three, nodes: 2.5 }, 'nodes', 'is 2.5, but must be an integer from 1 to 65536'],
    [{ ...three, nodes: ['a'] }, 'nodes', 'is an array, but must be an integer from 1 to 65536'],
    [{ ...three, seed: Number.NaN }, 'seed', 'is NaN, but must be an integer'],
    [{ ...three, sed: 2 }, 'sed', 'is not an option; did you mean "seed"?'],
    [{ ...three, presets: 'lan' }, 'presets', 'is not an option; did you mean "preset"?'],
    [{ ...three, preset: 'man' }, 'preset', 'is "man", but must be "lan", "wan" or "local"'],
    [{ ...three, start: 'at once' }, 'start', 'must be "one-by-one", "together" or "apart"'],
    [{ ...three, swim: { probeIntervalMS: 1 } }, 'swim.probeIntervalMS', 'did you mean "probeIntervalMs"?'],
    [{ ...three, swim: { probeIntervalMs: -1 } }, 'swim.probeIntervalMs', 'is -1, but must be at least 1 ms'],
    [
      { ...three, swim: { probeTimeoutMs: 2000 } },
      'swim.probeTimeoutMs',
      'must be below probeIntervalMs (1000)',
    ],
    [
      { ...three, latency: { minMs: 1 } },
      'latency.maxMs',
      'is undefined, but must be a number of milliseconds',
    ],
    [
      { ...three, latency: { minMs: 2, maxMs: 1 } },
      'latency',
      'must have a maxMs that is not below its minMs',
    ],
    [{ ...three, latency: { minMs: -2, maxMs: 1 } }, 'latency.minMs', 'is -2, but must not be negative'],
    [{ ...three, latency: { min: 2, maxMs: 1 } }, 'latency.minMs', 'is undefined, but must be a number'],
    [{ ...three, dialTimeoutMs: Infinity }, 'dialTimeoutMs', 'is Infinity, but must be finite'],
    [{ ...three, maxLinks: -1 }, 'maxLinks', 'must not be negative'],
    [{ ...three, wire: 'yes' }, 'wire', 'is "yes", but must be true or false'],
    [{ ...three, checks: [1] }, 'checks.0', 'is 1, but must be an object'],
    [{ ...three, onTrace: 'log' }, 'onTrace', 'is "log", but must be a function'],
  ];

  it.each(wrong)('refuses %j', (options, option, problem) => {
    const act = (): unknown => simulate(options as SimulateOptions);
    expect(act).toThrow(InvalidOptionError);
    expect(act).toThrow(`Option "${option}" `);
    expect(act).toThrow(problem);
  });

  it('is as strict about a protocol of your own', () => {
    expect(() => new Simulation({ ...three, protocol: 'swim' } as never)).toThrow(
      'Option "protocol" is "swim", but must be a function',
    );
  });
});

describe('a simulation', () => {
  const cluster = (): Simulation<unknown> => simulate({ nodes: 3, seed: 1, start: 'together' });

  const wrong: readonly [string, (cluster: Simulation<unknown>) => unknown, string][] = [
    [
      'a time that is none',
      (c) => c.runFor(Number.NaN),
      'runFor: ms is NaN, but must be a number of milliseconds',
    ],
    ['time to go back', (c) => c.runFor(-1), 'runFor: ms is -1, but must not be negative'],
    ['time without end', (c) => c.runFor(Infinity), 'runFor: ms is Infinity, but must be finite'],
    [
      'a wait that is no time',
      (c) => c.settle({ withinMs: Number.NaN }),
      'settle: options.withinMs is NaN, but must be',
    ],
    [
      'the option of another class',
      (c) => c.settle({ within: 5 } as never),
      'settle: options.within is not an option; did you mean "withinMs"?',
    ],
    [
      'steps of nothing',
      (c) => c.until('ever', () => false, {}, 0),
      'until: stepMs is 0, but must be more than 0',
    ],
    [
      'a condition without a name',
      (c) => c.until((() => true) as never, undefined as never),
      'until: what is a function',
    ],
    [
      'a condition that waits',
      (c) => c.until('it is so', (async () => false) as never),
      'the condition gave a promise',
    ],
    [
      'a suspicion of nobody',
      (c) => c.untilSuspected('c', undefined as never),
      'untilSuspected: options is undefined',
    ],
    [
      'a suspicion by a stranger',
      (c) => c.untilSuspected('c', { by: 'x' }),
      'There is no node "x"; there are a, b, c',
    ],
    [
      'a suspicion of a stranger',
      (c) => c.untilUnreachable('x', { by: 'a' }),
      'There is no node "x"; there are a, b, c',
    ],
    [
      'a state that is none',
      (c) => c.untilEveryoneHolds('c', 'dead' as never),
      'untilEveryoneHolds: state is "dead", but must be "alive", "suspect", "unreachable", "left"',
    ],
    [
      'a question for no state',
      (c) => c.everyoneHolds('c', 'dead' as never),
      'everyoneHolds: state is "dead"',
    ],
    ['a look at a stranger', (c) => c.stateAt('a', 'x'), 'There is no node "x"; there are a, b, c'],
    ['a look at nobody', (c) => c.eventsAt(undefined as never), 'There is no node "undefined"'],
    ['the log of a stranger', (c) => c.log('x'), 'There is no node "x"; there are a, b, c'],
    ['so many lines', (c) => c.log('a', -1), 'log: lines is -1, but must not be negative'],
    ['the crash of a stranger', (c) => c.crash('x'), 'There is no node "x"; there are a, b, c'],
    [
      'the crash of nobody',
      (c) => c.crash(undefined as never),
      'crash: node is undefined, but must be the name of a node',
    ],
    [
      'half a cut',
      (c) => c.cutOneWay('a', undefined as never),
      'cut: to is undefined, but must be the name of a node',
    ],
    ['one group', (c) => c.partition(['a', 'b']), 'must be two groups or more'],
    ['a node on both sides', (c) => c.partition(['a', 'b'], ['b', 'c']), 'partition: b is in two groups'],
    [
      'sides without groups',
      (c) => c.partition('a' as never, 'b' as never),
      'partition: groups.0 is "a", but must be',
    ],
    ['more than all', (c) => c.lose(1.5), 'lose: share is 1.5, but must be a share from 0 to 1'],
    [
      'less than nothing',
      (c) => c.duplicate(-0.1),
      'duplicate: share is -0.1, but must be a share from 0 to 1',
    ],
    [
      'a share that is no number',
      (c) => c.lose(Number.NaN),
      'lose: share is NaN, but must be a share from 0 to 1',
    ],
    ['half a direction', (c) => c.lose(0.1, 'a'), 'must have both "from" and "to", or neither'],
    [
      'half a pair',
      (c) => c.delay({ minMs: 1, maxMs: 2 }, 'a'),
      'must have both "from" and "to", or neither',
    ],
    [
      'a time upside down',
      (c) => c.delay({ minMs: 3, maxMs: 2 }),
      'delay: latency is an object, but must have a maxMs',
    ],
    [
      'no spread',
      (c) => c.reorder({ share: 0.1 } as never),
      'reorder: spreadMs is undefined, but must be a number',
    ],
    [
      'an answer that is none',
      (c) => c.answerDials('a', 'deny' as never),
      'must be "allow", "refuse" or "drop"',
    ],
    ['a stall that is no time', (c) => c.stall('a', Number.NaN), 'stall: ms is NaN, but must be a number of'],
    ['a stall for ever', (c) => c.stall(['a', 'b'], Infinity), 'stall: ms is Infinity, but must be finite'],
    ['a half flap', (c) => c.flap('a', 'b', 10, 10, 0.5), 'flap: times is 0.5, but must be an integer'],
    [
      'a clock that is off for ever',
      (c) => c.shiftClock('a', Infinity),
      'shift-clock: ms is Infinity, but must be finite',
    ],
    [
      'metadata that is a list',
      (c) => c.setMetadata('a', [] as never),
      'must be a plain object of what JSON can carry',
    ],
    ['a join of nobody', (c) => c.join('a'), 'join: seeds is an array, but must be one node or more'],
    [
      'a fault that is none',
      (c) => c.apply({ kind: 'crsh', node: 'a' } as never),
      'crsh: kind is "crsh", but must be',
    ],
    ['no fault at all', (c) => c.apply(undefined as never), 'apply: the fault is undefined, but must be'],
  ];

  it.each(wrong)('refuses %s', (_, act, problem) => {
    const driven = cluster();
    expect(() => act(driven)).toThrow(SimulationError);
    expect(() => act(driven)).toThrow(problem);
  });

  it('names a few of many nodes', () => {
    expect(() => simulate({ nodes: 100, seed: 1, start: 'apart' }).node('A')).toThrow('y, z … cv');
  });
});
