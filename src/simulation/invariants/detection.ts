import type { MembershipEvent } from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import { detectionRounds, longestSuspicionMs, SLACK_MS, warmUpMs } from './bounds.js';
import type { Calm } from './calm.js';
import type { Check, Watched, WatchedNode } from './check.js';
import { MemberCount } from './member-count.js';
import { violated } from './violation.js';

/** Between two looks at the dead. */
const LOOK_EVERY_MS = 1000;
/** The latest dead that are watched for. */
const MAX_DEAD = 32;
/** Observers that are looked at for each. */
const MAX_OBSERVERS = 128;

/** What an observer holds of a dead process, since when. */
interface Belief {
  state: 'alive' | 'suspect';
  incarnation: number;
  sinceMs: number;
  /** The observer's own rounds then. */
  sinceRound: number;
  /** The largest n since then. */
  n: number;
}

interface Dead<M> {
  readonly node: WatchedNode<M>;
  readonly beliefs: Map<WatchedNode<M>, Belief>;
}

/**
 * Rule 1: a crash is suspected by every live member within 2n of its own periods, or learned; and it is down after the
 * longest suspicion from then.
 *
 * Only calm time counts: a disturbance of the network or of nodes starts all counts again, and they run once a node that
 * had been away may judge again. Deaths do not disturb. A late refutation from before the death starts a belief again; it
 * cannot happen often, since nobody raises the incarnation of the dead (rule 3).
 */
export class Detection<M> implements Check<M> {
  readonly #options: SwimOptions;
  readonly #calm: Calm<M>;
  readonly #counts = new MemberCount<M>();
  readonly #rounds = new Map<WatchedNode<M>, number>();
  #dead: Dead<M>[] = [];
  #simulation: Watched<M> | undefined;
  #nextLookAtMs = 0;

  constructor(options: SwimOptions, calm: Calm<M>) {
    this.#options = options;
    this.#calm = calm;
  }

  begin(simulation: Watched<M>): void {
    this.#simulation = simulation;
  }

  ended(node: WatchedNode<M>, how: 'closed' | 'goodbye' | 'silent'): void {
    this.#rounds.delete(node);
    this.#counts.ended(node);
    for (const { beliefs } of this.#dead) beliefs.delete(node);
    if (how === 'goodbye') return;
    this.#dead.push({ node, beliefs: new Map() });
    if (this.#dead.length > MAX_DEAD) this.#dead.shift();
  }

  event(node: WatchedNode<M>, event: MembershipEvent): void {
    this.#counts.event(node, event);
  }

  traced(node: WatchedNode<M>, { kind }: TraceEvent): void {
    if (kind === 'round') this.#rounds.set(node, (this.#rounds.get(node) ?? 0) + 1);
  }

  tick(nowMs: number): void {
    if (this.#dead.length === 0 || nowMs < this.#nextLookAtMs) return;
    this.#nextLookAtMs = nowMs + LOOK_EVERY_MS;
    if (this.#calm.calmSinceMs + warmUpMs(this.#options) > nowMs) {
      for (const { beliefs } of this.#dead) beliefs.clear();
      return;
    }
    const observers = this.#simulation?.running().slice(0, MAX_OBSERVERS) ?? [];
    this.#dead = this.#dead.filter((dead) => this.#isHeld(dead, observers, nowMs));
  }

  /** Whether somebody still counts it in. */
  #isHeld(dead: Dead<M>, observers: readonly WatchedNode<M>[], nowMs: number): boolean {
    let held = false;
    for (const observer of observers) {
      const member = observer.protocol.member(dead.node.id);
      if (member?.isActive !== true || observer.protocol.local.state === 'left') {
        dead.beliefs.delete(observer);
        continue;
      }
      held = true;
      this.#judge(dead, observer, member.state as Belief['state'], member.incarnation, nowMs);
    }
    return held;
  }

  #judge(
    { node, beliefs }: Dead<M>,
    observer: WatchedNode<M>,
    state: Belief['state'],
    incarnation: number,
    nowMs: number,
  ): void {
    const round = this.#rounds.get(observer) ?? 0;
    const n = this.#counts.at(observer);
    const belief = beliefs.get(observer);
    if (belief === undefined || belief.state !== state || belief.incarnation !== incarnation) {
      beliefs.set(observer, { state, incarnation, sinceMs: nowMs, sinceRound: round, n });
      return;
    }
    belief.n = Math.max(belief.n, n);
    const rounds = round - belief.sinceRound;
    const bound = detectionRounds(belief.n);
    if (state === 'alive' && rounds > bound) {
      violated(
        1,
        observer,
        `has not suspected ${node.name} in ${rounds} rounds since its death, of ${bound}`,
      );
    }
    const forMs = nowMs - belief.sinceMs;
    const mostMs = longestSuspicionMs(this.#options, belief.n) + SLACK_MS;
    if (state === 'suspect' && forMs > mostMs) {
      violated(1, observer, `suspects the dead ${node.name} for ${forMs} ms, of at most ${mostMs}`);
    }
  }
}
