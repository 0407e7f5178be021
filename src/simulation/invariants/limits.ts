import type { MembershipEvent } from '../../membership/membership.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Check, WatchedNode } from './check.js';
import { INPUTS_PER_SWEEP } from './lattice.js';
import { violated } from './violation.js';

/** What a node holds, by name; a protocol without gauges is looked at from the outside only. */
type Gauges = Readonly<Record<string, number>>;

/** Syncs, joins, questions and the like, each bounded by a constant of the protocol. */
const FIXED_TIMERS = 256;
const FIXED_PINGS = 128;
/** Pings of one probe: kept, fresh, and again after a refusal; of a relay: kept and verify. */
const PINGS_PER_PROBE = 6;

/**
 * Rule 19: tombstones, queues and timers are bounded, and none survives stop; a process that has ended or stopped sends and
 * emits nothing.
 */
export class Limits<M> implements Check<M> {
  readonly #options: SwimOptions;
  readonly #running = new Set<WatchedNode<M>>();
  #inputs = 0;
  #isFinished = false;

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  started(node: WatchedNode<M>): void {
    this.#running.add(node);
  }

  ended(node: WatchedNode<M>): void {
    this.#running.delete(node);
  }

  sent(node: WatchedNode<M>): void {
    if (this.#isFinished || !node.isRunning) violated(19, node, 'sent a message after its end');
  }

  event(node: WatchedNode<M>, { type }: MembershipEvent): void {
    if (this.#isFinished || !node.isRunning) violated(19, node, `emitted ${type} after its end`);
  }

  afterInput(node: WatchedNode<M>): void {
    if (++this.#inputs % INPUTS_PER_SWEEP === 0) this.#look(node, gaugesOf(node));
  }

  finish(): void {
    this.#isFinished = true;
    for (const node of this.#running) {
      const { timers = 0, pings = 0, queuedUpdates = 0, relays = 0, dialBacks = 0 } = gaugesOf(node);
      const left = timers + pings + queuedUpdates + relays + dialBacks;
      if (left > 0) violated(19, node, `holds ${timers} timers and ${left - timers} other things after stop`);
    }
  }

  #look(node: WatchedNode<M>, gauges: Gauges): void {
    for (const [gauge, most] of this.#limits(gauges)) {
      if ((gauges[gauge] ?? 0) > most)
        violated(19, node, `holds ${gauges[gauge]} ${gauge}, of at most ${most}`);
    }
  }

  #limits(gauges: Gauges): readonly (readonly [string, number])[] {
    const { members = 0, tombstones = 0, suspicions = 0, probes = 0, relays = 0, dialBacks = 0 } = gauges;
    const options = this.#options;
    return [
      ['members', options.maxMembers],
      ['tombstones', options.maxTombstones],
      ['queuedUpdates', options.maxQueuedUpdates],
      ['relays', options.maxRelays],
      ['dialBacks', options.maxJoinsAtOnce],
      ['addressBook', options.maxAddressBook],
      ['suspicions', members],
      ['probes', members],
      [
        'timers',
        FIXED_TIMERS + options.maxSeeds + members + tombstones + suspicions + probes + relays + dialBacks,
      ],
      ['pings', FIXED_PINGS + PINGS_PER_PROBE * probes + 2 * relays + dialBacks + suspicions],
    ];
  }
}

function gaugesOf<M>({ protocol }: WatchedNode<M>): Gauges {
  return 'gauges' in protocol ? (protocol.gauges as Gauges) : {};
}
