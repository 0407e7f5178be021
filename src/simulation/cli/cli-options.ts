import type { ParseArgsConfig } from 'node:util';
import { InvalidOptionError } from '../../errors.js';
import { parseOptions } from './parse-options.js';

/** Which scenarios are run: the protocol alone on light links, whole nodes, or three of the former for one of the latter. */
export type ScenarioKind = 'protocol' | 'nodes' | 'mixed';

/** What the command line asks for. */
export interface CliOptions {
  readonly help: boolean;
  /** How many seeds, from `from` on; undefined: until the minutes are over. */
  readonly seeds: number | undefined;
  readonly from: number;
  /** One seed alone. */
  readonly seed: number | undefined;
  readonly nodes: readonly [number, number];
  /** Undefined: as many as there are cores. */
  readonly jobs: number | undefined;
  readonly kind: ScenarioKind;
  /** The file that gets the trace; `-` is standard output. */
  readonly trace: string | undefined;
  readonly messages: boolean;
  readonly schedule: string | undefined;
  /** Every so many seeds are run twice and compared; undefined: none. */
  readonly checkDeterminism: number | undefined;
  readonly json: string | undefined;
  readonly minutes: number | undefined;
  /** Real time after which a seed of many is ended and counts as failed, in milliseconds. */
  readonly seedTimeoutMs: number;
  /** The file that gets the scenario of `--seed`, or of the first violation, shrunk. */
  readonly save: string | undefined;
  readonly keepGoing: boolean;
  readonly shrink: boolean;
}

/** What `--help` prints. */
export const USAGE = `npm run simulate -- [options]

Runs random scenarios: clusters in virtual time, faults drawn from a seed, every invariant checked.

  --seeds N            how many seeds (default 100)
  --from SEED          the first of them (default 1)
  --seed SEED          one seed alone
  --nodes MIN..MAX     sizes of clusters, or one size (default 5..64; with --kind nodes 3..8, and 12 at most; whole
                       nodes of a mixed run are 3..8, or fewer if MAX is)
  --kind KIND          protocol, nodes (whole nodes) or mixed (default: each seed = 3 mod 4 is of whole nodes)
  --jobs J             seeds at once (default: the cores of this machine)
  --minutes M          stop after so many minutes
  --seed-timeout S     a seed that takes longer is ended and has failed (default 120); --seed and --schedule may last
  --keep-going         go on after a violation
  --no-shrink          do not look for a shorter schedule
  --check-determinism [N]  run each N-th seed (default: each) twice and compare the traces
  --trace [FILE]       with --seed or --schedule: write the trace (default: standard output)
  --messages           messages are in the trace too (of the protocol; whole nodes log what they do)
  --save FILE          write the scenario as JSON: of --seed, or of the first violation, as short as it was shrunk
  --schedule FILE      replay a scenario that was saved, of either kind
  --json FILE          write the report as JSON; - is standard output (with npm run --silent)
  --experiment NAME    an experiment of the papers, with options of its own, which follow

Exit codes: 0 all is well · 1 a rule was broken, a seed did not end, or an interesting path was never taken in 200 seeds · 2 a wrong option.
`;

/** How many whole nodes a cluster has, unless others are asked for. */
export const WHOLE_NODES = [3, 8] as const;
const NODES = [5, 64] as const;

const MAX_NODES = 5000;
const MAX_WHOLE_NODES = 12;
const MAX_JOBS = 256;
const SEED_TIMEOUT_SECONDS = 120;

const known = {
  help: { type: 'boolean', short: 'h' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  seed: { type: 'string' },
  nodes: { type: 'string' },
  jobs: { type: 'string' },
  kind: { type: 'string' },
  trace: { type: 'string' },
  messages: { type: 'boolean' },
  schedule: { type: 'string' },
  'check-determinism': { type: 'string' },
  json: { type: 'string' },
  minutes: { type: 'string' },
  'seed-timeout': { type: 'string' },
  save: { type: 'string' },
  'keep-going': { type: 'boolean' },
  'no-shrink': { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

/** Options of which only one makes sense, and what others need. */
const apart: readonly (readonly [keyof typeof known, keyof typeof known])[] = [
  ['seed', 'seeds'],
  ['seed', 'from'],
  ['seed', 'schedule'],
  ['seed', 'minutes'],
  ['schedule', 'seeds'],
  ['schedule', 'from'],
  ['schedule', 'nodes'],
  ['schedule', 'kind'],
  ['schedule', 'minutes'],
];

/** @throws InvalidOptionError that names the option, its value and what is allowed */
export function parseCliOptions(args: readonly string[]): CliOptions {
  const values = parseOptions(withDefaults(args), known);
  for (const [one, other] of apart) {
    if (values[one] !== undefined && values[other] !== undefined) {
      throw new InvalidOptionError(`--${one}`, `cannot be given together with --${other}`);
    }
  }
  const isSingle = values.seed !== undefined || values.schedule !== undefined;
  if (values.trace !== undefined && !isSingle)
    throw new InvalidOptionError('--trace', 'needs --seed or --schedule: one run is traced');
  if (values.messages === true && values.trace === undefined)
    throw new InvalidOptionError('--messages', 'needs --trace');
  if (values.trace === '-' && values.json === '-')
    throw new InvalidOptionError('--trace', 'and --json cannot both go to standard output: give one a file');
  const kind = values.kind === undefined ? 'mixed' : scenarioKind(values.kind);
  const minutes = values.minutes === undefined ? undefined : positive('--minutes', values.minutes);
  return {
    help: values.help ?? false,
    seeds:
      values.seeds === undefined
        ? minutes === undefined
          ? 100
          : undefined
        : integer('--seeds', values.seeds, 1, 1e9),
    from: values.from === undefined ? 1 : integer('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    seed: values.seed === undefined ? undefined : integer('--seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    nodes: sizes(values.nodes, kind),
    jobs: values.jobs === undefined ? undefined : integer('--jobs', values.jobs, 1, MAX_JOBS),
    kind,
    trace: values.trace,
    messages: values.messages ?? false,
    schedule: values.schedule,
    checkDeterminism:
      values['check-determinism'] === undefined
        ? undefined
        : integer('--check-determinism', values['check-determinism'], 1, 1e9),
    json: values.json,
    minutes,
    seedTimeoutMs:
      1000 *
      (values['seed-timeout'] === undefined
        ? SEED_TIMEOUT_SECONDS
        : positive('--seed-timeout', values['seed-timeout'])),
    save: values.save,
    keepGoing: values['keep-going'] ?? false,
    shrink: values['no-shrink'] !== true,
  };
}

/** What an option means that may stand alone, which parseArgs does not know. */
const alone: Readonly<Record<string, string>> = { '--trace': '-', '--check-determinism': '1' };

function withDefaults(args: readonly string[]): string[] {
  return args.map((arg, at) => {
    const next = args[at + 1];
    const isAlone = next === undefined || (next.startsWith('-') && next !== '-');
    return arg in alone && isAlone ? `${arg}=${alone[arg]}` : arg;
  });
}

function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new InvalidOptionError(option, `is "${text}": must be an integer from ${least} to ${most}`);
  }
  return value;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidOptionError(option, `is "${text}": must be a number above 0`);
  }
  return value;
}

function sizes(text: string | undefined, kind: ScenarioKind): readonly [number, number] {
  const areWhole = kind === 'nodes';
  if (text === undefined) return areWhole ? WHOLE_NODES : NODES;
  const [, min, max = min] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
  const least = Number(min);
  const most = Number(max);
  const limit = areWhole ? MAX_WHOLE_NODES : MAX_NODES;
  if (min !== undefined && least >= 2 && most >= least && most <= limit) return [least, most];
  const example = (areWhole ? WHOLE_NODES : NODES).join('..');
  const where = areWhole ? ' with --kind nodes' : '';
  throw new InvalidOptionError(
    '--nodes',
    `is "${text}": must be MIN..MAX or one number, from 2 to ${limit}${where}, for example ${example}`,
  );
}

function scenarioKind(text: string): ScenarioKind {
  if (text === 'protocol' || text === 'nodes' || text === 'mixed') return text;
  throw new InvalidOptionError('--kind', `is "${text}": must be protocol, nodes or mixed`);
}
