import * as v from 'valibot';
import { isPromiseLike } from '../../cluster/messaging/handler-queue.js';
import { isFunction } from '../../cluster/validate-options.js';
import { checkArguments } from '../check-call.js';
import { dialRule, duration, latency, share } from '../scenarios/fault-json.js';
import { SimulationError } from '../simulation-error.js';

const within = v.strictObject(
  { withinMs: v.optional(duration) },
  'must be an object, for example { withinMs: 5000 }',
);
const name = v.string('must be a name');

/** The arguments that calls of a cluster of whole nodes have, with Nest or without, by their names. */
const calls = {
  advance: v.object({ ms: duration }),
  until: v.object({ condition: isFunction, options: within }),
  run: v.object({
    promise: v.custom<PromiseLike<unknown>>(isPromiseLike, 'must be a promise'),
    options: within,
  }),
  settle: v.object({ options: within }),
  stall: v.object({ ms: duration }),
  suspend: v.object({ ms: duration }),
  delay: v.object({ latency }),
  lose: v.object({ share }),
  answerDials: v.object({ rule: dialRule }),
  partition: v.object({
    groups: v.pipe(
      v.array(v.array(name, 'must be an array of names')),
      v.minLength(2, 'must be two groups or more'),
      v.check(
        (groups) => new Set(groups.flat()).size === groups.flat().length,
        'must be groups that share no node',
      ),
    ),
  }),
};

/** @throws SimulationError that names the call, the argument, its value and what is allowed */
export function checkCall(call: keyof typeof calls, given: object): void {
  checkArguments(call, calls[call], given);
}

/**
 * Whether a call is about two nodes, and not about all.
 *
 * @throws SimulationError for one name alone, which would be taken for all
 */
export function isPair(call: string, a: string | undefined, b: string | undefined): boolean {
  if ((a === undefined) === (b === undefined)) return a !== undefined;
  throw new SimulationError(`${call}: ${String(a ?? b)} is one node; name two, or none for all`);
}
