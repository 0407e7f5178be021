import { describe, expect, it } from '@jest/globals';
import { describeCluster, describeSchedule } from '../../../src/simulation/scenarios/describe.js';
import { generateScenario } from '../../../src/simulation/scenarios/generate.js';

describe('a schedule for people', () => {
  it('has one line per fault, with its time in seconds', () => {
    expect(
      describeSchedule([
        { atMs: 0, fault: { kind: 'partition', groups: [['a', 'b'], ['c']] } },
        { atMs: 1500, fault: { kind: 'lose', share: 0.125, from: 'a', to: 'b' } },
        { atMs: 61_005, fault: { kind: 'delay', latency: { minMs: 1, maxMs: 9, shape: 'exponential' } } },
      ]),
    ).toBe(
      [
        '     0.000 s  partition a b | c',
        '     1.500 s  lose 12.5 % a → b',
        '    61.005 s  delay 1 to 9 ms (exponential) everywhere',
      ].join('\n'),
    );
  });

  it('knows every fault that is ever drawn', () => {
    for (let seed = 0; seed < 100; seed++) {
      const { schedule } = generateScenario(seed, { nodes: [5, 12] });
      const lines = schedule.length === 0 ? [] : describeSchedule(schedule).split('\n');
      expect(lines).toHaveLength(schedule.length);
      expect(lines.filter((line) => /undefined|\[object/.test(line))).toEqual([]);
    }
  });

  it('says what the cluster is', () => {
    const cluster = {
      nodes: 5,
      options: { preset: 'wan', wire: undefined },
      themes: ['loss'],
      runForMs: 9000,
    } as const;
    expect(describeCluster({ ...cluster, seed: 1, schedule: [], settleWithinMs: 1 })).toBe(
      '5 nodes, preset "wan"; peace at 9.000 s; about loss',
    );
  });
});
