import type { MembershipEvent } from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import { longestSuspicionMs, shortestSuspicionMs, suspicionMs, warmUpMs } from './bounds.js';
import type { Check, Input, WatchedNode } from './check.js';
import type { Contacts } from './contacts.js';
import type { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import type { SlowMachines } from './slow-machines.js';
import { violated } from './violation.js';

const ROUNDING_MS = 0.01;
/** Two timers of a loop that is not slow, each up to 50 ms late, and the round in which it is looked at. */
const LATE_MS = 500;

/** A suspicion, and between which moments its deadline in force lies. */
interface Running {
  readonly sinceMs: number;
  readonly accuser: NodeId;
  confirmations: number;
  leastMs: number;
  mostMs: number;
  /** The extremes of n since it began. */
  leastN: number;
  mostN: number;
}

interface Observer {
  readonly running: Map<NodeId, Running>;
  /** Whose ports have refused this node, and have not been reached since: perhaps no confirmers (ADR 10). */
  readonly refusing: Set<NodeId>;
  /** Until then it may not judge: it has been away. */
  blindUntilMs: number;
}

/**
 * Rule 11, on the clock: a soft suspicion ends when the timeout of Lifeguard §IV-B is over, as it followed from n and the
 * confirmations each time that it was set, not before and not long after, whatever is told of it. A contact since then
 * begins it anew (decisions 3).
 */
export class Deadlines implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #contacts: Contacts;
  readonly #counts: MemberCount<SwimMessage>;
  readonly #observers = new PerNode<SwimMessage, Observer>(() => ({
    running: new Map(),
    refusing: new Set(),
    blindUntilMs: Number.NEGATIVE_INFINITY,
  }));
  readonly #slow: SlowMachines<SwimMessage>;

  /** Soft verdicts of this input. */
  readonly #verdicts = new Map<NodeId, Running>();

  constructor(
    options: SwimOptions,
    counts: MemberCount<SwimMessage>,
    contacts: Contacts,
    slow: SlowMachines<SwimMessage>,
  ) {
    this.#options = options;
    this.#slow = slow;
    this.#counts = counts;
    this.#contacts = contacts;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  event(node: WatchedNode<SwimMessage>, { type, member }: MembershipEvent): void {
    const observer = this.#observers.of(node);
    if (observer === undefined || type === 'suspected' || type === 'updated') return;
    observer.running.delete(member.id);
    if (type === 'recovered' || observer.running.size === 0) return;
    const n = this.#counts.at(node);
    for (const running of observer.running.values()) {
      running.leastN = Math.min(running.leastN, n);
      running.mostN = Math.max(running.mostN, n);
    }
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind === 'stalled') {
      const observer = this.#observers.of(node);
      if (observer === undefined || input.ms <= this.#options.probeIntervalMs) return;
      observer.blindUntilMs = node.protocolNowMs + warmUpMs(this.#options) + this.#options.syncIntervalMs;
    } else if (input.kind === 'link' && input.about.id !== undefined) {
      const { evidence } = input;
      if (evidence === 'up') this.#observers.of(node)?.refusing.delete(input.about.id);
      else if (evidence === 'refused') this.#observers.of(node)?.refusing.add(input.about.id);
    }
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    this.#judgeAll(node);
    if (input.kind !== 'link' || (input.evidence !== 'refused' && input.evidence !== 'closed')) return;
    // One confirmer less: the deadline may have come closer, as in a smaller cluster.
    const observer = this.#observers.of(node);
    for (const [id, running] of observer?.running ?? []) {
      const { sinceMs, confirmations } = running;
      const least =
        sinceMs + this.#timeoutMs(node, confirmations, this.#leastExpected(node, observer!, id, running));
      running.leastMs = Math.min(running.leastMs, least);
    }
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, by, detail, data }: TraceEvent): void {
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    if (kind === 'round') return this.#look(node, observer);
    if (about === undefined) return;
    const running = observer.running.get(about);
    switch (kind) {
      case 'suspected': {
        const n = this.#counts.at(node);
        const begun = { sinceMs: node.protocolNowMs, accuser: by ?? node.id, confirmations: 0 };
        const timeoutMs = this.#timeoutMs(node, 0, data?.['expected'] ?? 0);
        const deadlineMs = begun.sinceMs + timeoutMs;
        const fresh = { ...begun, leastMs: deadlineMs, mostMs: deadlineMs, leastN: n, mostN: n };
        observer.running.set(about, fresh);
        return this.#compareExpected(node, observer, about, fresh, data);
      }
      case 'suspicion-confirmed': {
        if (running === undefined) return;
        running.confirmations++;
        const timeoutMs = this.#timeoutMs(node, running.confirmations, data?.['expected'] ?? 0);
        const deadlineMs = running.sinceMs + timeoutMs;
        running.leastMs = Math.min(running.leastMs, deadlineMs);
        // It can be over by the confirmation.
        running.mostMs = Math.min(running.mostMs, Math.max(node.protocolNowMs, deadlineMs));
        return this.#compareExpected(node, observer, about, running, data);
      }
      case 'hard-contradicted': {
        if (running === undefined) return;
        // Set anew, from its beginning.
        const { sinceMs, confirmations } = running;
        const least = this.#leastExpected(node, observer, about, running);
        const most = this.#options.suspicionConfirmations;
        running.leastMs = sinceMs + this.#timeoutMs(node, confirmations, least);
        running.mostMs = Math.max(node.protocolNowMs, sinceMs + this.#timeoutMs(node, confirmations, most));
        return;
      }
      case 'verdict':
        if (running !== undefined && detail === 'soft') this.#verdicts.set(about, running);
    }
  }

  #judgeAll(node: WatchedNode<SwimMessage>): void {
    if (this.#verdicts.size === 0) return;
    const observer = this.#observers.of(node);
    for (const [id, running] of this.#verdicts) {
      if (observer !== undefined) this.#judge(node, observer, id, running);
    }
    this.#verdicts.clear();
  }

  /** A soft verdict of its own. */
  #judge(node: WatchedNode<SwimMessage>, observer: Observer, id: NodeId, running: Running): void {
    const nowMs = node.protocolNowMs;
    const { sinceMs } = running;
    const { askedAtMs } = this.#contacts.of(node, id);
    const hasAnswered = this.#options.components.contraryEvidence && askedAtMs > sinceMs + ROUNDING_MS;
    const leastMs = hasAnswered
      ? askedAtMs + shortestSuspicionMs(this.#options, running.leastN)
      : running.leastMs;
    if (nowMs < leastMs - ROUNDING_MS) {
      const since = hasAnswered ? 'its last answer' : 'it began to suspect';
      const beganMs = hasAnswered ? askedAtMs : sinceMs;
      violated(
        11,
        node,
        `found ${nameOf(node, id)} unreachable ${(nowMs - beganMs).toFixed(0)} ms after ${since}, ` +
          `where ${(leastMs - beganMs).toFixed(0)} were in force`,
      );
    }
    this.#lookAt(node, observer, id, running);
  }

  /** Whether any suspicion goes on beyond its time. */
  #look(node: WatchedNode<SwimMessage>, observer: Observer): void {
    if (observer.running.size === 0 || node.protocol.local.state === 'left') return;
    for (const [id, running] of observer.running) this.#lookAt(node, observer, id, running);
  }

  #lookAt(node: WatchedNode<SwimMessage>, observer: Observer, id: NodeId, running: Running): void {
    const nowMs = node.protocolNowMs;
    if (nowMs <= running.mostMs + LATE_MS || nowMs <= observer.blindUntilMs + LATE_MS) return;
    if (this.#slow.has(node)) return;
    const { heardAtMs } = this.#contacts.of(node, id);
    if (heardAtMs > running.sinceMs) {
      if (nowMs <= heardAtMs + longestSuspicionMs(this.#options, running.mostN) + LATE_MS) return;
    }
    const [forMs, mostMs] = [nowMs - running.sinceMs, running.mostMs - running.sinceMs];
    violated(
      11,
      node,
      `suspects ${nameOf(node, id)} for ${forMs.toFixed(0)} ms, where ${mostMs.toFixed(0)} were in force`,
    );
  }

  /** A K that is too small hurries. */
  #compareExpected(
    node: WatchedNode<SwimMessage>,
    observer: Observer,
    id: NodeId,
    running: Running,
    data: TraceEvent['data'],
  ): void {
    const least = this.#leastExpected(node, observer, id, running);
    const expected = data?.['expected'] ?? Number.NaN;
    if (expected >= least) return;
    violated(11, node, `expects ${expected} confirmations where ${least} others could give one`);
  }

  /** K where nobody counts who may have refused this node: min(3, n − 2) in a cluster that is well. Decisions 10. */
  #leastExpected(
    node: WatchedNode<SwimMessage>,
    { refusing }: Observer,
    id: NodeId,
    { accuser }: Running,
  ): number {
    const { capConfirmations, suspicionConfirmations } = this.#options;
    if (!capConfirmations) return suspicionConfirmations;
    const isCounted = accuser === node.id || node.protocol.member(accuser)?.isActive === true;
    let confirmers = this.#counts.at(node) - (isCounted ? 2 : 1);
    for (const other of refusing) {
      if (other !== id && other !== accuser && node.protocol.member(other)?.isActive === true) confirmers--;
    }
    return Math.min(suspicionConfirmations, Math.max(0, confirmers));
  }

  #timeoutMs(node: WatchedNode<SwimMessage>, confirmations: number, expected: number): number {
    return suspicionMs(this.#options, this.#counts.at(node), confirmations, expected);
  }
}

function nameOf({ protocol }: WatchedNode<SwimMessage>, id: NodeId): string {
  return protocol.member(id)?.name ?? id;
}
