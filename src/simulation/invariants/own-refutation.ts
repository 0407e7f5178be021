import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Check, Input, WatchedNode } from './check.js';
import { updatesOf } from './claims.js';
import { PerNode } from './per-node.js';
import type { SlowMachines } from './slow-machines.js';
import { violated } from './violation.js';

/** Two timers of a loop that is not slow, each up to 50 ms late, and the round in which it is looked at. */
const LATE_MS = 500;

/** An accusation that a node has still to answer. */
interface Accusation {
  readonly incarnation: number;
  readonly sinceMs: number;
}

/**
 * Rule 8, from the other side: whoever is told of its own accusation refutes it within a gossip interval, coalesced with
 * others perhaps, never skipped (decisions 2). An observer has nothing to cancel a suspicion with otherwise.
 */
export class OwnRefutation implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #accused = new PerNode<SwimMessage, { latest: Accusation | undefined }>(() => ({
    latest: undefined,
  }));
  readonly #slow: SlowMachines<SwimMessage>;

  constructor(options: SwimOptions, slow: SlowMachines<SwimMessage>) {
    this.#options = options;
    this.#slow = slow;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#accused.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#accused.forget(node);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind !== 'receive') return;
    const { from, message } = input;
    const updates = updatesOf(message);
    if (updates.length === 0 || (message.type === 'ping' && message.to !== node.id)) return;
    const accused = this.#accused.of(node);
    const own = node.protocol.local;
    if (accused === undefined || own.state === 'left') return;
    for (const update of updates) {
      if ((update.type !== 'suspect' && update.type !== 'unreachable') || update.id !== node.id) continue;
      const rise = update.incarnation - own.incarnation;
      // A stranger's word does not count; nobody's does who raises an incarnation beyond belief.
      if (rise < 0 || rise > this.#options.maxIncarnationJump) continue;
      if (node.protocol.member(from.id)?.isActive !== true) continue;
      if (update.incarnation > (accused.latest?.incarnation ?? -1))
        accused.latest = { incarnation: update.incarnation, sinceMs: node.protocolNowMs };
    }
  }

  tick(): void {
    const withinMs = this.#options.gossipIntervalMs + LATE_MS;
    for (const [node, accused] of this.#accused.entries()) {
      const { latest } = accused;
      if (latest === undefined || node.isFrozen) continue;
      const { incarnation, state } = node.protocol.local;
      if (incarnation > latest.incarnation || state === 'left' || this.#slow.has(node)) {
        accused.latest = undefined;
      } else if (node.protocolNowMs - latest.sinceMs > withinMs) {
        violated(
          8,
          node,
          `was told of an accusation at incarnation ${latest.incarnation}, and has not refuted it within ${withinMs} ms`,
        );
      }
    }
  }
}
