import type { ParseArgsConfig } from 'node:util';
import { InvalidOptionError } from '../../errors.js';
import { resolveSwimOptions, swimPresets, type SwimPreset } from '../../membership/swim/options.js';
import type { Experiment, ExperimentOptions, SpecialOption } from '../experiments/experiment.js';
import { parseOptions } from './parse-options.js';

/** What the command line says of an experiment. */
export interface ExperimentArgs extends ExperimentOptions {
  readonly name: string;
  /** The file that gets the result; `-` is standard output. */
  readonly json: string | undefined;
  /** Threads that run cells at once, where the caller has any. */
  readonly jobs: number | undefined;
}

/** All that it may say. */
export const experimentOptions = {
  experiment: { type: 'string' },
  nodes: { type: 'string' },
  runs: { type: 'string' },
  seed: { type: 'string' },
  alpha: { type: 'string' },
  beta: { type: 'string' },
  preset: { type: 'string' },
  components: { type: 'string' },
  loss: { type: 'string' },
  relays: { type: 'string' },
  anomalies: { type: 'string' },
  duration: { type: 'string' },
  interval: { type: 'string' },
  'message-cost': { type: 'string' },
  jobs: { type: 'string' },
  full: { type: 'boolean' },
  json: { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

/** @throws InvalidOptionError that names the option, its value and what is allowed */
export function parseExperimentArgs(args: readonly string[]): ExperimentArgs {
  const values = parseOptions(withComponents(args), experimentOptions);
  const one = (
    option: keyof typeof experimentOptions,
    least: number,
    most: number,
    isWhole = false,
  ): number | undefined => {
    const given = numbers(option, values[option], least, most, isWhole);
    if (given === undefined || given.length === 1) return given?.[0];
    throw new InvalidOptionError(`--${option}`, `is "${String(values[option])}": must be one number`);
  };
  return {
    name: values.experiment ?? '',
    json: values.json,
    nodes: numbers('nodes', values.nodes, 2, 5000, true),
    runs: one('runs', 1, 1e6, true),
    seed: one('seed', 0, Number.MAX_SAFE_INTEGER, true) ?? 1,
    alpha: one('alpha', 0.001, 1e6),
    beta: one('beta', 1, 1e3),
    preset: presetOf(values.preset),
    components: componentsOf(values.components),
    loss: numbers('loss', values.loss, 0, 0.99),
    relays: numbers('relays', values.relays, 0, 100, true),
    anomalies: numbers('anomalies', values.anomalies, 1, 4999, true),
    durationsMs: numbers('duration', values.duration, 1, 1e7),
    intervalsMs: numbers('interval', values.interval, 1, 1e7),
    messageCostMs: one('message-cost', 0, 1000),
    jobs: one('jobs', 1, 1024, true),
    full: values.full ?? false,
  };
}

/** `--components -buddy` is a value, though it looks like an option. */
function withComponents(args: readonly string[]): readonly string[] {
  return args.flatMap((arg, at) =>
    args[at - 1] === '--components' ? [] : [arg === '--components' ? `${arg}=${args[at + 1] ?? ''}` : arg],
  );
}

/** One number or several, with commas between. */
function numbers(
  option: string,
  text: string | boolean | undefined,
  least: number,
  most: number,
  areWhole = false,
): readonly number[] | undefined {
  if (typeof text !== 'string') return undefined;
  return text.split(',').map((part) => {
    const value = Number(part);
    const isFit = part.trim() !== '' && value >= least && value <= most;
    if (isFit && (!areWhole || Number.isInteger(value))) return value;
    const what = areWhole ? 'whole numbers' : 'numbers';
    throw new InvalidOptionError(`--${option}`, `is "${text}": must be ${what} from ${least} to ${most}`);
  });
}

function presetOf(text: string | undefined): SwimPreset {
  const preset = text ?? 'lan';
  if (Object.hasOwn(swimPresets, preset)) return preset as SwimPreset;
  const names = Object.keys(swimPresets).join(', ');
  throw new InvalidOptionError('--preset', `is "${preset}": must be one of ${names}`);
}

/** `buddy,-lhaProbe`: on, off. */
function componentsOf(text: string | undefined): ExperimentOptions['components'] {
  const switches = resolveSwimOptions().components;
  const names = text?.split(',') ?? [];
  return Object.fromEntries(
    names.map((name) => {
      const isOff = name.startsWith('-');
      const component = isOff ? name.slice(1) : name;
      if (Object.hasOwn(switches, component)) return [component, !isOff];
      const allowed = Object.keys(switches).join(', ');
      throw new InvalidOptionError('--components', `has "${component}": must be among ${allowed}`);
    }),
  );
}

/**
 * Refuses what an experiment would take in silence and not use.
 *
 * @throws InvalidOptionError that says what it uses
 */
export function checkTaken(
  given: ExperimentOptions,
  { name, takes }: Pick<Experiment, 'name' | 'takes'>,
): void {
  const values: Readonly<Record<SpecialOption, number | readonly number[] | undefined>> = {
    nodes: given.nodes,
    runs: given.runs,
    loss: given.loss,
    relays: given.relays,
    anomalies: given.anomalies,
    duration: given.durationsMs,
    interval: given.intervalsMs,
    'message-cost': given.messageCostMs,
  };
  for (const [option, value] of Object.entries(values) as [SpecialOption, number | readonly number[]][]) {
    if (value === undefined) continue;
    if (takes[option] === undefined) {
      const used = Object.keys(takes).map((each) => `--${each}`);
      throw new InvalidOptionError(`--${option}`, `is not used by ${name}, which takes ${used.join(', ')}`);
    }
    if (takes[option] === 'one' && typeof value !== 'number' && value.length > 1)
      throw new InvalidOptionError(`--${option}`, `is "${value.join(',')}": ${name} takes one number`);
  }
}

/**
 * Refuses anomalies of all members, who would have nobody to be observed by.
 *
 * @throws InvalidOptionError that names the size
 */
export function checkAnomalies(cells: readonly unknown[]): void {
  for (const cell of cells as readonly { readonly nodes?: number; readonly anomalies?: number }[]) {
    const { nodes = Infinity, anomalies = 0 } = cell;
    if (anomalies >= nodes)
      throw new InvalidOptionError(
        '--anomalies',
        `is ${anomalies}: must be below the ${nodes} members (--nodes)`,
      );
  }
}
