import { expect } from '@jest/globals';
import type { MembershipEvent } from '../../../src/membership/membership.js';
import type {
  LocalMember,
  Peer,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
  World,
} from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions, type SwimOverrides } from '../../../src/membership/swim/options.js';
import { Swim } from '../../../src/membership/swim/swim.js';
import type { NodeId } from '../../../src/node-id.js';
import { swimChecks } from '../../../src/simulation/invariants/always.js';
import type { Check } from '../../../src/simulation/invariants/check.js';
import { Simulation, type SimulationOptions } from '../../../src/simulation/simulation.js';

/** The world of a real protocol, to be tampered with: a bug is planted by overriding one method. */
export class TamperedWorld implements World<SwimMessage> {
  constructor(protected readonly real: World<SwimMessage>) {}

  get trace(): ((event: TraceEvent) => void) | undefined {
    return (event) => this.traced(event);
  }

  traced(event: TraceEvent): void {
    this.real.trace?.(event);
  }
  now(): number {
    return this.real.now();
  }
  epochMs(): number {
    return this.real.epochMs();
  }
  random(): number {
    return this.real.random();
  }
  send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
    this.real.send(to, message, options);
  }
  after(delayMs: number, timer: ProtocolTimer): void {
    this.real.after(delayMs, timer);
  }
  afterPoll(timer: ProtocolTimer): void {
    this.real.afterPoll(timer);
  }
  cancel(timer: ProtocolTimer): void {
    this.real.cancel(timer);
  }
  resetLink(id: NodeId): void {
    this.real.resetLink(id);
  }
  emit(event: MembershipEvent): void {
    this.real.emit(event);
  }
  notice(notice: ProtocolNotice): void {
    this.real.notice(notice);
  }
}

/** What is wrong with the protocol. */
export interface Plant {
  /** Other parameters than those that the checks know. */
  readonly swim?: SwimOverrides | undefined;
  readonly world?: ((real: World<SwimMessage>, local: LocalMember) => World<SwimMessage>) | undefined;
  readonly protocol?: typeof Swim | undefined;
  /** Whose protocol it is. Default: everybody's. */
  readonly at?: string | undefined;
}

/** All checks but one, which would find a bug before the one that is tested. */
export function checksWithout(
  other: new (...given: never[]) => Check<SwimMessage>,
): readonly Check<SwimMessage>[] {
  return swimChecks(resolveSwimOptions('lan')).filter((check) => !(check instanceof other));
}

/** A cluster of SWIM with all checks, and perhaps a bug. `swim`: what protocol and checks agree on. */
export function cluster(
  options: Omit<SimulationOptions<SwimMessage>, 'protocol' | 'seed'> & {
    readonly seed?: number;
    readonly swim?: SwimOverrides | undefined;
  },
  plant: Plant = {},
): Simulation<SwimMessage> {
  const { swim, ...rest } = options;
  const honest = resolveSwimOptions('lan', swim);
  const planted = resolveSwimOptions('lan', { ...swim, ...plant.swim });
  return new Simulation<SwimMessage>({
    seed: 1,
    checks: swimChecks(honest),
    ...rest,
    protocol: (local, world) => {
      if (plant.at !== undefined && plant.at !== local.name) return new Swim(honest, local, world);
      const protocol = plant.protocol ?? Swim;
      return new protocol(planted, local, plant.world?.(world, local) ?? world);
    },
  });
}

/** Plays a scenario with a bug, which has to be found, and without it, which has to pass. */
export function expectFound(
  rule: number,
  play: (plant?: Plant) => Simulation<SwimMessage>,
  plant: Plant,
  what = /./,
): void {
  expect(() => play().finish()).not.toThrow();
  const found = expect(() => play(plant).finish());
  found.toThrow(new RegExp(`^Invariant ${rule} is broken`));
  found.toThrow(what);
}
