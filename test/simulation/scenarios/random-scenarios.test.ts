import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeCluster, describeSchedule } from '../../../src/simulation/scenarios/describe.js';
import { generateScenario } from '../../../src/simulation/scenarios/generate.js';
import { runScenario } from '../../../src/simulation/scenarios/run-scenario.js';

const SEEDS = 20;
/** Follows from the commit, as that of the property tests: see test/support/property-seed.ts. */
const first = (fc.readConfigureGlobal().seed ?? 1) >>> 0;

/** `npm run simulate -- --seed SEED --nodes 5..16` shows one of them, and shrinks it. */
describe('whatever happens, the invariants hold, and peace brings agreement', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => first + index))('seed %i', (seed) => {
    const scenario = generateScenario(seed, { nodes: [5, 16] });
    const { violation } = runScenario(scenario);
    const shown = () => `${describeCluster(scenario)}\n${describeSchedule(scenario.schedule)}`;
    expect(violation && { ...violation, scenario: shown() }).toBeUndefined();
  });
});
