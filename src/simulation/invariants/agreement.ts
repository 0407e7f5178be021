import type { MembershipEvent } from '../../membership/membership.js';
import type { ProtocolNotice } from '../../membership/protocol.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import { formatAddress } from '../../address.js';
import { agreementMs, MEETINGS_EXPECTED } from './bounds.js';
import type { Calm } from './calm.js';
import type { Check, Watched, WatchedNode } from './check.js';
import { findIslands, type Islands } from './islands.js';
import { MemberCount } from './member-count.js';
import { violated } from './violation.js';

/** Between two looks lie at least this long, and longer in a large cluster: a look may cost n². */
const LOOK_EVERY_MS = 5000;
const LOOK_EVERY_MS_PER_NODE = 20;
/** In a larger cluster so many nodes stand for all. */
const MAX_OBSERVERS = 64;

/**
 * Rule 14: after a heal and quiescence all live views agree within a bound.
 *
 * The bound counts from when all was quiet and the islands into which the cluster had fallen last became fewer or more; two
 * that are apart must have had the chance to meet. Nodes that never heard of each other need not agree.
 */
export class Agreement<M> implements Check<M> {
  readonly #options: SwimOptions;
  readonly #calm: Calm<M>;
  readonly #counts = new MemberCount<M>();
  /** Addresses that may be anybody's seeds. */
  readonly #addresses = new Set<string>();
  readonly #isOn: boolean;
  #simulation: Watched<M> | undefined;
  #nextLookAtMs = 0;
  #lookedAtMs = 0;
  #quietSinceMs = 0;
  /** Since when there have been so many islands. */
  #stageSinceMs = 0;
  #apart = -1;
  /** Meetings to be expected since then. */
  #expected = 0;
  #hasAgreed = false;

  constructor(options: SwimOptions, calm: Calm<M>) {
    this.#options = options;
    this.#calm = calm;
    // Parts switched off for experiments take the healing with them.
    const { digestSync, infection, revival } = options.components;
    this.#isOn = digestSync && infection && revival;
  }

  begin(simulation: Watched<M>): void {
    this.#simulation = simulation;
  }

  started({ self: { address } }: WatchedNode<M>): void {
    this.#addresses.add(formatAddress(address));
  }

  ended(node: WatchedNode<M>): void {
    this.#counts.ended(node);
  }

  event(node: WatchedNode<M>, event: MembershipEvent): void {
    this.#counts.event(node, event);
    this.#hasAgreed = false;
  }

  noticed(_node: WatchedNode<M>, { type }: ProtocolNotice): void {
    // Such a node waits for a new id, which nobody gives it here.
    if (type === 'identity-lost') this.#nextLookAtMs = Number.POSITIVE_INFINITY;
  }

  tick(nowMs: number): void {
    if (!this.#isOn || nowMs < this.#nextLookAtMs) return;
    const { quietSinceMs } = this.#calm;
    if (quietSinceMs > nowMs) return;
    if (quietSinceMs !== this.#quietSinceMs) this.#begin(quietSinceMs);
    if (this.#hasAgreed) return;
    const nodes = this.#simulation?.running().filter(({ protocol }) => protocol.local.state !== 'left') ?? [];
    this.#nextLookAtMs = nowMs + Math.max(LOOK_EVERY_MS, LOOK_EVERY_MS_PER_NODE * nodes.length);
    this.#look(nodes, nowMs);
    this.#lookedAtMs = nowMs;
  }

  #begin(quietSinceMs: number): void {
    this.#quietSinceMs = quietSinceMs;
    this.#stageSinceMs = quietSinceMs;
    this.#apart = -1;
    this.#expected = 0;
    this.#hasAgreed = false;
  }

  #look(nodes: readonly WatchedNode<M>[], nowMs: number): void {
    this.#hasAgreed =
      nodes.length > this.#options.maxMembers || this.#disagreement(nodes, undefined) === undefined;
    if (this.#hasAgreed) return;
    const islands = findIslands(nodes);
    if (islands.apart !== this.#apart) {
      this.#apart = islands.apart;
      this.#stageSinceMs = nowMs;
      this.#expected = 0;
    }
    const { healIntervalMs } = this.#options;
    const firstTryMs = Math.max(this.#lookedAtMs, this.#stageSinceMs + 1.5 * healIntervalMs);
    const tries = Math.max(0, nowMs - firstTryMs) / (1.5 * healIntervalMs);
    this.#expected += tries * this.#meetings(nodes, islands);
    if (islands.apart > 0 && this.#expected < MEETINGS_EXPECTED) return;
    const bound = agreementMs(this.#options, nodes.length, this.#calm.longestDisturbanceMs);
    if (nowMs - this.#stageSinceMs < bound) return;
    const found = this.#disagreement(nodes, islands);
    if (found === undefined) return;
    const forMs = nowMs - this.#stageSinceMs;
    violated(14, found.node, `${found.what} after ${forMs} ms of quiet, of at most ${Math.round(bound)}`);
  }

  /** The first node that does not hold exactly those that know of each other, all of them alive; undefined: all do. */
  #disagreement(
    nodes: readonly WatchedNode<M>[],
    islands: Islands | undefined,
  ): { readonly node: WatchedNode<M>; readonly what: string } | undefined {
    const step = islands === undefined ? Math.ceil(nodes.length / MAX_OBSERVERS) : 1;
    for (let at = 0; at < nodes.length; at += step) {
      const node = nodes[at]!;
      let size = 0;
      for (let other = 0; other < nodes.length; other++) {
        if (islands !== undefined && islands.acquainted[other] !== islands.acquainted[at]) continue;
        size++;
        const { id, name } = nodes[other]!;
        const state = other === at ? 'alive' : node.protocol.member(id)?.state;
        if (state !== 'alive') return { node, what: `holds ${name} ${state ?? 'unknown'}` };
      }
      const held = this.#counts.at(node);
      if (held !== size) return { node, what: `has ${held} members where ${size} run` };
    }
    return undefined;
  }

  /** How many islands' members one round of everybody's tries is expected to meet. Places: all that may be tried. */
  #meetings(nodes: readonly WatchedNode<M>[], { island, apart }: Islands): number {
    if (apart === 0) return 0;
    let expected = 0;
    const seeds = Math.min(this.#options.maxSeeds, this.#addresses.size - 1);
    nodes.forEach(({ protocol }, at) => {
      let lost = 0;
      nodes.forEach(({ id }, other) => {
        if (island[other] !== island[at] && protocol.member(id)?.state === 'unreachable') lost++;
      });
      if (lost === 0) return;
      const gauges: Readonly<Record<string, number>> =
        'gauges' in protocol ? (protocol.gauges as Readonly<Record<string, number>>) : {};
      const { tombstones = lost, addressBook = 0 } = gauges;
      expected += lost / (tombstones + addressBook + seeds);
    });
    return expected;
  }
}
