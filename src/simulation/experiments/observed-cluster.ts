import type { MembershipEvent } from '../../membership/membership.js';
import type {
  LocalMember,
  Peer,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
  World,
} from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import { resolveSwimOptions } from '../../membership/swim/options.js';
import { Swim } from '../../membership/swim/swim.js';
import type { NodeId } from '../../node-id.js';
import { Simulation } from '../simulation.js';
import type { Series } from './protocols.js';

/** What an experiment is told: who saw what, by name. */
export interface Observer {
  event?(observer: string, about: string, event: MembershipEvent): void;
  trace?(observer: string, trace: TraceEvent): void;
}

export interface ObservedOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly series: Series;
  readonly start: 'together' | 'apart';
}

/**
 * A cluster without journal and checks, as fast as can be, whose events go to an observer as they happen. Checks are for
 * finding defects; an experiment measures.
 */
export function observedCluster(
  { nodes, seed, series, start }: ObservedOptions,
  observer: Observer,
): Simulation<SwimMessage> {
  const parameters = resolveSwimOptions(series.preset, series.swim);
  return new Simulation<SwimMessage>({
    nodes,
    seed,
    start,
    record: false,
    invariants: false,
    // A link for each pair, as a small cluster has.
    maxLinks: Math.max(256, nodes),
    protocol: (local, world) =>
      new Swim(parameters, local, new ObservedWorld(local, world, observer, !series.isPapers)),
  });
}

/** The way out into the world, with an ear on it. */
class ObservedWorld implements World<SwimMessage> {
  readonly trace: ((event: TraceEvent) => void) | undefined;
  readonly #name: string;
  readonly #world: World<SwimMessage>;
  readonly #observer: Observer;
  readonly #hasLinks: boolean;

  constructor({ name }: LocalMember, world: World<SwimMessage>, observer: Observer, hasLinks: boolean) {
    this.#name = name;
    this.#world = world;
    this.#observer = observer;
    this.#hasLinks = hasLinks;
    const { trace } = observer;
    this.trace = trace && ((event) => trace.call(observer, name, event));
  }

  now(): number {
    return this.#world.now();
  }

  epochMs(): number {
    return this.#world.epochMs();
  }

  random(): number {
    return this.#world.random();
  }

  send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
    this.#world.send(to, message, options);
  }

  after(delayMs: number, timer: ProtocolTimer): void {
    this.#world.after(delayMs, timer);
  }

  afterPoll(timer: ProtocolTimer): void {
    this.#world.afterPoll(timer);
  }

  cancel(timer: ProtocolTimer): void {
    this.#world.cancel(timer);
  }

  /** The papers' datagrams have no link that a verdict could close. */
  resetLink(id: NodeId): void {
    if (this.#hasLinks) this.#world.resetLink(id);
  }

  emit(event: MembershipEvent): void {
    this.#observer.event?.(this.#name, event.member.name, event);
    // A node closes its link to whoever it gives up.
    if (this.#hasLinks) this.#world.emit(event);
  }

  notice(notice: ProtocolNotice): void {
    this.#world.notice(notice);
  }
}
