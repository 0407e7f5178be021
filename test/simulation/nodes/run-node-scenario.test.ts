import { describe, expect, it } from '@jest/globals';
import { SESSION_PATHS } from '../../../src/simulation/invariants/sometimes.js';
import { generateNodeScenario, type NodeScenario } from '../../../src/simulation/nodes/node-scenario.js';
import { runNodeScenario, runNodeSchedule } from '../../../src/simulation/nodes/run-node-scenario.js';
import { defects, PausesItsReader } from './planted-defects.js';

const FIRST_SEED = Number(process.env['NODE_SEED'] ?? 1);
const SEEDS = Number(process.env['NODE_SEEDS'] ?? 4);
const seeds = Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i);

describe('whole nodes, at random', () => {
  const seen: Record<string, number> = {};

  it.each(seeds)('keep every rule (NODE_SEED=%i)', async (seed) => {
    const { violation, sometimes } = await runNodeScenario(seed);
    expect(violation).toBeUndefined();
    for (const [what, times] of Object.entries(sometimes)) seen[what] = (seen[what] ?? 0) + times;
  });

  it('go where it is interesting', () => {
    expect(Object.keys(seen).sort()).toEqual([...SESSION_PATHS].sort());
    expect(Object.entries(seen).filter(([, times]) => times === 0)).toEqual([]);
  });

  it('do the same for the same seed, byte for byte', async () => {
    const trace = async (seed: number): Promise<string[]> => {
      const lines: string[] = [];
      const scenario = { ...generateNodeScenario(seed, { nodes: [4, 4] }), runForMs: 12_000 };
      const { traceHash } = await runNodeSchedule(scenario, { onTrace: (line) => lines.push(line) });
      return [traceHash, ...lines];
    };
    const first = await trace(3);
    expect(first.length).toBeGreaterThan(20);
    expect(await trace(3)).toEqual(first);
    expect((await trace(4))[0]).not.toBe(first[0]);
  });
});

describe('a scenario of whole nodes', () => {
  it('follows from its seed, and has the size that is asked for', () => {
    expect(generateNodeScenario(9)).toEqual(generateNodeScenario(9));
    expect(generateNodeScenario(9)).not.toEqual({ ...generateNodeScenario(10), seed: 9 });
    for (let seed = 1; seed <= 50; seed++) {
      const { nodes, schedule, runForMs } = generateNodeScenario(seed, { nodes: [4, 5] });
      expect([4, 5]).toContain(nodes);
      expect(schedule.map(({ atMs }) => atMs)).toEqual(
        schedule.map(({ atMs }) => atMs).sort((a, b) => a - b),
      );
      expect(runForMs).toBeGreaterThanOrEqual(30_000);
      expect(runForMs).toBeLessThanOrEqual(120_000);
    }
  });

  it('stays valid when faults are taken out of it, as shrinking does', async () => {
    const scenario = generateNodeScenario(5, { nodes: [3, 3] });
    expect(scenario.schedule.length).toBeGreaterThan(3);
    for (const offset of [0, 1]) {
      const schedule = scenario.schedule.filter((_, i) => i % 2 === offset);
      const { violation } = await runNodeSchedule({ ...scenario, schedule, runForMs: 15_000 });
      expect(violation).toBeUndefined();
    }
  });
});

/** Nothing is wrong with the network: whatever is found was planted. */
const quiet: NodeScenario = {
  seed: 1,
  nodes: 3,
  schedule: [],
  runForMs: 15_000,
  settleWithinMs: 40_000,
  options: {
    latency: { minMs: 0.5, maxMs: 2 },
    limits: { windowMessages: 8 },
    traffic: {
      meanGapMs: 60,
      slowShare: 0.1,
      slowMs: 200,
      largeShare: 0.001,
      burstShare: 0.05,
      reader: false,
    },
  },
};

describe('the checks of whole nodes', () => {
  it('find nothing where nothing is wrong', async () => {
    const { violation, stats } = await runNodeSchedule(quiet);
    expect(violation).toBeUndefined();
    expect(stats.messages).toBeGreaterThan(500);
  });

  it.each(defects)('find a transport that %s (%s)', async (_, word, spoil) => {
    const { violation } = await runNodeSchedule(quiet, { spoil });
    expect(violation?.invariant).toBe(word);
  });

  it('find nodes that wait for each other for ever, since their readers pause instead of credit being held back', async () => {
    const { violation } = await runNodeSchedule(quiet, { spoilInbox: (inner) => new PausesItsReader(inner) });
    expect(violation?.invariant).toBe('settles');
    expect(violation?.message).toContain('although the cluster is calm');
  });
});
