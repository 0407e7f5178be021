import { show } from '../../cluster/option-errors.js';
import { InvalidOptionError } from '../../errors.js';
import { checkNames, checkObject } from '../split-options.js';

/** What a cluster's health is measured by. @publicApi */
export interface ClusterHealthOptions {
  /** The `as` of the registration. Default: the one without a name. */
  readonly cluster?: string | undefined;
  /** With fewer active members, this one included, it is `down`. Default: 1. */
  readonly minMembers?: number | undefined;
  /** With more suspect members it is `degraded`. Default: 0. */
  readonly maxSuspects?: number | undefined;
  /** Over it the node doubts its own eyes more than it should: `degraded`. Of 0 (healthy) to 8. Default: 0. */
  readonly maxLocalHealth?: number | undefined;
  /** Over it the event loop lags: `degraded`. Milliseconds that it stood still of the last ten seconds. Default: 1,000. */
  readonly maxLagMs?: number | undefined;
}

/** The figures among the options. */
export type Thresholds = Required<{
  readonly [Name in Exclude<keyof ClusterHealthOptions, 'cluster'>]: number;
}>;

const defaults: Thresholds = { minMembers: 1, maxSuspects: 0, maxLocalHealth: 0, maxLagMs: 1000 };

/** @throws InvalidOptionError that names option, value and what is allowed */
export function checkedHealthOptions(options: ClusterHealthOptions): Thresholds {
  checkObject('options', options);
  checkNames('', options, ['cluster', ...Object.keys(defaults)]);
  return {
    minMembers: figure('minMembers', options.minMembers, 1),
    maxSuspects: figure('maxSuspects', options.maxSuspects, 0),
    maxLocalHealth: figure('maxLocalHealth', options.maxLocalHealth, 0),
    maxLagMs: figure('maxLagMs', options.maxLagMs, 0),
  };
}

function figure(name: keyof Thresholds, given: unknown, least: number): number {
  if (given === undefined) return defaults[name];
  if (Number.isInteger(given) && (given as number) >= least) return given as number;
  throw new InvalidOptionError(name, `is ${show(given)}, but must be an integer of at least ${least}`);
}
