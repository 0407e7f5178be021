import * as v from 'valibot';
import { checkOptions } from '../cluster/option-errors.js';
import { hasMethods, isFunction, swimEntries } from '../cluster/validate-options.js';
import { count, duration, latency, positive } from './scenarios/fault-json.js';

/** Each has an address of its own in 10.0.0.0/16. */
const MAX_NODES = 65_536;

const flag = v.boolean('must be true or false');

/** What everything random follows from, in a cluster of any kind. */
export const seed = v.pipe(v.number('must be an integer'), v.safeInteger('must be an integer'));

const entries = {
  nodes: positive(MAX_NODES),
  seed,
  start: v.optional(
    v.picklist(['one-by-one', 'together', 'apart'], 'must be "one-by-one", "together" or "apart"'),
  ),
  latency: v.optional(latency),
  dialTimeoutMs: v.optional(duration),
  maxLinks: v.optional(count),
  checks: v.optional(v.array(hasMethods(), 'must be an array of checks')),
  invariants: v.optional(flag),
  record: v.optional(flag),
  onTrace: v.optional(isFunction),
  traceMessages: v.optional(flag),
};

const ofSwim = v.strictObject(
  { ...entries, ...swimEntries, wire: v.optional(flag) },
  'must be an object, for example { nodes: 3, seed: 1 }',
);

const ofAny = v.strictObject({
  ...entries,
  protocol: isFunction,
  wire: v.optional(hasMethods('encode', 'decode', 'encodeMember', 'decodeMember')),
});

/** @throws InvalidOptionError for the first mistake in what `simulate()` was given */
export function checkSimulateOptions(options: unknown): void {
  checkOptions(ofSwim, options);
}

/** @throws InvalidOptionError for the first mistake in what a `Simulation` was given */
export function checkSimulationOptions(options: unknown): void {
  checkOptions(ofAny, options);
}
