import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { ClusterNode } from '../../../src/cluster/node.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import { MemoryPipe } from '../../../src/transport/memory/memory-pipe.js';
import { longestProbeMs } from '../../../src/simulation/invariants/bounds.js';
import { SESSION_PATHS } from '../../../src/simulation/invariants/sometimes.js';
import { generateNodeScenario, type NodeScenario } from '../../../src/simulation/nodes/node-scenario.js';
import { runNodeScenario, runNodeSchedule } from '../../../src/simulation/nodes/run-node-scenario.js';
import { defects, LosesAnswers, NeverCloses, PausesItsReader } from './planted-defects.js';

const SEEDS = 4;
/** Follows from the commit, as that of the property tests: see test/support/property-seed.ts. */
const first = (fc.readConfigureGlobal().seed ?? 1) >>> 0;

/** `npm run simulate -- --seed SEED --kind nodes` shows one of them, and shrinks it. */
describe('whole nodes, at random', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => first + i))('keep every rule (seed %i)', async (seed) => {
    const { violation } = await runNodeScenario(seed);
    expect(violation).toBeUndefined();
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

describe('a node that stands still for so long that it counts as unreachable', () => {
  it('has no second window for what slow handlers still hold, and waits for no answer that is lost', async () => {
    const { violation } = await runNodeSchedule({
      kind: 'nodes',
      seed: 100,
      nodes: 3,
      schedule: [
        { atMs: 38_000, fault: { kind: 'pause', node: 'c' } },
        { atMs: 47_000, fault: { kind: 'resume', node: 'c' } },
      ],
      runForMs: 48_000,
      settleWithinMs: 300_000,
      options: {
        latency: { minMs: 0.5, maxMs: 0.5 },
        limits: { windowMessages: 13 },
        traffic: {
          meanGapMs: 200,
          slowShare: 0.5,
          slowMs: 6000,
          largeShare: 0,
          burstShare: 0.15,
          reader: false,
        },
      },
    });
    expect(violation).toBeUndefined();
  });
});

/** Nothing is wrong with the network: whatever is found was planted. */
const quiet: NodeScenario = {
  kind: 'nodes',
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

/** One is cut off until the others have given it up and forgotten its sessions, while it still waits for them. */
const forgetful: NodeScenario = {
  ...quiet,
  schedule: [
    { atMs: 5000, fault: { kind: 'partition', groups: [['a'], ['b', 'c']] } },
    { atMs: 12_000, fault: { kind: 'heal-all' } },
  ],
  options: { ...quiet.options, limits: { ...quiet.options.limits, lostSessions: 0 } },
  settleWithinMs: 100_000,
};

describe('interesting paths', () => {
  it('are counted, and so are the faults that led there', async () => {
    const { violation, sometimes, faults } = await runNodeSchedule({
      ...forgetful,
      schedule: [
        { atMs: 500, fault: { kind: 'lose', share: 0.05 } },
        { atMs: 4000, fault: { kind: 'heal-all' } },
        ...forgetful.schedule,
      ],
    });
    expect(violation).toBeUndefined();
    expect(Object.keys(sometimes).sort()).toEqual([...SESSION_PATHS].sort());
    expect(Object.entries(sometimes).filter(([, times]) => times === 0)).toEqual([]);
    expect(faults).toEqual({ lose: 1, 'heal-all': 2, partition: 1 });
  });
});

describe('the calm of whole nodes', () => {
  it('lasts until the probes from before have ended, since they may undo an agreement, and longer', async () => {
    const lines: string[] = [];
    const { violation, stats } = await runNodeSchedule(quiet, { onTrace: (line) => lines.push(line) });
    expect(violation).toBeUndefined();
    const calmMs = Number.parseFloat(lines.find((line) => line.endsWith(' calm'))!);
    expect(stats.virtualMs - calmMs).toBeGreaterThan(longestProbeMs(resolveSwimOptions()) + 5000);
  });
});

describe('nodes that come late', () => {
  it('are not there before the first restart, and the others find them', async () => {
    const lines: string[] = [];
    const schedule = [
      { atMs: 1000, fault: { kind: 'crash', node: 'd' } },
      { atMs: 8000, fault: { kind: 'restart', node: 'd' } },
    ] as const;
    const scenario = { ...quiet, nodes: 4, late: ['d', 'e'], schedule };
    const { violation, faults } = await runNodeSchedule(scenario, { onTrace: (line) => lines.push(line) });
    expect(violation).toBeUndefined();
    // There was nobody who could crash.
    expect(faults).toEqual({ restart: 1 });
    const joined = lines.filter((line) => / joined d /.test(line)).map((line) => Number.parseFloat(line));
    expect(joined.length).toBe(3);
    expect(Math.min(...joined)).toBeGreaterThan(8000);
    expect(lines.some((line) => / joined e /.test(line))).toBe(false);
  });
});

describe('the checks of whole nodes', () => {
  afterEach(() => void jest.restoreAllMocks());

  /** Nobody sends anything before all are asked at the end. */
  const silent: NodeScenario = {
    ...quiet,
    options: { ...quiet.options, traffic: { ...quiet.options.traffic, meanGapMs: 1e9 } },
  };

  it('find that nobody is answered in the calm', async () => {
    expect((await runNodeSchedule(silent)).violation).toBeUndefined();
    const { violation } = await runNodeSchedule(silent, { spoil: (inner) => new LosesAnswers(inner) });
    expect(violation).toMatchObject({ invariant: 'answers', message: expect.stringContaining('no answer') });
  });

  it('find links that survive their node', async () => {
    const { violation } = await runNodeSchedule(silent, { spoil: (inner) => new NeverCloses(inner) });
    expect(violation).toMatchObject({
      invariant: 'leak',
      message: expect.stringMatching(/links of \w have/),
    });
  });

  it('find a link that was closed since its peer broke the rules of the session', async () => {
    const send = MemoryPipe.prototype.send;
    let data = 0;
    jest.spyOn(MemoryPipe.prototype, 'send').mockImplementation(function (this: MemoryPipe, frame) {
      // One frame in the middle of the stream is left out.
      return frame.type === 'data' && ++data === 40 ? 0 : send.call(this, frame);
    });
    const { violation } = await runNodeSchedule(quiet);
    expect(violation).toMatchObject({
      invariant: 'session-rules',
      message: expect.stringContaining('"sequence-gap"'),
    });
  });

  const leaving: NodeScenario = {
    ...quiet,
    schedule: [{ atMs: 9000, fault: { kind: 'leave', node: 'b' } }],
    options: {
      ...quiet.options,
      drains: true,
      traffic: { ...quiet.options.traffic, slowShare: 1, slowMs: 3000 },
    },
  };

  it('find a node that says that it has drained, and has not', async () => {
    expect((await runNodeSchedule(leaving)).violation).toBeUndefined();
    jest.spyOn(ClusterNode.prototype, 'drain').mockResolvedValue();
    expect((await runNodeSchedule(leaving)).violation?.invariant).toBe('drain');
  });

  it('find a requestAny that asks another one when it cannot be sure of the first', async () => {
    const { request } = ClusterNode.prototype;
    jest.spyOn(ClusterNode.prototype, 'requestAny').mockImplementation(async function (
      this: ClusterNode,
      pattern: string,
      data: unknown,
      options,
    ) {
      for (const member of this.activeMembers) {
        if (member.id !== this.local.id) await request.call(this, member, pattern, data, options);
      }
      return data;
    });
    const { violation } = await runNodeSchedule(quiet);
    expect(violation).toMatchObject({ invariant: 'certainty', message: expect.stringContaining('(try of ') });
  });

  it('find metadata of which not all have heard', async () => {
    jest.spyOn(ClusterNode.prototype, 'updateMetadata').mockImplementation(async function (
      this: ClusterNode,
    ) {
      Object.defineProperty(this, 'local', {
        value: Object.create(this.local, { metadata: { value: { a: 1 } } }),
      });
      return {};
    });
    const schedule = [{ atMs: 10, fault: { kind: 'set-metadata', node: 'b', metadata: {} } }] as const;
    const { violation } = await runNodeSchedule({ ...silent, schedule, settleWithinMs: 5000 });
    expect(violation?.invariant).toBe('14');
  });

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
