import { checkedSwim } from '../cluster/validate-options.js';
import { swimCodec } from '../membership/swim/codec.js';
import { IdDirectory } from '../membership/swim/id-map.js';
import type { SwimMessage } from '../membership/swim/messages.js';
import type { SwimOverrides, SwimPreset } from '../membership/swim/options.js';
import { Swim } from '../membership/swim/swim.js';
import { checkSimulateOptions } from './check-options.js';
import { swimChecks } from './invariants/always.js';
import { Simulation, type SimulationOptions } from './simulation.js';

/** A simulation of SWIM. @publicApi */
export interface SimulateOptions extends Omit<SimulationOptions<SwimMessage>, 'protocol' | 'wire'> {
  /** Default: `lan`. */
  readonly preset?: SwimPreset | undefined;
  /** Parameters that differ from the preset. */
  readonly swim?: SwimOverrides | undefined;
  /** Sends every message through its bytes. Default: false. */
  readonly wire?: boolean | undefined;
}

/**
 * Starts a simulated cluster of SWIM nodes in virtual time.
 *
 * @throws InvalidOptionError for a wrong option; what the cluster is then told to do throws SimulationError
 * @example simulate({ nodes: 3, seed: 7 }).settle().crash('c').untilEveryoneHolds('c', 'unreachable')
 *
 * @publicApi
 */
export function simulate(options: SimulateOptions): Simulation<SwimMessage> {
  checkSimulateOptions(options);
  const { preset, swim, wire, invariants = true, checks = [], ...others } = options;
  const parameters = checkedSwim({ preset, swim });
  const directory = new IdDirectory();
  return new Simulation<SwimMessage>({
    ...others,
    checks: [...(invariants ? swimChecks(parameters, options.latency) : []), ...checks],
    invariants,
    protocol: (local, world) => new Swim(parameters, local, world, directory),
    wire: wire === true ? swimCodec : undefined,
  });
}

/** Milliseconds, for tests that read like sentences. @publicApi */
export function seconds(count: number): number {
  return count * 1000;
}

/** The same for minutes. @publicApi */
export function minutes(count: number): number {
  return count * 60_000;
}
