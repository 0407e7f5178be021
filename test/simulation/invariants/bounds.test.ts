import { describe, expect, it } from '@jest/globals';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions, type SwimOverrides } from '../../../src/membership/swim/options.js';
import { longestProbeMs } from '../../../src/simulation/invariants/bounds.js';
import type { Check } from '../../../src/simulation/invariants/check.js';
import { minutes, simulate } from '../../../src/simulation/simulate.js';

/** How long failing probes took in a cluster whose nodes doubt themselves ever more, in milliseconds. */
function failingProbesMs(swim: SwimOverrides): number[] {
  const elapsedMs: number[] = [];
  const check: Check<SwimMessage> = {
    traced: (_node, { kind, data }) => {
      if (kind === 'probe-failed') elapsedMs.push(data!['elapsedMs']!);
    },
  };
  simulate({ nodes: 5, seed: 1, swim, checks: [check] })
    .settle()
    .lose(1)
    .runFor(minutes(3))
    .finish();
  return elapsedMs;
}

describe('the longest probe', () => {
  it.each([
    ['of the default', {}],
    ['where local health is off', { components: { lhaProbe: false }, maxLocalHealth: 0 }],
    ['where local health is small', { maxLocalHealth: 2 }],
    ['whose timeout is most of its interval', { probeTimeoutMs: 980 }],
  ])('%s takes as long as its formula says', (_which, given) => {
    // Nobody is given up, so that there is always somebody to probe.
    const swim = { suspicionAlpha: 1000, ...given };
    const boundMs = longestProbeMs(resolveSwimOptions('lan', swim));
    const longestMs = Math.max(...failingProbesMs(swim));
    expect(longestMs).toBeGreaterThan(boundMs - 1);
    expect(longestMs).toBeLessThan(boundMs + 1);
  });
});
