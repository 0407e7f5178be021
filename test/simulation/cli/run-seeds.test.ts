import { describe, expect, it } from '@jest/globals';
import { runSeed, type SeedOutcome, type SeedTask } from '../../../src/simulation/cli/run-seed.js';
import { runSeeds } from '../../../src/simulation/cli/run-seeds.js';
import { localRunner, type SeedRunner } from '../../../src/simulation/cli/seed-runner.js';

const task = { nodes: [3, 5], kind: 'protocol', checkDeterminism: undefined } as const;

/** Ends its seeds in another order than they begin: each waits for so many turns. */
function tardy(
  turnsOf: (seed: number) => number,
  run: (task: SeedTask) => SeedOutcome,
): Pick<SeedRunner, 'run' | 'close'> {
  return {
    async run(given) {
      for (let left = turnsOf(given.seed); left > 0; left--) await Promise.resolve();
      return run(given);
    },
    close: async () => {},
  };
}

function outcome({ seed }: SeedTask, isBroken = false): SeedOutcome {
  const violation = isBroken ? { invariant: '5', message: 'broken', atMs: 1 } : undefined;
  const stats = { virtualMs: seed, inputs: seed, messages: seed };
  return {
    kind: 'protocol',
    result: { seed, ok: !isBroken, violation, traceHash: `${seed}`, sometimes: {}, faults: {}, stats },
    realMs: 1,
  };
}

async function seedsOf(
  runners: readonly Pick<SeedRunner, 'run'>[],
  options: Partial<Parameters<typeof runSeeds>[0]> = {},
): Promise<number[]> {
  const seeds: number[] = [];
  const onOutcome = ({ result }: SeedOutcome) => void seeds.push(result.seed);
  await runSeeds({ task, from: 10, seeds: 20, runners, onOutcome, ...options });
  return seeds;
}

describe('many seeds', () => {
  it('are told in their order, whatever the order in which they end', async () => {
    const runners = [1, 2, 3].map(() => tardy((seed) => (seed * 7) % 11, outcome));
    expect(await seedsOf(runners)).toEqual(Array.from({ length: 20 }, (_, index) => 10 + index));
  });

  it.each([1, 2, 5])('end with the first violation, the same with %i jobs', async (jobs) => {
    const broken = [14, 15, 25];
    const runners = Array.from({ length: jobs }, () =>
      // The later violation is found first.
      tardy(
        (seed) => (seed === 14 ? 50 : 1),
        (given) => outcome(given, broken.includes(given.seed)),
      ),
    );
    expect(await seedsOf(runners)).toEqual([10, 11, 12, 13, 14]);
  });

  it('go on after a violation when told so', async () => {
    const runner = tardy(
      () => 1,
      (given) => outcome(given, given.seed === 14),
    );
    expect(await seedsOf([runner], { keepGoing: true })).toHaveLength(20);
  });

  it('end when time is over', async () => {
    let looks = 0;
    const runner = tardy(() => 1, outcome);
    expect(await seedsOf([runner], { seeds: undefined, isOver: () => ++looks > 6 })).toHaveLength(6);
  });

  it('fail with a runner that fails', async () => {
    const runner = {
      run: () => Promise.reject(new RangeError('no memory')),
      close: async () => {},
    };
    await expect(seedsOf([runner])).rejects.toThrow('no memory');
  });

  it('come to the same with one job and with two', async () => {
    const resultsOf = async (jobs: number) => {
      const results: SeedOutcome['result'][] = [];
      await runSeeds({
        task,
        from: 1,
        seeds: 6,
        runners: Array.from({ length: jobs }, localRunner),
        onOutcome: ({ result }) => void results.push(result),
      });
      return results;
    };
    const alone = await resultsOf(1);
    expect(alone).toHaveLength(6);
    expect(await resultsOf(2)).toEqual(alone);
  });
});

describe('a seed', () => {
  it('is run twice and compared when that is asked for', async () => {
    const { result } = await runSeed({ ...task, seed: 2, checkDeterminism: 2 });
    expect(result.violation).toBeUndefined();
    expect(result).toEqual((await runSeed({ ...task, seed: 2 })).result);
  });
});
