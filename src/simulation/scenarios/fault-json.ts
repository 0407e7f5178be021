import * as v from 'valibot';
import { mistakeIn } from '../../cluster/option-errors.js';
import { InvalidOptionError } from '../../errors.js';
import type { ClusterMetadata } from '../../membership/membership.js';
import { isPlainData } from '../../membership/swim/plain-data.js';
import type { Fault, ScheduledFault } from './fault.js';
import { contradictionIn, namesIn } from './fault-names.js';
import { nodeNames, type Scenario } from './scenario.js';

/** What scenarios of every kind are written with. */
export const nodeName = v.pipe(v.string(), v.regex(/^[a-z]+$/, 'must be a name of a node: a, b … z, aa …'));
export const duration = v.pipe(
  v.number('must be a number of milliseconds'),
  v.finite('must be finite'),
  v.minValue(0, 'must not be negative'),
);
export const share = v.pipe(
  v.number('must be a share from 0 to 1'),
  v.minValue(0, 'must be a share from 0 to 1'),
  v.maxValue(1, 'must be a share from 0 to 1'),
);
export const count = v.pipe(
  v.number('must be an integer'),
  v.integer('must be an integer'),
  v.minValue(0, 'must not be negative'),
);
/** An integer from 1 on. */
export const positive = (most: number) => {
  const allowed = `must be an integer from 1 to ${most}`;
  return v.pipe(v.number(allowed), v.integer(allowed), v.minValue(1, allowed), v.maxValue(most, allowed));
};
export const latency = v.pipe(
  v.strictObject(
    {
      minMs: duration,
      maxMs: duration,
      shape: v.optional(v.picklist(['uniform', 'exponential', 'log-normal'])),
      meanMs: v.optional(duration),
    },
    'must be { minMs, maxMs }',
  ),
  v.check(({ minMs, maxMs }) => minMs <= maxMs, 'must have a maxMs that is not below its minMs'),
);
export const dialRule = v.picklist(['allow', 'refuse', 'drop'], 'must be "allow", "refuse" or "drop"');
const jump = v.pipe(v.number('must be a number of milliseconds'), v.finite('must be finite'));
const metadata = v.custom<ClusterMetadata>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isPlainData(value),
  'must be a plain object of what JSON can carry',
);

/** A fault, in which nodes go by such names. */
export function faultAmong(name: v.GenericSchema<string>) {
  const way = { from: v.optional(name), to: v.optional(name) };
  const kinds = v.variant('kind', [
    v.strictObject({ kind: v.picklist(['cut', 'heal']), from: name, to: name }),
    v.strictObject({
      kind: v.literal('partition'),
      groups: v.pipe(v.array(v.array(name)), v.minLength(2, 'must be two groups or more')),
    }),
    v.strictObject({ kind: v.literal('heal-all') }),
    v.strictObject({
      kind: v.literal('flap'),
      a: name,
      b: name,
      downMs: duration,
      upMs: duration,
      times: count,
    }),
    v.strictObject({ kind: v.picklist(['lose', 'duplicate']), share, ...way }),
    v.strictObject({ kind: v.literal('reorder'), share, spreadMs: duration, ...way }),
    v.strictObject({ kind: v.literal('delay'), latency, ...way }),
    v.strictObject({ kind: v.literal('answer-dials'), node: name, rule: dialRule }),
    v.strictObject({
      kind: v.picklist(['crash', 'power-off', 'restart', 'leave', 'pause', 'resume', 'share-address']),
      node: name,
    }),
    v.strictObject({ kind: v.picklist(['stall', 'block-io', 'suspend']), node: name, ms: duration }),
    v.strictObject({ kind: v.literal('shift-clock'), node: name, ms: jump }),
    v.strictObject({ kind: v.literal('slow-loop'), node: name, callbackMs: duration }),
    v.strictObject({ kind: v.literal('set-metadata'), node: name, metadata }),
  ]);
  // Half a direction would be taken for everywhere.
  const isWhole = (fault: v.InferOutput<typeof kinds>): boolean =>
    !('share' in fault || 'latency' in fault) || (fault.from === undefined) === (fault.to === undefined);
  return v.pipe(kinds, v.check(isWhole, 'must have both "from" and "to", or neither'));
}

/** What every kind of scenario has. */
export const scenarioEntries = (mostNodes: number) => ({
  seed: v.pipe(v.number(), v.integer('must be an integer')),
  nodes: positive(mostNodes),
  schedule: v.array(v.strictObject({ atMs: duration, fault: faultAmong(nodeName) })),
  runForMs: duration,
  settleWithinMs: duration,
});

/**
 * Reads JSON, from a file or written by hand.
 *
 * @param option which option named it, for errors
 * @throws InvalidOptionError when it is none
 */
export function jsonOf(text: string, option: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidOptionError(option, `holds no JSON: ${(cause as SyntaxError).message}`, { cause });
  }
}

/** What a scenario's faults are measured by. */
type Scheduled = Pick<Scenario, 'nodes' | 'schedule' | 'runForMs'>;

/**
 * Checks a scenario and puts its faults in the order of time. One that never happens would be taken for one that did no
 * harm.
 *
 * @param without faults that do nothing to nodes of this kind
 * @throws InvalidOptionError with the place of the first mistake
 */
export function checkedScenario<S extends Scheduled>(
  schema: v.GenericSchema,
  json: unknown,
  option: string,
  without: ReadonlySet<Fault['kind']> = new Set(),
): S {
  const mistake = mistakeIn(schema, json, 'the whole');
  if (mistake !== undefined)
    throw new InvalidOptionError(option, `holds no scenario: ${mistake.path} ${mistake.problem}`);
  const scenario = v.parse(schema, json) as S;
  const names = new Set(nodeNames(scenario.nodes));
  for (const [index, scheduled] of scenario.schedule.entries()) {
    const objection = objectionTo(scheduled, scenario.runForMs, names, without);
    if (objection !== undefined)
      throw new InvalidOptionError(option, `has a fault that never happens: schedule.${index}: ${objection}`);
  }
  return { ...scenario, schedule: [...scenario.schedule].sort((a, b) => a.atMs - b.atMs) };
}

function objectionTo(
  { atMs, fault }: ScheduledFault,
  runForMs: number,
  names: ReadonlySet<string>,
  without: ReadonlySet<Fault['kind']>,
): string | undefined {
  if (atMs > runForMs) return `atMs is ${atMs}, but the run ends at ${runForMs} (runForMs)`;
  if (without.has(fault.kind)) return `${fault.kind} does nothing to whole nodes`;
  const stranger = namesIn(fault).find((name) => !names.has(name));
  if (stranger !== undefined)
    return `no node is called ${stranger}; the ${names.size} nodes are a to ${[...names].at(-1)!}`;
  return contradictionIn(fault);
}
