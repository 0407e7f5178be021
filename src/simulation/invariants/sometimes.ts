import type { MembershipEvent } from '../../membership/membership.js';
import type { Peer, ProtocolNotice, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { Check, Input, WatchedNode } from './check.js';

/** Paths of the membership protocol that a campaign of random runs must have taken. */
export const PROTOCOL_PATHS = [
  'suspected and refuted',
  'suspected and unreachable',
  'relay said silent',
  'buddy carried a suspicion',
  'suspicion confirmed',
  'hard quorum and hard verdict',
  'hard evidence contradicted',
  'hard evidence waived',
  'verdict contradicted',
  'sync repaired a difference',
  'healed after a partition',
  'tombstone reaped',
  'stale claim answered',
  'replaced at its address',
  'address conflict',
  'stall voided a probe',
  'sleeper rejoined',
] as const;

/** Paths of the session, counted by simulations of whole nodes. */
export const SESSION_PATHS = [
  'session resumed',
  'session found unknown',
  'session found unknown with something in flight',
  'credit exhausted and returned',
  'dials crossed',
] as const;

/** A rare path that is worth taking. A campaign that never takes one proves less than it seems to. */
export type SometimesPath = (typeof PROTOCOL_PATHS)[number] | (typeof SESSION_PATHS)[number];

/** All of them. */
export const SOMETIMES: readonly SometimesPath[] = [...PROTOCOL_PATHS, ...SESSION_PATHS];

/** How often each path was taken. */
export class SometimesCounts {
  readonly #counts = new Map<SometimesPath, number>();

  count(path: SometimesPath, times = 1): void {
    if (times > 0) this.#counts.set(path, this.of(path) + times);
  }

  of(path: SometimesPath): number {
    return this.#counts.get(path) ?? 0;
  }

  /** Adds what another run has counted. */
  merge(other: SometimesCounts): void {
    for (const [path, times] of other.#counts) this.count(path, times);
  }

  /** The paths among these that were never taken, in their order. */
  missing(among: readonly SometimesPath[] = SOMETIMES): readonly SometimesPath[] {
    return among.filter((path) => !this.#counts.has(path));
  }

  /** For reports and for other processes: path and count, in the order of {@link SOMETIMES}. */
  entries(): readonly (readonly [SometimesPath, number])[] {
    return SOMETIMES.filter((path) => this.#counts.has(path)).map((path) => [path, this.of(path)]);
  }
}

/** Traces that are a path by themselves. */
const BY_TRACE: Readonly<Record<string, SometimesPath>> = {
  buddy: 'buddy carried a suspicion',
  'suspicion-confirmed': 'suspicion confirmed',
  'hard-contradicted': 'hard evidence contradicted',
  'verdict-contradicted': 'verdict contradicted',
  'sync-repaired': 'sync repaired a difference',
  healed: 'healed after a partition',
  reaped: 'tombstone reaped',
  'stale-answered': 'stale claim answered',
  replaced: 'replaced at its address',
  'address-conflict': 'address conflict',
};

/** Counts which of {@link PROTOCOL_PATHS} a run takes. Never objects. */
export class Sometimes implements Check<SwimMessage> {
  readonly counts = new SometimesCounts();
  readonly #sleepers = new Set<WatchedNode<SwimMessage>>();
  readonly #running = new Set<WatchedNode<SwimMessage>>();
  /** A relay's time is over; one whose dial was refused beside an open link says `silent` sooner, which is another path. */
  #isNack = false;

  started(node: WatchedNode<SwimMessage>): void {
    this.#running.add(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    if (!this.#running.delete(node)) return;
    this.#sleepers.delete(node);
    this.counts.count('hard evidence waived', node.protocol.counters['quorumsWaived'] ?? 0);
  }

  beforeInput(_node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    this.#isNack = input.kind === 'timer' && input.timer.kind === 'relay-nack';
  }

  sent(_node: WatchedNode<SwimMessage>, _to: Peer, message: SwimMessage): void {
    if (this.#isNack && message.type === 'relayed' && message.outcome === 'silent')
      this.counts.count('relay said silent');
  }

  event(_node: WatchedNode<SwimMessage>, { type, previous }: MembershipEvent): void {
    if (type === 'recovered') this.counts.count('suspected and refuted');
    if (type === 'unreachable' && previous?.state === 'suspect')
      this.counts.count('suspected and unreachable');
  }

  traced(node: WatchedNode<SwimMessage>, { kind, detail, data }: TraceEvent): void {
    const path = BY_TRACE[kind];
    if (path !== undefined) return this.counts.count(path);
    if (kind === 'slept') this.#sleepers.add(node);
    if (kind === 'probe-void' && detail === 'late') this.counts.count('stall voided a probe');
    if (kind === 'verdict' && detail === 'hard' && (data?.['witnesses'] ?? 0) > 0)
      this.counts.count('hard quorum and hard verdict');
  }

  noticed(node: WatchedNode<SwimMessage>, { type }: ProtocolNotice): void {
    if (type === 'join-completed' && this.#sleepers.delete(node)) this.counts.count('sleeper rejoined');
  }

  finish(): void {
    for (const node of this.#running) this.ended(node);
  }
}
