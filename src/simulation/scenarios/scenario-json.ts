import * as v from 'valibot';
import { checkedSwim, swimEntries } from '../../cluster/validate-options.js';
import { InvalidOptionError } from '../../errors.js';
import { checkedScenario, jsonOf, scenarioEntries } from './fault-json.js';
import type { Scenario } from './scenario.js';

/** As `--nodes` of the command line. */
const MAX_NODES = 5000;

const scenarioSchema = v.strictObject({
  ...scenarioEntries(MAX_NODES),
  themes: v.optional(v.array(v.string()), []),
  options: v.optional(
    v.strictObject({
      ...swimEntries,
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
  const scenario = checkedScenario<Scenario>(scenarioSchema, jsonOf(text, option), option);
  try {
    checkedSwim(scenario.options);
  } catch (cause) {
    if (!(cause instanceof InvalidOptionError)) throw cause;
    throw new InvalidOptionError(option, `holds no scenario: ${cause.message}`, { cause });
  }
  return scenario;
}
