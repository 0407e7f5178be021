import * as v from 'valibot';
import { isPromiseLike } from '../cluster/messaging/handler-queue.js';
import { show, unknownOption } from '../cluster/option-errors.js';
import type { ClusterOptions } from '../cluster/options.js';
import { InvalidOptionError } from '../errors.js';
import type { ClusterModuleOptions, ClusterRootOptions, WaitForOptions } from './cluster-module-options.js';

/** The options of a registration, taken apart. */
export interface SplitOptions {
  readonly node: ClusterOptions;
  readonly waitFor: { readonly members: number; readonly timeoutMs: number } | undefined;
  readonly globalGuards: 'run' | 'refuse' | undefined;
}

const DEFAULT_WAIT_MS = 30_000;
/** Beyond it, Node's timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The names of all options that a registration has. The node checks its own; it cannot name the module's, so that
 * an unknown key is found here. A record, since the compiler then misses none.
 */
const optionNames = Object.keys({
  clusterName: true,
  nodeName: true,
  host: true,
  port: true,
  advertise: true,
  discovery: true,
  preset: true,
  swim: true,
  metadata: true,
  security: true,
  serializer: true,
  limits: true,
  requestTimeoutMs: true,
  drainTimeoutMs: true,
  enabled: true,
  tracing: true,
  autoJoin: true,
  logger: true,
  transport: true,
  clock: true,
  random: true,
  waitFor: true,
  globalGuards: true,
  as: true,
} satisfies Record<keyof ClusterRootOptions, true>);

const waitForNames = Object.keys({
  members: true,
  timeoutMs: true,
} satisfies Record<keyof WaitForOptions, true>);

const integer = (what: string, most: number) =>
  v.pipe(
    v.number(`must be ${what}`),
    v.integer(`must be ${what}`),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(most, `must be below ${most + 1}`),
  );

const ownSchema = v.object({
  as: v.optional(v.never('is known before the options are: write it beside useFactory')),
  globalGuards: v.optional(v.picklist(['run', 'refuse'], 'must be "run" or "refuse"')),
  waitFor: v.optional(
    v.object(
      {
        members: integer('a number of members', Number.MAX_SAFE_INTEGER),
        timeoutMs: v.optional(integer('a number of milliseconds', MAX_TIMER_MS)),
      },
      'must be { members, timeoutMs }',
    ),
  ),
});

/**
 * Checks the module's own options and sets them apart from the node's, which the node checks.
 *
 * @throws InvalidOptionError that names option, value and what is allowed
 */
export function splitOptions(options: ClusterModuleOptions): SplitOptions {
  checkObject('options', options);
  checkNames('', options, optionNames);
  // A misspelt name comes before the missing one: it says what to change.
  if (isObject(options.waitFor)) checkNames('waitFor.', options.waitFor, waitForNames);
  const result = v.safeParse(ownSchema, options);
  if (!result.success) throw refusal(result.issues[0]);
  const { waitFor, globalGuards } = result.output;
  const { as: _as, waitFor: _waitFor, globalGuards: _globalGuards, ...node } = options as ClusterRootOptions;
  return {
    node,
    globalGuards,
    waitFor: waitFor && { members: waitFor.members, timeoutMs: waitFor.timeoutMs ?? DEFAULT_WAIT_MS },
  };
}

/** @throws InvalidOptionError when a registration's name is none */
export function checkName(as: unknown): asserts as is string | undefined {
  if (as === undefined || (typeof as === 'string' && as !== '')) return;
  throw new InvalidOptionError('as', 'must be a non-empty string, or left out for the one unnamed cluster');
}

/**
 * A promise has no keys, and would stand for all defaults.
 *
 * @param path what to call the value in the error
 * @throws InvalidOptionError when it is no object that could be options
 */
export function checkObject(path: string, given: unknown): asserts given is object {
  if (!isObject(given)) throw new InvalidOptionError(path, `is ${show(given)}, but must be an object`);
  if (!isPromiseLike(given)) return;
  throw new InvalidOptionError(
    path,
    'is a promise, but must be an object; a useFactory of forRootAsync may return one',
  );
}

/** @throws InvalidOptionError for a key that is none of the names */
export function checkNames(prefix: string, given: object, names: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined) throw unknownOption(`${prefix}${unknown}`, unknown, names);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(issue: v.BaseIssue<unknown>): InvalidOptionError {
  const path = v.getDotPath(issue) ?? 'options';
  if (issue.type === 'never') return new InvalidOptionError(path, issue.message);
  // The one option that has no default.
  if (path === 'waitFor.members' && issue.input === undefined)
    return new InvalidOptionError(path, 'is missing: it is a number of members, this one included');
  return new InvalidOptionError(path, `is ${show(issue.input)}, but ${issue.message}`);
}
