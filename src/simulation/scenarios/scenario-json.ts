import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.js';
import type { Scenario } from './scenario.js';

const name = v.pipe(v.string(), v.regex(/^[a-z]+$/, 'must be a name of a node: a, b … z, aa …'));
const duration = v.pipe(v.number('must be a number of milliseconds'), v.minValue(0, 'must not be negative'));
const share = v.pipe(
  v.number('must be a share from 0 to 1'),
  v.minValue(0, 'must be a share from 0 to 1'),
  v.maxValue(1, 'must be a share from 0 to 1'),
);
const count = v.pipe(v.number(), v.integer('must be an integer'), v.minValue(0, 'must not be negative'));
const way = { from: v.optional(name), to: v.optional(name) };
const latency = v.strictObject({
  minMs: duration,
  maxMs: duration,
  shape: v.optional(v.picklist(['uniform', 'exponential', 'log-normal'])),
  meanMs: v.optional(duration),
});

const fault = v.variant('kind', [
  v.strictObject({ kind: v.picklist(['cut', 'heal']), from: name, to: name }),
  v.strictObject({ kind: v.literal('partition'), groups: v.array(v.array(name)) }),
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
  v.strictObject({
    kind: v.literal('answer-dials'),
    node: name,
    rule: v.picklist(['allow', 'refuse', 'drop']),
  }),
  v.strictObject({
    kind: v.picklist(['crash', 'power-off', 'restart', 'leave', 'pause', 'resume', 'share-address']),
    node: name,
  }),
  v.strictObject({ kind: v.picklist(['stall', 'block-io', 'suspend']), node: name, ms: duration }),
  v.strictObject({ kind: v.literal('shift-clock'), node: name, ms: v.number() }),
  v.strictObject({ kind: v.literal('slow-loop'), node: name, callbackMs: duration }),
  v.strictObject({
    kind: v.literal('set-metadata'),
    node: name,
    metadata: v.record(v.string(), v.unknown()),
  }),
]);

const scenarioSchema = v.strictObject({
  seed: v.pipe(v.number(), v.integer('must be an integer')),
  nodes: v.pipe(v.number(), v.integer('must be an integer'), v.minValue(1, 'must be at least 1')),
  themes: v.optional(v.array(v.string()), []),
  options: v.optional(
    v.strictObject({
      preset: v.optional(v.picklist(['lan', 'wan', 'local'])),
      swim: v.optional(v.record(v.string(), v.unknown())),
      wire: v.optional(v.boolean()),
      start: v.optional(v.picklist(['one-by-one', 'together'])),
      maxLinks: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    }),
    {},
  ),
  schedule: v.array(v.strictObject({ atMs: duration, fault })),
  runForMs: duration,
  settleWithinMs: duration,
});

/**
 * Reads a scenario that was saved as JSON, or written by hand.
 *
 * @param option which option named it, for errors
 * @throws InvalidOptionError when it is none, with the place of the first mistake
 */
export function scenarioFromJson(text: string, option: string): Scenario {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InvalidOptionError(option, `holds no JSON: ${(cause as SyntaxError).message}`, { cause });
  }
  const parsed = v.safeParse(scenarioSchema, json);
  if (!parsed.success) {
    const [{ message }] = parsed.issues;
    const place = v.getDotPath(parsed.issues[0]) ?? 'the whole';
    throw new InvalidOptionError(option, `holds no scenario: ${place}: ${message}`);
  }
  const scenario = parsed.output as unknown as Scenario;
  return { ...scenario, schedule: [...scenario.schedule].sort((a, b) => a.atMs - b.atMs) };
}
