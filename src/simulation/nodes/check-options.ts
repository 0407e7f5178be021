import * as v from 'valibot';
import { checkOptions } from '../../cluster/option-errors.js';
import { isFunction } from '../../cluster/validate-options.js';
import { seed } from '../check-options.js';
import { latency } from '../scenarios/fault-json.js';
import type { NodeClusterOptions } from './node-cluster-options.js';

const schema = v.strictObject(
  {
    seed: v.optional(seed),
    latency: v.optional(latency),
    wire: v.optional(v.boolean('must be true or false')),
    // What the values may be, the transport checks itself.
    transportLimits: v.optional(v.looseObject({}, 'must be an object')),
    late: v.optional(v.array(v.string('must be a name'), 'must be an array of names')),
    wrapTransport: v.optional(isFunction),
    wrapLinks: v.optional(isFunction),
    onNode: v.optional(isFunction),
    onLog: v.optional(isFunction),
  } satisfies Record<keyof NodeClusterOptions, v.GenericSchema>,
  'must be an object, for example { seed: 1 }',
);

/** @throws InvalidOptionError for the first mistake in what a `NodeCluster` was given */
export function checkNodeClusterOptions(options: unknown): void {
  checkOptions(schema, options);
}
