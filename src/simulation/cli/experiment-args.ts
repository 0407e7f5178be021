import { parseArgs, type ParseArgsConfig } from 'node:util';
import { InvalidOptionError } from '../../errors.js';
import { resolveSwimOptions, swimPresets, type SwimPreset } from '../../membership/swim/options.js';
import type { ExperimentOptions } from '../experiments/experiment.js';

/** What the command line says of an experiment. */
export interface ExperimentArgs extends ExperimentOptions {
  readonly name: string;
  /** The file that gets the result; `-` is standard output. */
  readonly json: string | undefined;
  /** Threads that run cells at once, where the caller has any. */
  readonly jobs: number | undefined;
}

const known = {
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
  const values = parse(args);
  const one = (option: keyof typeof known, least: number, most: number): number | undefined =>
    numbers(option, values[option], least, most)?.[0];
  return {
    name: values.experiment ?? '',
    json: values.json,
    nodes: numbers('nodes', values.nodes, 2, 5000, true),
    runs: one('runs', 1, 1e6),
    seed: one('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
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
    jobs: numbers('jobs', values.jobs, 1, 1024, true)?.[0],
    full: values.full ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    // `--components -buddy` is a value, though it looks like an option.
    const joined = args.flatMap((arg, at) =>
      args[at - 1] === '--components' ? [] : [arg === '--components' ? `${arg}=${args[at + 1] ?? ''}` : arg],
    );
    return parseArgs({ args: joined, options: known, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const { message } = cause as TypeError;
    const option = /'(-[^' ]*)/.exec(message)?.[1] ?? args.find((arg) => !arg.startsWith('-')) ?? '?';
    const allowed = Object.keys(known).map((name) => `--${name}`);
    throw new InvalidOptionError(option, `is wrong: ${message}. Allowed: ${allowed.join(', ')}`, { cause });
  }
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
  const names = (text ?? '').split(',').filter((name) => name !== '');
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
