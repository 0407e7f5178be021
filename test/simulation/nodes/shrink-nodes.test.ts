import { beforeAll, describe, expect, it } from '@jest/globals';
import type { NodeScenario } from '../../../src/simulation/nodes/node-scenario.js';
import { describeNodes, generateNodeScenario } from '../../../src/simulation/nodes/node-scenario.js';
import { nodeScenarioFromJson } from '../../../src/simulation/nodes/node-scenario-json.js';
import { nodeShrinks } from '../../../src/simulation/nodes/node-shrinks.js';
import { runNodeSchedule } from '../../../src/simulation/nodes/run-node-scenario.js';
import { Random } from '../../../src/simulation/random.js';
import type { Fault, ScheduledFault } from '../../../src/simulation/scenarios/fault.js';
import type { ScenarioResult } from '../../../src/simulation/scenarios/scenario-result.js';
import { shrink, type Shrunk } from '../../../src/simulation/scenarios/shrink.js';
import { GarblesTheRestarted } from './planted-defects.js';

/** A transport with a defect that shows only when somebody is restarted. */
function run(scenario: NodeScenario): Promise<ScenarioResult> {
  const names = new Map<string, string>();
  return runNodeSchedule(scenario, {
    onTrace: (line) => {
      const [, name, id] = /^\S+ \w+ joined (\w+) (\w+)/.exec(line) ?? [];
      if (id !== undefined) names.set(id, name!);
    },
    spoil: (inner) => new GarblesTheRestarted(inner, (id) => names.get(id)),
  });
}

/** Twenty-nine faults that do not matter, and one that does. */
function thirtyFaults(): NodeScenario {
  const random = new Random(5);
  const anyone = (): string => random.pick(['a', 'b', 'c', 'd', 'e']);
  const noise: readonly (() => Fault)[] = [
    () => ({ kind: 'stall', node: anyone(), ms: 50 + random.int(300) }),
    () => ({ kind: 'cut', from: anyone(), to: anyone() }),
    () => ({ kind: 'heal-all' }),
    () => ({ kind: 'lose', share: 0.01 }),
    () => ({ kind: 'shift-clock', node: anyone(), ms: 5000 }),
  ];
  const schedule: ScheduledFault[] = Array.from({ length: 29 }, () => ({
    atMs: random.int(9000),
    fault: random.pick(noise)(),
  }));
  schedule.push({ atMs: 4321, fault: { kind: 'restart', node: 'b' } });
  schedule.sort((a, b) => a.atMs - b.atMs);
  return {
    kind: 'nodes',
    seed: 1,
    nodes: 5,
    late: ['e'],
    options: {
      latency: { minMs: 0.1, maxMs: 20 },
      wire: true,
      limits: { windowMessages: 8, windowBytes: 65_536 },
      traffic: {
        meanGapMs: 200,
        slowShare: 0.1,
        slowMs: 200,
        largeShare: 0,
        burstShare: 0.05,
        reader: true,
      },
      drains: true,
    },
    schedule,
    runForMs: 12_000,
    settleWithinMs: 60_000,
  };
}

describe('a defect of the transport that needs exactly one fault', () => {
  const scenario = thirtyFaults();
  let result: ScenarioResult;
  let shrunk: Shrunk<NodeScenario>;

  beforeAll(async () => {
    result = await run(scenario);
    shrunk = await shrink(scenario, result, { ...nodeShrinks, run });
  });

  it('is found', () => {
    expect(scenario.schedule).toHaveLength(30);
    expect(result.violation?.invariant).toBe('content');
  });

  it('is shrunk to that one of thirty', () => {
    expect(shrunk.scenario.schedule.map(({ fault }) => fault)).toEqual([{ kind: 'restart', node: 'b' }]);
    expect(shrunk.result.violation?.invariant).toBe('content');
    expect(shrunk.attempts).toBeLessThan(120);
  });

  it('with fewer nodes, less traffic, plainer options and a shorter run', () => {
    const { nodes, late, options, runForMs } = shrunk.scenario;
    expect(nodes).toBeLessThan(4);
    expect(late).toBeUndefined();
    expect(options).toMatchObject({
      latency: { minMs: 0.5, maxMs: 0.5 },
      limits: {},
      traffic: { slowShare: 0, burstShare: 0, reader: false },
    });
    expect([options.wire, options.drains]).toEqual([undefined, undefined]);
    expect(options.traffic.meanGapMs).toBeGreaterThan(200);
    expect(runForMs).toBeLessThan(12_000);
  });

  it('and what was saved replays the same violation', async () => {
    const saved = nodeScenarioFromJson(JSON.stringify(shrunk.scenario, undefined, 2), '--schedule');
    expect(await run(saved)).toEqual(shrunk.result);
  });

  it('and is told in one line', () => {
    expect(describeNodes(scenario)).toMatch(
      /^5 whole nodes, e late, frames take 0.1 to 20 ms as bytes, who leaves drains, .* calm at 12.000 s$/,
    );
  });
});

describe('a saved scenario of whole nodes', () => {
  it('is what was drawn, whatever the seed', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const scenario = generateNodeScenario(seed);
      const saved = nodeScenarioFromJson(JSON.stringify(scenario), '--schedule');
      expect(JSON.stringify(saved.schedule)).toBe(JSON.stringify(scenario.schedule));
      expect(saved).toEqual(JSON.parse(JSON.stringify(scenario)));
    }
  });

  const drawn = generateNodeScenario(1);
  function withFault(fault: Fault, atMs = 0): string {
    return JSON.stringify({ ...drawn, schedule: [{ atMs, fault }] });
  }
  it.each([
    ['no JSON', '{', /"--schedule" holds no JSON/],
    ['another kind', JSON.stringify({ ...drawn, kind: 'node' }), /holds no scenario: kind/],
    ['no name', JSON.stringify({ ...drawn, late: ['7'] }), /late\.0 is "7", but must be a name of a node/],
    [
      'no limit',
      JSON.stringify({ ...drawn, options: { ...drawn.options, limits: { window: 3 } } }),
      /options\.limits/,
    ],
    [
      'too many nodes',
      JSON.stringify({ ...drawn, nodes: 1e9 }),
      /nodes is 1000000000, but must be an integer/,
    ],
    [
      'nothing to nodes',
      withFault({ kind: 'duplicate', share: 1 }),
      /schedule\.0: duplicate does nothing to/,
    ],
    [
      'nothing either',
      withFault({ kind: 'block-io', node: 'a', ms: 5 }),
      /block-io does nothing to whole nodes/,
    ],
    ['a stranger', withFault({ kind: 'crash', node: 'zz' }), /schedule\.0: no node is called zz/],
    ['one node twice', withFault({ kind: 'cut', from: 'a', to: 'a' }), /cut needs two nodes, not a twice/],
    [
      'too late',
      withFault({ kind: 'heal-all' }, drawn.runForMs + 1),
      /schedule\.0: atMs is \d+, but the run/,
    ],
    [
      'no share',
      JSON.stringify({
        ...drawn,
        options: { ...drawn.options, traffic: { ...drawn.options.traffic, slowShare: 2 } },
      }),
      /options\.traffic\.slowShare is 2, but must be a share from 0 to 1/,
    ],
  ])('is refused with the place of its mistake: %s', (_, text, message) => {
    expect(() => nodeScenarioFromJson(text, '--schedule')).toThrow(message);
  });
});
