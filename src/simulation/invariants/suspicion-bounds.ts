import type { MembershipEvent } from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import { updatesOf } from './claims.js';
import { longestSuspicionMs, shortestSuspicionMs, suspicionMs } from './bounds.js';
import type { Check, WatchedNode } from './check.js';
import type { Contacts } from './contacts.js';
import { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

const ROUNDING_MS = 0.01;

interface Suspicion {
  readonly accusers: Set<NodeId>;
}

/**
 * Rule 11: a soft suspicion's timeout lies in [Min, Max], never grows with its confirmations, and counts each accuser
 * once. The formulas are this check's own.
 */
export class SuspicionBounds implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #contacts: Contacts;
  readonly #counts = new MemberCount<SwimMessage>();
  readonly #suspicions = new PerNode<SwimMessage, Map<NodeId, Suspicion>>(() => new Map());

  constructor(options: SwimOptions, contacts: Contacts) {
    this.#options = options;
    this.#contacts = contacts;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#suspicions.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#suspicions.forget(node);
    this.#counts.ended(node);
  }

  event(node: WatchedNode<SwimMessage>, event: MembershipEvent): void {
    this.#counts.event(node, event);
    if (event.type !== 'suspected' && event.type !== 'updated')
      this.#suspicions.of(node)?.delete(event.member.id);
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, by, data }: TraceEvent): void {
    if (kind !== 'suspected' && kind !== 'suspicion-confirmed') return;
    const running = this.#suspicions.of(node);
    if (running === undefined || about === undefined || by === undefined || data === undefined) return;
    const n = this.#counts.at(node);
    const figures: Figures = { ...UNKNOWN, ...data };
    const before = kind === 'suspected' ? undefined : running.get(about);
    const [accuser = by] = before?.accusers ?? [];
    this.#compare(node, n, accuser, figures);
    const { soonerMs, confirmations } = figures;
    if (before === undefined) {
      running.set(about, { accusers: new Set([by]) });
      return;
    }
    if (before.accusers.has(by)) violated(11, node, 'counted one accuser twice');
    before.accusers.add(by);
    if (by !== node.id && !this.#isAccused(about, by))
      violated(11, node, 'counted an accuser that accused nobody');
    if (confirmations > before.accusers.size - 1) {
      violated(11, node, `counted ${confirmations} confirmations by ${before.accusers.size - 1} others`);
    }
    if (!(soonerMs >= 0)) violated(11, node, `lengthened a suspicion by ${-soonerMs} ms for a confirmation`);
  }

  /** Whether an update of this message accuses the member in that name. What pages list confirms nothing. */
  #isAccused(id: NodeId, accuser: NodeId): boolean {
    const { input } = this.#contacts;
    if (input?.kind !== 'receive') return false;
    return updatesOf(input.message).some(
      (update) =>
        (update.type === 'suspect' && update.id === id && update.accuser === accuser) ||
        (update.type === 'unreachable' && update.id === id && update.by === accuser),
    );
  }

  #compare(
    node: WatchedNode<SwimMessage>,
    n: number,
    accuser: NodeId,
    { timeoutMs, confirmations, expected }: Figures,
  ): void {
    const options = this.#options;
    // All but the subject and its accuser could confirm; an accuser that is gone takes nobody's place.
    const isCounted = accuser === node.id || node.protocol.member(accuser)?.isActive === true;
    const others = n - (isCounted ? 2 : 1);
    const limit = options.capConfirmations
      ? Math.min(options.suspicionConfirmations, Math.max(0, others))
      : options.suspicionConfirmations;
    if (!(expected <= limit))
      violated(11, node, `expects ${expected} confirmations where there can be ${limit}`);
    const min = shortestSuspicionMs(options, n);
    const max = longestSuspicionMs(options, n);
    const inRange = timeoutMs >= min - ROUNDING_MS && timeoutMs <= max + ROUNDING_MS;
    const wanted = suspicionMs(options, n, confirmations, expected);
    if (!inRange || !(Math.abs(timeoutMs - wanted) <= ROUNDING_MS)) {
      violated(
        11,
        node,
        `suspects for ${timeoutMs} ms with ${confirmations} of ${expected} confirmations among ${n}: ` +
          `${wanted} it should be, between ${min} and ${max}`,
      );
    }
  }
}

/** What is traced of a suspicion. */
interface Figures {
  readonly timeoutMs: number;
  readonly confirmations: number;
  readonly expected: number;
  readonly soonerMs: number;
}

/** A figure that is not told breaks the rule. */
const UNKNOWN: Figures = {
  timeoutMs: Number.NaN,
  confirmations: Number.NaN,
  expected: Number.NaN,
  soonerMs: Number.NaN,
};
