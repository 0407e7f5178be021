import * as v from 'valibot';
import { checkedScenario, jsonOf, scenarioEntries } from './fault-json.js';
import type { Scenario } from './scenario.js';

const scenarioSchema = v.strictObject({
  ...scenarioEntries,
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
});

/**
 * Reads a scenario that was saved as JSON, or written by hand.
 *
 * @param option which option named it, for errors
 * @throws InvalidOptionError when it is none, with the place of the first mistake
 */
export function scenarioFromJson(text: string, option: string): Scenario {
  return checkedScenario(scenarioSchema, jsonOf(text, option), option);
}
