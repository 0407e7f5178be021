import type { MembershipEvent } from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import { SLACK_MS } from './bounds.js';
import type { Check, WatchedNode } from './check.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** A timer may fire a rounding error before its time, and one wakes for all that is due. */
const ROUNDING_MS = 1.1;

/**
 * Rule 19, the time of tombstones: who is unreachable or has left is forgotten when the tombstone time is over, not before,
 * unless there are too many, and not long after.
 */
export class Reaping implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  /** When each was buried, the one longest ago first. */
  readonly #buried = new PerNode<SwimMessage, Map<NodeId, number>>(() => new Map());

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#buried.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#buried.forget(node);
  }

  event(node: WatchedNode<SwimMessage>, { type, member }: MembershipEvent): void {
    if (type === 'joined') this.#buried.of(node)?.delete(member.id);
    // Leaving the unreachable does not bury them again: it emits nothing.
    else if (type === 'unreachable' || type === 'left')
      this.#buried.of(node)?.set(member.id, node.protocolNowMs);
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about }: TraceEvent): void {
    if (kind === 'round') this.#look(node);
    // It forgets all that it knew.
    else if (kind === 'slept') this.#buried.of(node)?.clear();
    else if (kind === 'reaped' && about !== undefined) this.#reaped(node, about);
  }

  #reaped(node: WatchedNode<SwimMessage>, id: NodeId): void {
    const buried = this.#buried.of(node);
    const sinceMs = buried?.get(id);
    if (buried === undefined || sinceMs === undefined) return;
    const forMs = node.protocolNowMs - sinceMs;
    const { tombstoneMs, maxTombstones } = this.#options;
    // The event of the one that is too many comes after.
    const isFull = buried.size >= maxTombstones;
    buried.delete(id);
    if (forMs >= tombstoneMs - ROUNDING_MS || isFull) return;
    violated(19, node, `forgot one whom it had buried for ${forMs.toFixed(0)} ms, not ${tombstoneMs}`);
  }

  #look(node: WatchedNode<SwimMessage>): void {
    const [oldest] = this.#buried.of(node) ?? [];
    if (oldest === undefined) return;
    const forMs = node.protocolNowMs - oldest[1];
    const { tombstoneMs } = this.#options;
    if (forMs <= tombstoneMs + SLACK_MS) return;
    violated(19, node, `remembers one whom it buried ${forMs.toFixed(0)} ms ago, beyond ${tombstoneMs}`);
  }
}
