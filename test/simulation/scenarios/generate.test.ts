import { describe, expect, it } from '@jest/globals';
import type { Fault } from '../../../src/simulation/scenarios/fault.js';
import { endOf, generateScenario, themes } from '../../../src/simulation/scenarios/generate.js';
import { scenarioFromJson } from '../../../src/simulation/scenarios/scenario-json.js';
import { nodeNames, type Scenario } from '../../../src/simulation/scenarios/scenario.js';
import { namesIn } from '../../../src/simulation/scenarios/simplify-fault.js';

const scenarios = Array.from({ length: 300 }, (_, seed) => generateScenario(seed, { nodes: [5, 64] }));

/** Every kind there is: the compiler holds this list complete. */
const kinds: Readonly<Record<Fault['kind'], true>> = {
  cut: true,
  heal: true,
  partition: true,
  'heal-all': true,
  flap: true,
  lose: true,
  duplicate: true,
  reorder: true,
  delay: true,
  'answer-dials': true,
  crash: true,
  'power-off': true,
  restart: true,
  leave: true,
  pause: true,
  resume: true,
  stall: true,
  'block-io': true,
  suspend: true,
  'shift-clock': true,
  'slow-loop': true,
  'share-address': true,
  'set-metadata': true,
};

describe('a generated scenario', () => {
  it('follows from its seed alone', () => {
    for (const seed of [0, 7, 123_456_789_012]) {
      expect(generateScenario(seed, { nodes: [5, 64] })).toEqual(generateScenario(seed, { nodes: [5, 64] }));
    }
    expect(new Set(scenarios.map((scenario) => JSON.stringify(scenario))).size).toBe(300);
  });

  it('has a size in the range, small ones more often, and both ends are met', () => {
    const sizes = scenarios.map(({ nodes }) => nodes);
    expect(Math.min(...sizes)).toBe(5);
    expect(Math.max(...sizes)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64);
    expect(sizes.filter((size) => size <= 18).length).toBeGreaterThan(100);
    expect(generateScenario(1, { nodes: [9, 9] }).nodes).toBe(9);
    expect(generateScenario(1, { nodes: [2, 2] }).nodes).toBe(2);
  });

  it('is in the order of time, and over before peace comes', () => {
    for (const { schedule, runForMs } of scenarios) {
      expect(schedule.map(({ atMs }) => atMs)).toEqual(
        schedule.map(({ atMs }) => atMs).sort((a, b) => a - b),
      );
      expect(endOf(schedule)).toBeLessThanOrEqual(runForMs);
    }
  });

  it('names only nodes that there are, and whole milliseconds', () => {
    for (const { nodes, schedule } of scenarios) {
      const names = new Set(nodeNames(nodes));
      for (const { atMs, fault } of schedule) {
        expect(namesIn(fault).filter((name) => !names.has(name))).toEqual([]);
        expect(Number.isInteger(atMs) && atMs >= 0).toBe(true);
      }
    }
  });

  it('leaves two nodes at least alive in the end', () => {
    for (const scenario of scenarios) expect(aliveInTheEnd(scenario)).toBeGreaterThanOrEqual(2);
  });

  it('survives a way through JSON', () => {
    for (const scenario of scenarios)
      expect(scenarioFromJson(JSON.stringify(scenario), '--schedule')).toEqual(withoutGaps(scenario));
  });
});

describe('300 seeds', () => {
  it('meet every kind of fault, ten times at least', () => {
    const met = new Map<string, number>();
    for (const { schedule } of scenarios) {
      for (const kind of new Set(schedule.map(({ fault }) => fault.kind)))
        met.set(kind, (met.get(kind) ?? 0) + 1);
    }
    expect(Object.keys(kinds).filter((kind) => (met.get(kind) ?? 0) < 10)).toEqual([]);
  });

  it('meet every theme', () => {
    const met = new Set(scenarios.flatMap((scenario) => scenario.themes));
    expect(Object.keys(themes).filter((theme) => !met.has(theme))).toEqual([]);
  });

  it.each<[string, (scenario: Scenario) => boolean]>([
    ['bytes', ({ options }) => options.wire === true],
    ['few links', ({ options }) => options.maxLinks !== undefined],
    ['the preset wan', ({ options }) => options.preset === 'wan'],
    ['the preset local', ({ options }) => options.preset === 'local'],
    ['a cluster that starts one by one', ({ options }) => options.start === 'one-by-one'],
    ['members that are soon forgotten', ({ options }) => options.swim?.tombstoneMs !== undefined],
    ['a part of the protocol switched off', ({ options }) => options.swim?.components !== undefined],
    ['a fixed K', ({ options }) => options.swim?.capConfirmations === false],
    ['defaults alone', ({ options }) => options.swim === undefined],
  ])('meet %s', (_what, isMet) => {
    expect(scenarios.filter(isMet).length).toBeGreaterThanOrEqual(3);
  });
});

/** A node is alive when its last death is followed by a restart. */
function aliveInTheEnd({ nodes, schedule }: Scenario): number {
  const dead = new Set<string>();
  for (const { fault } of schedule) {
    if (fault.kind === 'crash' || fault.kind === 'power-off' || fault.kind === 'leave') dead.add(fault.node);
    if (fault.kind === 'restart') dead.delete(fault.node);
  }
  return nodes - dead.size;
}

/** JSON has no `undefined`. */
function withoutGaps({ options, ...scenario }: Scenario) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...scenario, options: Object.fromEntries(given) };
}
