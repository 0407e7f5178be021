import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import * as v from 'valibot';
import type { ClusterOptions } from '../cluster/options.js';
import { InvalidOptionError, clip } from '../errors.js';

/** Peers to wait for before the application counts as started. @publicApi */
export interface WaitForOptions {
  /** How many active members there must be, this one included. */
  readonly members: number;
  /** How long to wait, in milliseconds; then the start fails with `NotReadyError`. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** What a node is told, and what only the Nest module needs. @publicApi */
export interface ClusterModuleOptions extends ClusterOptions {
  /**
   * Holds the bootstrap until this many members are there. Default: unset, the bootstrap waits for nobody, since
   * a deploy that starts one process at a time would never finish.
   */
  readonly waitFor?: WaitForOptions | undefined;

  /**
   * Global guards (`APP_GUARD`, `useGlobalGuards`) run for cluster messages too, where "the request" is what a
   * peer sent. `'run'` says that each of them is written for it (it begins with `isClusterContext(context)`);
   * `'refuse'` stops the start if there are any. Default: they run, and a warning names them.
   */
  readonly globalGuards?: 'run' | 'refuse' | undefined;
}

/** Options of {@link ClusterModule.forRoot}. @publicApi */
export interface ClusterRootOptions extends ClusterModuleOptions {
  /** A name for this registration, for more than one cluster in an application. Default: unnamed. */
  readonly as?: string | undefined;
}

/** A class that makes options, for `useClass` and `useExisting`. @publicApi */
export interface ClusterOptionsFactory {
  createClusterOptions(): ClusterModuleOptions | Promise<ClusterModuleOptions>;
}

/** Options of {@link ClusterModule.forRootAsync}; exactly one of the three `use…` is given. @publicApi */
export interface ClusterAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** A name for this registration, known before any factory runs. Default: unnamed. */
  readonly as?: string | undefined;
  /** Makes the options; its parameters are what `inject` names. */
  readonly useFactory?:
    ((...injected: never[]) => ClusterModuleOptions | Promise<ClusterModuleOptions>) | undefined;
  readonly inject?: FactoryProvider['inject'];
  /** A class that the module instantiates to ask it for options. */
  readonly useClass?: Type<ClusterOptionsFactory> | undefined;
  /** A provider that exists already, asked for options. */
  readonly useExisting?: Type<ClusterOptionsFactory> | string | symbol | undefined;
}

/** The options of a registration, taken apart. */
export interface SplitOptions {
  readonly node: ClusterOptions;
  readonly waitFor: { readonly members: number; readonly timeoutMs: number } | undefined;
  readonly globalGuards: 'run' | 'refuse' | undefined;
}

const DEFAULT_WAIT_MS = 30_000;

const positive = (what: string) =>
  v.pipe(v.number(`must be ${what}`), v.integer(`must be ${what}`), v.minValue(1, 'must be at least 1'));

const ownSchema = v.object({
  as: v.optional(v.never('is known before the options are: write it beside useFactory')),
  globalGuards: v.optional(v.picklist(['run', 'refuse'], 'must be "run" or "refuse"')),
  waitFor: v.optional(
    v.strictObject(
      {
        members: positive('a number of members'),
        timeoutMs: v.optional(positive('a number of milliseconds')),
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
export function splitOptions(options: ClusterModuleOptions | null | undefined): SplitOptions {
  const given = options ?? {};
  if (typeof given !== 'object') throw new InvalidOptionError('options', 'must be an object');
  const result = v.safeParse(ownSchema, given);
  if (!result.success) throw refusal(result.issues[0]);
  const { waitFor, globalGuards } = result.output;
  const { as: _as, waitFor: _waitFor, globalGuards: _globalGuards, ...node } = given as ClusterRootOptions;
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

function refusal(issue: v.BaseIssue<unknown>): InvalidOptionError {
  const path = v.getDotPath(issue) ?? 'options';
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return new InvalidOptionError(path, 'is not an option; the options here are members, timeoutMs');
  }
  if (issue.type === 'never') return new InvalidOptionError(path, issue.message);
  const missing = issue.input === undefined ? 'is missing, but' : `is ${shown(issue.input)}, but`;
  return new InvalidOptionError(
    path,
    `${missing} ${issue.message.startsWith('must') ? issue.message : `must be given`}`,
  );
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `"${clip(value)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `of type ${typeof value}`;
}
