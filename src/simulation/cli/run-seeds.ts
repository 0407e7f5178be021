import type { SeedOutcome, SeedTask } from './run-seed.js';
import type { SeedRunner } from './seed-runner.js';

/** A run over many seeds. */
export interface RunSeedsOptions {
  readonly task: Omit<SeedTask, 'seed'>;
  readonly from: number;
  /** Undefined: until `isOver`. */
  readonly seeds: number | undefined;
  readonly runners: readonly Pick<SeedRunner, 'run'>[];
  /** Looked at before each seed. */
  readonly isOver?: (() => boolean) | undefined;
  /** Go on after a violation. Default: false. */
  readonly keepGoing?: boolean | undefined;
  /** Told of each outcome, in the order of the seeds. */
  readonly onOutcome: (outcome: SeedOutcome) => void;
  /** Told of each seed that begins, and of each that ends, in the order of time. */
  readonly onBegin?: ((seed: number) => void) | undefined;
  readonly onEnd?: ((outcome: SeedOutcome) => void) | undefined;
}

/**
 * Runs seeds on all runners at once and tells the outcomes in the order of the seeds. They do not depend on the number
 * of runners: what lies behind the first violation is left out, whether it was run or not.
 */
export async function runSeeds(options: RunSeedsOptions): Promise<void> {
  const { task, from, runners, keepGoing = false, isOver = () => false } = options;
  let end = options.seeds ?? Infinity;
  let next = 0;
  let told = 0;
  const waiting = new Map<number, SeedOutcome>();

  const work = async (runner: Pick<SeedRunner, 'run'>) => {
    while (next < end && !isOver()) {
      const index = next++;
      options.onBegin?.(from + index);
      const outcome = await runner.run({ ...task, seed: from + index });
      options.onEnd?.(outcome);
      waiting.set(index, outcome);
      if (!outcome.result.ok && !keepGoing) end = Math.min(end, index + 1);
      for (let ready; told < end && (ready = waiting.get(told)) !== undefined; told++) {
        waiting.delete(told);
        options.onOutcome(ready);
      }
    }
  };
  await Promise.all(runners.map(work));
}
