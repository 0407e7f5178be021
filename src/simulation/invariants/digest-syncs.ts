import type { Peer, TraceEvent } from '../../membership/protocol.js';
import type { Digest, SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { View } from '../../membership/view.js';
import type { Check, Input, WatchedNode } from './check.js';
import { PerNode } from './per-node.js';
import type { SlowMachines } from './slow-machines.js';
import { violated } from './violation.js';

const NEVER = Number.NEGATIVE_INFINITY;
/** A timer of a loop that is not slow. */
const LATE_MS = 100;
/** The jitter of the spacing. */
const MOST_OF_SPACING = 1.25;

interface Observer {
  /** What it has last told of its view, and which view that was: while it is the same, so is its sum. */
  digest: Digest | undefined;
  view: View | undefined;
  /** Contacts in a row whose digest differed, at least. */
  differences: number;
  /** When it last said or heard anything of a sync: perhaps that one still runs. */
  syncedAtMs: number;
  /** How far apart its syncs are now, and when the next one may begin: at most. */
  spacingMs: number;
  nextAtMs: number;
}

/**
 * Rule 14, as it is kept up: whoever is answered with an unequal digest for the second contact in a row begins a sync,
 * unless one runs, or the last one was too short a time ago. Decisions 9.
 */
export class DigestSyncs implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #observers: PerNode<SwimMessage, Observer>;
  readonly #slow: SlowMachines<SwimMessage>;
  /** In this input. */
  #isAnswer = false;
  #hasBegun = false;

  constructor(options: SwimOptions, slow: SlowMachines<SwimMessage>) {
    this.#options = options;
    this.#slow = slow;
    this.#observers = new PerNode(() => ({
      digest: undefined,
      view: undefined,
      differences: 0,
      syncedAtMs: NEVER,
      spacingMs: options.syncSpacingMs,
      nextAtMs: NEVER,
    }));
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    this.#isAnswer = false;
    this.#hasBegun = false;
    if (input.kind === 'receive' && isOfSync(input.message)) this.#synced(node);
  }

  sent(node: WatchedNode<SwimMessage>, _to: Peer, message: SwimMessage): void {
    if (message.type === 'ping' || message.type === 'ack') {
      const observer = this.#observers.of(node);
      if (observer === undefined) return;
      observer.digest = message.digest;
      observer.view = node.protocol.view;
    } else if (isOfSync(message)) this.#synced(node);
  }

  traced(node: WatchedNode<SwimMessage>, { kind, by }: TraceEvent): void {
    if (kind === 'probe-acked') {
      // A relay's word carries no digest.
      if (by === undefined) this.#isAnswer = true;
      return;
    }
    if (kind !== 'sync') return;
    this.#hasBegun = true;
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    // Perhaps a periodic one, which leaves the time of the next as it is.
    const nextAtMs = node.protocolNowMs + observer.spacingMs * MOST_OF_SPACING;
    observer.nextAtMs = Math.max(observer.nextAtMs, nextAtMs);
    observer.spacingMs = Math.min(this.#options.maxSyncSpacingMs, observer.spacingMs * 2);
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind !== 'receive') return;
    const { from, message } = input;
    if (message.type !== 'ack' && (message.type !== 'ping' || message.to !== node.id)) return;
    const observer = this.#observers.of(node);
    if (observer === undefined || node.protocol.member(from.id)?.isActive !== true) return;
    const { digest, view } = observer;
    // An ack that nobody waited for any more may have been compared or not, and so may one with a view that is newer.
    const isCompared = (message.type === 'ping' || this.#isAnswer) && view === node.protocol.view;
    const isEqual = digest?.low === message.digest.low && digest.high === message.digest.high;
    if (!isCompared || isEqual) {
      if (isEqual || view !== node.protocol.view) observer.differences = 0;
      if (isCompared) observer.spacingMs = this.#options.syncSpacingMs;
      return;
    }
    observer.differences++;
    if (message.type === 'ack' && observer.differences >= 2) this.#expect(node, observer);
  }

  #expect(node: WatchedNode<SwimMessage>, { syncedAtMs, nextAtMs, differences }: Observer): void {
    if (this.#hasBegun || node.protocol.local.state === 'left') return;
    const nowMs = node.protocolNowMs;
    if (nowMs < nextAtMs || nowMs <= syncedAtMs + this.#options.syncTimeoutMs + LATE_MS) return;
    if (this.#slow.has(node)) return;
    violated(14, node, `was told of another view by ${differences} contacts in a row, and begins no sync`);
  }

  #synced(node: WatchedNode<SwimMessage>): void {
    const observer = this.#observers.of(node);
    if (observer !== undefined) observer.syncedAtMs = node.protocolNowMs;
  }
}

function isOfSync({ type }: SwimMessage): boolean {
  return type === 'syncStart' || type === 'syncBusy' || type === 'page' || type === 'pageTaken';
}
