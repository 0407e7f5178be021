import { describe, expect, it } from '@jest/globals';
import type { MembershipEvent } from '../../../src/membership/membership.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import { Random } from '../../../src/simulation/random.js';
import type { Fault, ScheduledFault } from '../../../src/simulation/scenarios/fault.js';
import { runScenario } from '../../../src/simulation/scenarios/run-scenario.js';
import type { ScenarioResult } from '../../../src/simulation/scenarios/scenario-result.js';
import { nodeNames, type Scenario } from '../../../src/simulation/scenarios/scenario.js';
import { protocolShrinks, shrink, type Shrunk } from '../../../src/simulation/scenarios/shrink.js';
import { Simulation } from '../../../src/simulation/simulation.js';
import type { SimulateOptions } from '../../../src/simulation/simulate.js';

/** SWIM with a defect: whoever has stalled for long and changes its metadata then tells of itself what makes no sense. */
class Defective extends Swim {
  #hasStalled = false;

  constructor(
    parameters: ConstructorParameters<typeof Swim>[0],
    local: ConstructorParameters<typeof Swim>[1],
    readonly around: ConstructorParameters<typeof Swim>[2],
  ) {
    super(parameters, local, around);
  }

  override stalled(ms: number): void {
    this.#hasStalled ||= ms >= 1000;
    super.stalled(ms);
  }

  override setMetadata(metadata: Parameters<Swim['setMetadata']>[0]): void {
    super.setMetadata(metadata);
    if (!this.#hasStalled) return;
    const event: MembershipEvent = {
      type: 'recovered',
      member: this.local,
      view: this.view.members,
    } as never;
    this.around.emit(event);
  }
}

function startDefective({ preset, swim, ...options }: SimulateOptions): Simulation<SwimMessage> {
  const parameters = resolveSwimOptions(preset, swim);
  return new Simulation<SwimMessage>({
    ...options,
    protocol: (local, world) => new Defective(parameters, local, world),
    wire: undefined,
  });
}

const run = (scenario: Scenario): ScenarioResult => runScenario(scenario, { start: startDefective });

/** Twenty-eight faults that do not matter, and two that do. */
function thirtyFaults(seed: number): Scenario {
  const random = new Random(seed);
  const others = nodeNames(8).filter((name) => name !== 'c');
  const noise: readonly (() => Fault)[] = [
    () => ({ kind: 'stall', node: random.pick(others), ms: 50 + random.int(900) }),
    () => ({ kind: 'cut', from: random.pick(others), to: random.pick(others) }),
    () => ({ kind: 'heal-all' }),
    () => ({ kind: 'lose', share: 0.1 }),
    () => ({ kind: 'crash', node: 'h' }),
    () => ({ kind: 'restart', node: 'h' }),
  ];
  const schedule: ScheduledFault[] = Array.from({ length: 28 }, () => ({
    atMs: random.int(12_000),
    fault: random.pick(noise)(),
  }));
  schedule.push({ atMs: 4321, fault: { kind: 'stall', node: 'c', ms: 3000 } });
  schedule.push({ atMs: 9654, fault: { kind: 'set-metadata', node: 'c', metadata: { zone: 'x' } } });
  schedule.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    nodes: 8,
    themes: ['noise'],
    options: { preset: 'lan', wire: undefined, start: 'together', swim: { maxPageBytes: 4096 } },
    schedule,
    runForMs: 15_000,
    settleWithinMs: 120_000,
  };
}

describe('a defect that needs exactly two faults', () => {
  const scenario = thirtyFaults(1);
  const result = run(scenario);
  let shrunk: Shrunk<Scenario>;

  it('is found', () => {
    expect(scenario.schedule).toHaveLength(30);
    expect(result.violation?.invariant).toBe('9');
  });

  it('is shrunk to those two out of thirty', async () => {
    shrunk = await shrink(scenario, result, { ...protocolShrinks, run });
    expect(shrunk.scenario.schedule.map(({ fault }) => fault.kind)).toEqual(['stall', 'set-metadata']);
    expect(shrunk.scenario.schedule.every(({ fault }) => 'node' in fault && fault.node === 'c')).toBe(true);
    expect(shrunk.result.violation?.invariant).toBe('9');
    expect(shrunk.attempts).toBeLessThan(150);
  });

  it('with fewer nodes, plainer options, smaller faults and a shorter run', () => {
    const { nodes, options, schedule, runForMs } = shrunk.scenario;
    expect(nodes).toBe(3);
    expect(Object.values(options).filter((option) => option !== undefined)).toEqual([]);
    // 3000 halved once; halved once more, the defect does not show.
    expect(schedule[0]!.fault).toMatchObject({ kind: 'stall', ms: 1500 });
    expect(schedule.map(({ atMs }) => atMs % 1000)).toEqual([0, 0]);
    expect(runForMs).toBeLessThan(12_000);
  });

  it('and what is left replays', () => {
    expect(run(JSON.parse(JSON.stringify(shrunk.scenario)) as Scenario)).toEqual(shrunk.result);
  });

  it('the same way each time', async () => {
    expect(await shrink(scenario, result, { ...protocolShrinks, run })).toEqual(shrunk);
  });

  it('and what is minimal stays', async () => {
    const again = await shrink(shrunk.scenario, shrunk.result, { ...protocolShrinks, run });
    expect(again.scenario).toEqual(shrunk.scenario);
  });
});

describe('shrinking', () => {
  /** A rule that is broken when the schedule holds these faults, without a simulation. */
  const brokenBy =
    (...needed: readonly string[]) =>
    ({ seed, schedule }: Scenario): ScenarioResult => {
      const kinds = schedule.map(({ fault }) => fault.kind as string);
      const isBroken = needed.every((kind) => kinds.includes(kind));
      return {
        seed,
        ok: !isBroken,
        violation: isBroken ? { invariant: '14', message: 'Invariant 14 is broken', atMs: 1 } : undefined,
        traceHash: '',
        sometimes: {},
        faults: {},
        stats: { virtualMs: 0, inputs: 0, messages: 0 },
      };
    };

  it('ends with nothing when nothing is needed', async () => {
    const scenario = thirtyFaults(2);
    const shrunk = await shrink(scenario, brokenBy()(scenario), { ...protocolShrinks, run: brokenBy() });
    expect(shrunk.scenario.schedule).toEqual([]);
    expect(shrunk.scenario.nodes).toBe(2);
  });

  it('does not take another rule for the same', async () => {
    const scenario = thirtyFaults(3);
    const elsewise = (candidate: Scenario): ScenarioResult => {
      const result = brokenBy()(candidate);
      if (candidate.schedule.length === scenario.schedule.length) return result;
      return { ...result, violation: { ...result.violation!, invariant: '5' } };
    };
    const shrunk = await shrink(scenario, elsewise(scenario), { ...protocolShrinks, run: elsewise });
    expect(shrunk.scenario.schedule).toHaveLength(30);
  });

  it('stops after so many attempts, and tells of each', async () => {
    const scenario = thirtyFaults(4);
    const told: number[] = [];
    const only = brokenBy('set-metadata', 'stall');
    const shrunk = await shrink(scenario, only(scenario), {
      ...protocolShrinks,
      run: only,
      maxAttempts: 7,
      onProgress: (attempts) => told.push(attempts),
    });
    expect(shrunk.attempts).toBe(7);
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('leaves alone what breaks no rule', async () => {
    const scenario = thirtyFaults(5);
    const fine = brokenBy('block-io');
    expect(await shrink(scenario, fine(scenario), { ...protocolShrinks, run: fine })).toMatchObject({
      scenario,
      attempts: 0,
    });
  });

  it('takes nodes out of a partition that the fault can do without', async () => {
    const scenario: Scenario = {
      ...thirtyFaults(6),
      schedule: [
        {
          atMs: 0,
          fault: {
            kind: 'partition',
            groups: [
              ['a', 'c', 'e'],
              ['b', 'd', 'f', 'g', 'h'],
            ],
          },
        },
      ],
    };
    const only = brokenBy('partition');
    const shrunk = await shrink(scenario, only(scenario), { ...protocolShrinks, run: only });
    expect(shrunk.scenario.nodes).toBe(2);
    expect(shrunk.scenario.schedule[0]!.fault).toEqual({ kind: 'partition', groups: [['a'], ['b']] });
  });

  it('keeps options that need each other together', async () => {
    const tight: Scenario = {
      ...thirtyFaults(7),
      options: { swim: { suspicionAlpha: 2, suspicionBeta: 3, syncIntervalMs: 8000, tombstoneMs: 40_000 } },
      schedule: [{ atMs: 0, fault: { kind: 'heal-all' } }],
    };
    const needsShortMemory = (candidate: Scenario): ScenarioResult =>
      brokenBy(...(candidate.options.swim?.tombstoneMs === undefined ? ['block-io'] : []))(candidate);
    const shrunk = await shrink(tight, needsShortMemory(tight), {
      ...protocolShrinks,
      run: needsShortMemory,
    });
    expect(shrunk.scenario.options.swim).toMatchObject({ syncIntervalMs: 8000, tombstoneMs: 40_000 });
  });
});
