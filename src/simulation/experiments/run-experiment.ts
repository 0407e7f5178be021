import { InvalidOptionError } from '../../errors.js';
import { checkAnomalies, checkTaken, parseExperimentArgs } from '../cli/experiment-args.js';
import type { Experiment, ExperimentResult, Host } from './experiment.js';
import { experiments } from './experiments.js';
import { textReport } from './text-report.js';

/** What an experiment's run writes to, and what it is given of the real world. */
export interface ExperimentIo {
  readonly out: (text: string) => void;
  /** For people who wait. Default: `err`, or nobody. */
  readonly progress?: ((text: string) => void) | undefined;
  readonly err?: ((text: string) => void) | undefined;
  /** Throws, before anything is run, when a file cannot be written. Default: that is seen in the end. */
  readonly checkFile?: ((path: string) => void) | undefined;
  readonly writeFile?: ((path: string, text: string) => void) | undefined;
  readonly host?: Host | undefined;
  /** Runs the cells in so many threads, and keeps their order. Default: one after the other, here. */
  readonly mapCells?:
    | ((
        jobs: number,
        name: string,
        cells: readonly unknown[],
        done: (count: number) => void,
      ) => Promise<readonly unknown[]>)
    | undefined;
}

/** How often people who wait are told, at least, where there are so many runs. */
const TOLD = 20;

/** For callers that have no clock: what needs one shows NaN. */
const NO_HOST: Host = {
  realNowMs: () => Number.NaN,
  heapUsedBytes: () => Number.NaN,
  peakRssBytes: () => Number.NaN,
};

/**
 * Runs one experiment as the command line asks for it, and tells its result as text, and as JSON if a file is given.
 *
 * @returns 0 when every figure is as in the paper, 1 when one differs
 * @throws InvalidOptionError for an option or a name that is unknown
 */
export async function runExperiment(args: readonly string[], io: ExperimentIo): Promise<number> {
  const { experiment, cells, json, jobs = 1, options } = plannedExperiment(args);
  const { name } = experiment;
  if (json !== undefined) io.checkFile?.(json);
  const progress = io.progress ?? io.err ?? (() => {});
  const say = (done: number): void => progress(`${name}: ${done} of ${cells.length} runs\n`);
  say(0);
  const outcomes =
    io.mapCells === undefined || jobs === 1 || experiment.isTimed === true
      ? await mapHere(experiment, cells, io.host ?? NO_HOST, say)
      : await io.mapCells(jobs, name, cells, say);
  const { source, title } = experiment;
  const result: ExperimentResult = {
    name,
    title,
    source,
    command: commandOf(args),
    ...experiment.conclude(options, cells, outcomes),
  };
  if (json !== undefined) {
    const text = `${JSON.stringify(result, undefined, 2)}\n`;
    if (json === '-') {
      io.out(text);
      return exitCode(result);
    }
    if (io.writeFile === undefined) throw new InvalidOptionError('--json', 'needs a place to write files to');
    io.writeFile(json, text);
  }
  io.out(textReport(result));
  return exitCode(result);
}

/**
 * What the command line asks for, with nothing run yet.
 *
 * @throws InvalidOptionError for an option or a name that is unknown, or that does not go with the others
 */
export function plannedExperiment(args: readonly string[]) {
  const { name, json, jobs, ...options } = parseExperimentArgs(args);
  const experiment = experimentNamed(name);
  checkTaken(options, experiment);
  const cells = experiment.cells(options);
  checkAnomalies(cells);
  return { experiment, cells, json, jobs, options };
}

/** @throws InvalidOptionError that lists the names there are */
export function experimentNamed(name: string): Experiment {
  const found = experiments.find((experiment) => experiment.name === name);
  if (found !== undefined) return found;
  const names = experiments.map((experiment) => experiment.name).join(', ');
  throw new InvalidOptionError('--experiment', `is "${name}": must be one of ${names}`);
}

/** Without what changes nothing of the result: where it goes, and how many threads there are. */
function commandOf(args: readonly string[]): string {
  const isAside = (arg: string | undefined): boolean => /^--(json|jobs)$/.test(arg ?? '');
  const kept = args.filter(
    (arg, at) => !isAside(arg) && !isAside(args[at - 1]) && !/^--(json|jobs)=/.test(arg),
  );
  return ['npm run simulate --', ...kept].join(' ');
}

async function mapHere(
  experiment: Experiment,
  cells: readonly unknown[],
  host: Host,
  done: (count: number) => void,
): Promise<readonly unknown[]> {
  const outcomes: unknown[] = [];
  const every = Math.max(1, Math.floor(cells.length / TOLD));
  for (const cell of cells) {
    outcomes.push(experiment.run(cell, host));
    if (outcomes.length % every === 0 || outcomes.length === cells.length) done(outcomes.length);
    // Somebody may want to stop it, or to see what was written.
    await Promise.resolve();
  }
  return outcomes;
}

function exitCode({ figures }: ExperimentResult): number {
  return figures.every(({ verdict }) => verdict === 'matches' || verdict === 'order holds') ? 0 : 1;
}
