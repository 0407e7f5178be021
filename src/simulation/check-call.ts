import * as v from 'valibot';
import { isPromiseLike } from '../cluster/messaging/handler-queue.js';
import { mistakeIn } from '../cluster/option-errors.js';
import { isFunction } from '../cluster/validate-options.js';
import { clip } from '../errors.js';
import type { MemberState } from '../membership/membership.js';
import { count, duration, faultAmong } from './scenarios/fault-json.js';
import { SimulationError } from './simulation-error.js';

/** Which nodes there are, the simulation knows. */
const name = v.string('must be the name of a node');
const states = ['alive', 'suspect', 'unreachable', 'left'] as const satisfies readonly MemberState[];
const state = v.picklist(states, `must be ${states.map((each) => `"${each}"`).join(', ')}`);
const withinEntries = { withinMs: v.optional(duration) };
const within = v.strictObject(withinEntries, 'must be an object, for example { withinMs: 5000 }');
const by = v.strictObject({ by: name, ...withinEntries }, 'must be an object, for example { by: "a" }');

/** The arguments of a simulation's calls, by their names. */
const calls = {
  runFor: v.object({ ms: duration }),
  settle: v.object({ options: within }),
  until: v.object({
    what: v.string('must be a text, and the condition comes second'),
    holds: isFunction,
    options: within,
    stepMs: v.pipe(duration, v.gtValue(0, 'must be more than 0')),
  }),
  untilSuspected: v.object({ options: by }),
  untilUnreachable: v.object({ options: by }),
  untilEveryoneHolds: v.object({ state, options: within }),
  everyoneHolds: v.object({ state }),
  log: v.object({ lines: v.optional(count) }),
  join: v.object({ seeds: v.pipe(v.array(name), v.minLength(1, 'must be one node or more')) }),
};

const fault = faultAmong(name);

/** @throws SimulationError that names the call, the argument, its value and what is allowed */
export function checkCall(call: keyof typeof calls, given: object): void {
  checkArguments(call, calls[call], given);
}

/** @throws SimulationError that names the fault, what of it is wrong, and what is allowed */
export function checkFault(given: unknown): void {
  const kind: unknown = typeof given === 'object' && given !== null && 'kind' in given ? given.kind : 'apply';
  checkArguments(clip(kind), fault, given);
}

/**
 * A condition's answer.
 *
 * @throws SimulationError for a promise, which would always count as true
 */
export function answerOf(condition: () => boolean): boolean {
  const answer: unknown = condition();
  if (isPromiseLike(answer))
    throw new SimulationError('until: the condition gave a promise, but must give true or false at once');
  return Boolean(answer);
}

/** @throws SimulationError for the first mistake, with the call that it was made in */
export function checkArguments(call: string, schema: v.GenericSchema, given: unknown): void {
  const mistake = mistakeIn(schema, given, 'the fault');
  if (mistake !== undefined) throw new SimulationError(`${call}: ${mistake.path} ${mistake.problem}`);
}
