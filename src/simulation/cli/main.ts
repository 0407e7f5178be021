import { writeFileSync } from 'node:fs';
import { ClusterError } from '../../errors.js';
import { parseCliOptions, USAGE } from './cli-options.js';
import { experimentUsage } from './experiment-usage.js';
import { mapInThreads } from './cell-threads.js';
import type { CliIo } from './cli-io.js';
import { processHost } from './host.js';
import { replay } from './replay.js';
import type { RunnerOf } from './seed-runner.js';
import { survey } from './survey.js';
import { threadRunner } from './thread-runner.js';
import { checkWritable } from './writable.js';

/**
 * The command line behind `npm run simulate`.
 *
 * @param runnerOf another one serves tests
 * @returns the exit code: 0 all is well, 1 a rule was broken, 2 it was called wrongly
 */
export async function main(
  args: readonly string[],
  io: CliIo,
  runnerOf: RunnerOf = threadRunner,
): Promise<number> {
  try {
    const isExperiment = args.some((arg) => /^--experiment(=|$)/.test(arg));
    if (isExperiment && args.some((arg) => arg === '--help' || arg === '-h')) {
      io.out(await ofExperiments());
      return 0;
    }
    if (isExperiment) return await experiment(args, io);
    const options = parseCliOptions(args);
    if (options.help) {
      io.out(`${USAGE}\n${await ofExperiments()}`);
      return 0;
    }
    checkWritable('--json', options.json);
    checkWritable('--save', options.save);
    if (options.seed !== undefined || options.schedule !== undefined) {
      return await replay(options, io, runnerOf);
    }
    return await survey(options, io, runnerOf);
  } catch (cause) {
    // A mistake of the caller's; everything else is ours, and its stack is needed.
    if (!(cause instanceof ClusterError)) throw cause;
    io.err(`${cause.message}\n`);
    return 2;
  }
}

/** @see experiment */
async function ofExperiments(): Promise<string> {
  const { experiments } = await import('../experiments/experiments.js');
  return experimentUsage(experiments);
}

/** Loaded only when asked for: the experiments are many. */
async function experiment(args: readonly string[], io: CliIo): Promise<number> {
  const { runExperiment } = await import('../experiments/run-experiment.js');
  return runExperiment(args, {
    ...io,
    mapCells: mapInThreads,
    checkFile: (path) => checkWritable('--json', path),
    writeFile: (path, text) => writeFileSync(path, text),
    host: processHost(),
  });
}
