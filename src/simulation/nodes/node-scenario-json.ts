import * as v from 'valibot';
import { DEFAULT_LIMITS } from '../../transport/session/limits.js';
import {
  checkedScenario,
  count,
  duration,
  jsonOf,
  latency,
  nodeName,
  scenarioEntries,
  share,
} from '../scenarios/fault-json.js';
import type { Fault } from '../scenarios/fault.js';
import type { NodeScenario } from './node-scenario.js';

/** As in a NestCluster. */
const MAX_NODES = 100;
/** TCP doubles and reorders nothing; the others are faults of the simulator's light links. */
const WITHOUT = new Set<Fault['kind']>(['duplicate', 'reorder', 'block-io', 'share-address']);

const limitNames = v.picklist(Object.keys(DEFAULT_LIMITS));

const schema = v.strictObject({
  ...scenarioEntries(MAX_NODES),
  kind: v.literal('nodes'),
  late: v.optional(v.array(nodeName)),
  options: v.strictObject({
    latency,
    wire: v.optional(v.boolean()),
    limits: v.optional(v.record(limitNames, count), {}),
    traffic: v.strictObject({
      meanGapMs: v.pipe(v.number(), v.minValue(1, 'must be at least 1')),
      slowShare: share,
      slowMs: duration,
      largeShare: share,
      burstShare: share,
      reader: v.boolean(),
    }),
    drains: v.optional(v.boolean()),
  }),
});

/**
 * Reads a scenario of whole nodes that was saved as JSON, or written by hand.
 *
 * @param option which option named it, for errors
 * @throws InvalidOptionError when it is none, with the place of the first mistake
 */
export function nodeScenarioFromJson(text: string, option: string): NodeScenario {
  return checkedScenario(schema, jsonOf(text, option), option, WITHOUT);
}
