import { describe, expect, it } from '@jest/globals';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import type { Check } from '../../../src/simulation/invariants/check.js';
import { violated } from '../../../src/simulation/invariants/violation.js';
import type { Fault } from '../../../src/simulation/scenarios/fault.js';
import { generateScenario } from '../../../src/simulation/scenarios/generate.js';
import { runScenario } from '../../../src/simulation/scenarios/run-scenario.js';
import { scenarioFromJson } from '../../../src/simulation/scenarios/scenario-json.js';
import type { Scenario } from '../../../src/simulation/scenarios/scenario.js';

const quiet: Scenario = {
  seed: 5,
  nodes: 4,
  themes: [],
  options: {},
  schedule: [],
  runForMs: 5000,
  settleWithinMs: 60_000,
};

function scheduled(...faults: readonly (readonly [number, Fault])[]): Scenario {
  return { ...quiet, schedule: faults.map(([atMs, fault]) => ({ atMs, fault })), runForMs: 60_000 };
}

describe('a scenario', () => {
  it('gives the same trace each time, and another with another seed', () => {
    const scenario = generateScenario(4, { nodes: [5, 8] });
    const result = runScenario(scenario);
    expect(runScenario(scenario)).toEqual(result);
    expect(runScenario({ ...scenario, seed: 5 }).traceHash).not.toBe(result.traceHash);
  });

  it('is the same when somebody reads its trace', () => {
    const scenario = generateScenario(9, { nodes: [5, 8] });
    const lines: string[] = [];
    const traced = runScenario(scenario, { onTrace: (line) => lines.push(line) });
    expect(traced).toEqual(runScenario(scenario));
    expect(lines.length).toBeGreaterThan(100);
  });

  it('counts what was done and which paths were taken', () => {
    const { ok, sometimes, stats } = runScenario(scheduled([1000, { kind: 'crash', node: 'b' }]));
    expect(ok).toBe(true);
    expect(sometimes).toMatchObject({ 'suspected and unreachable': expect.any(Number) });
    expect(stats.virtualMs).toBeGreaterThan(60_000);
    expect(stats.inputs).toBeGreaterThan(500);
    expect(stats.messages).toBeGreaterThan(200);
  });

  it('heals everything and releases everybody when peace comes', () => {
    const { violation } = runScenario(
      scheduled(
        [0, { kind: 'cut', from: 'a', to: 'b' }],
        [0, { kind: 'lose', share: 1, from: 'b', to: 'c' }],
        [0, { kind: 'pause', node: 'c' }],
        [0, { kind: 'slow-loop', node: 'd', callbackMs: 40 }],
        [0, { kind: 'answer-dials', node: 'd', rule: 'drop' }],
      ),
    );
    expect(violation).toBeUndefined();
  });

  it('goes on when a fault makes no sense', () => {
    const { violation } = runScenario(
      scheduled(
        [0, { kind: 'crash', node: 'z' }],
        [0, { kind: 'crash', node: 'b' }],
        [1, { kind: 'crash', node: 'b' }],
        [2, { kind: 'resume', node: 'b' }],
        [3, { kind: 'heal', from: 'a', to: 'a' }],
      ),
    );
    expect(violation).toBeUndefined();
  });

  it('tells which rule was broken, and when', () => {
    const check: Check<SwimMessage> = {
      fault: ({ kind }) => (kind === 'leave' ? violated(6, { name: 'b' }, 'did it') : undefined),
    };
    const scenario = scheduled([2000, { kind: 'leave', node: 'b' }]);
    const { ok, violation } = runScenario(scenario, { checks: [check] });
    expect(ok).toBe(false);
    expect(violation).toMatchObject({ invariant: '6', message: 'Invariant 6 is broken: b did it' });
    expect(violation!.atMs).toBeGreaterThanOrEqual(2000);
    expect(violation!.atMs).toBeLessThan(10_000);
  });

  it('breaks rule 14 when agreement does not come in time', () => {
    const { violation } = runScenario({
      ...scheduled([0, { kind: 'power-off', node: 'b' }]),
      runForMs: 1,
      settleWithinMs: 2000,
    });
    expect(violation?.invariant).toBe('14');
  });

  it('looks when the probes from before peace have ended: they may fail long after it', () => {
    const lines: string[] = [];
    const lossy: Scenario = {
      ...scheduled([52_000, { kind: 'lose', share: 1 }]),
      nodes: 12,
      // Without gossip a suspicion waits for the next ping to its subject.
      options: {
        swim: { probeIntervalMs: 15_000, probeTimeoutMs: 3000, maxLocalHealth: 0, gossipFanout: 0 },
      },
      settleWithinMs: 600_000,
    };
    const { violation } = runScenario(lossy, { onTrace: (line) => lines.push(line) });
    expect(violation).toBeUndefined();
    const peace = lines.findIndex((line) => line.includes('heal-all'));
    expect(lines.slice(peace).some((line) => line.includes('suspected'))).toBe(true);
  });

  it('names an exception that no rule speaks of by its class', () => {
    const check: Check<SwimMessage> = {
      fault: () => {
        throw new RangeError('too far');
      },
    };
    const { violation } = runScenario(scheduled([0, { kind: 'heal-all' }]), { checks: [check] });
    expect(violation).toMatchObject({ invariant: 'RangeError', message: 'too far' });
  });
});

/** As a hand may have edited it. */
function withFault(fault: Fault, atMs = 5): string {
  const crash: Fault = { kind: 'crash', node: 'a' };
  return JSON.stringify({
    ...quiet,
    nodes: 4,
    schedule: [
      { atMs: 1, fault: crash },
      { atMs, fault },
    ],
  });
}

function withSwim(swim: object): string {
  return JSON.stringify({ ...quiet, options: { swim } });
}

describe('a saved scenario', () => {
  it('replays to the same result', () => {
    for (const seed of [3, 19]) {
      const scenario = generateScenario(seed, { nodes: [5, 8] });
      const saved = scenarioFromJson(JSON.stringify(scenario, undefined, 2), '--schedule');
      expect(runScenario(saved)).toEqual(runScenario(scenario));
    }
  });

  it('may be written by hand, in any order and without the rest', () => {
    const text = JSON.stringify({
      seed: 1,
      nodes: 3,
      schedule: [
        { atMs: 2000, fault: { kind: 'restart', node: 'b' } },
        { atMs: 1000, fault: { kind: 'crash', node: 'b' } },
      ],
      runForMs: 3000,
      settleWithinMs: 60_000,
    });
    const scenario = scenarioFromJson(text, '--schedule');
    expect(scenario.schedule.map(({ atMs }) => atMs)).toEqual([1000, 2000]);
    expect(runScenario(scenario).ok).toBe(true);
  });

  it.each([
    ['{', /"--schedule" holds no JSON/],
    ['[]', /holds no scenario/],
    ['{"seed": 1}', /holds no scenario: nodes is undefined, but must be an integer from 1 to 5000/],
    [
      JSON.stringify({ ...quiet, schedule: [{ atMs: 1, fault: { kind: 'explode', node: 'a' } }] }),
      /holds no scenario: schedule\.0\.fault\.kind is "explode"/,
    ],
    [
      JSON.stringify({ ...quiet, schedule: [{ atMs: 1, fault: { kind: 'lose', share: 3 } }] }),
      /schedule\.0\.fault\.share is 3, but must be a share from 0 to 1/,
    ],
    [JSON.stringify({ ...quiet, options: { present: 'lan' } }), /options\.present is not .*"preset"/],
    [JSON.stringify({ ...quiet, nodes: 1e9 }), /nodes is 1000000000, but must be an integer from 1 to 5000/],
    [withSwim({ probeIntervalMs: 0 }), /options\.swim\.probeIntervalMs is 0, but must be/],
    [withSwim({ probeIntervalMS: 9 }), /options\.swim\.probeIntervalMS .* did you mean "probeIntervalMs"/],
    [withSwim({ probeTimeoutMs: 5000 }), /"--schedule" .*"swim\.probeTimeoutMs" is 5000, but must be below/],
    [withFault({ kind: 'crash', node: 'q' }), /schedule\.1: no node is called q; the 4 nodes are a to d/],
    [withFault({ kind: 'cut', from: 'a', to: 'a' }), /schedule\.1: cut needs two nodes, not a twice/],
    [withFault({ kind: 'partition', groups: [['a'], ['b', 'a']] }), /schedule\.1: .*a is in two groups/],
    [withFault({ kind: 'partition', groups: [['a', 'b']] }), /must be two groups or more/],
    [
      withFault({ kind: 'heal-all' }, quiet.runForMs + 1),
      /never happens: schedule\.1: atMs is \d+, but the run ends at \d+/,
    ],
  ])('is refused with the place of its mistake: %s', (text, message) => {
    expect(() => scenarioFromJson(text, '--schedule')).toThrow(message);
  });
});
