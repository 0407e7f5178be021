import { afterEach, describe, expect, it } from '@jest/globals';
import type { Scenario } from '../../../src/simulation/scenarios/scenario.js';
import { runSeeds } from '../../../src/simulation/cli/run-seeds.js';
import type { SeedRunner } from '../../../src/simulation/cli/seed-runner.js';
import { threadRunner } from '../../../src/simulation/cli/thread-runner.js';

/** Runs no simulation: some seeds answer at once, 13 loops for ever, 14 throws and 15 ends its thread. */
const script = new URL('planted-worker.mjs', import.meta.url);
const task = { nodes: [3, 5], kind: 'protocol', checkDeterminism: undefined } as const;

let runner: SeedRunner | undefined;
afterEach(() => runner?.close());

/** Long enough for a thread to start on a busy machine. */
const SHORT_MS = 4000;
const LONG_MS = 60_000;

describe('a seed in a thread', () => {
  it('that loops for ever is ended and has failed, and the next ones are run', async () => {
    runner = threadRunner(SHORT_MS, script);
    const told: (readonly [number, string | undefined])[] = [];
    await runSeeds({
      task,
      from: 12,
      seeds: 5,
      runners: [runner],
      keepGoing: true,
      onOutcome: ({ result }) => told.push([result.seed, result.violation?.message]),
    });
    expect(told).toEqual([
      [12, undefined],
      [13, 'Seed 13 did not end within 4 s of real time'],
      [14, expect.stringMatching(/^Seed 14 has broken its thread: .*planted$/)],
      [15, 'Seed 15 has ended its thread with the code 3'],
      [16, undefined],
    ]);
  }, 60_000);

  it('gets the same thread as the one before, unless that was lost', async () => {
    runner = threadRunner(LONG_MS, script);
    const thread = async (seed: number): Promise<number> =>
      (await runner!.run({ ...task, seed })).result.stats.inputs;
    const first = await thread(1);
    expect(await thread(2)).toBe(first);
    await runner.run({ ...task, seed: 14 });
    expect(await thread(3)).not.toBe(first);
  });

  it('may be a scenario, which fails in the same way', async () => {
    runner = threadRunner(LONG_MS, script);
    expect((await runner.play({ seed: 12 } as Scenario)).ok).toBe(true);
    expect((await runner.play({ seed: 15 } as Scenario)).violation?.invariant).toBe('thread failed');
  });
});
