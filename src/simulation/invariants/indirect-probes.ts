import type { Peer, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { Check, WatchedNode } from './check.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** A probe that is running. */
interface Running {
  /** Requests that have been sent to relays for it. */
  asked: number;
  isOverdue: boolean;
}

/** A ping that is overdue in this input, and how many relays have to be asked now. */
interface Overdue {
  readonly id: NodeId;
  readonly probe: Running;
  readonly needed: number;
}

/**
 * Rule 1, of each probe that detects a crash: when its ping is overdue it asks k relays, or all where there are fewer, and
 * fails no sooner. One that has asked witnesses of a refusal has its relays already. SWIM §3.1.
 */
export class IndirectProbes implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #observers = new PerNode<SwimMessage, Map<NodeId, Running>>(() => new Map());
  #overdue: Overdue | undefined;

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  sent(node: WatchedNode<SwimMessage>, _to: Peer, message: SwimMessage): void {
    if (message.type !== 'pingReq' || message.why === 'no-route') return;
    const probe = this.#observers.of(node)?.get(message.target);
    if (probe !== undefined) probe.asked++;
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about }: TraceEvent): void {
    if (about === undefined) return;
    switch (kind) {
      case 'probe':
        this.#observers.of(node)?.set(about, { asked: 0, isOverdue: false });
        return;
      case 'probe-overdue': {
        const probe = this.#observers.of(node)?.get(about);
        if (probe === undefined) return;
        probe.isOverdue = true;
        if (probe.asked === 0) this.#overdue = { id: about, probe, needed: this.#relaysFor(node, about) };
        return;
      }
      case 'probe-failed': {
        const observer = this.#observers.of(node);
        const probe = observer?.get(about);
        observer?.delete(about);
        if (probe?.isOverdue === false)
          violated(1, node, `failed a probe of ${nameOf(node, about)} whose ping was not overdue`);
      }
    }
  }

  afterInput(node: WatchedNode<SwimMessage>): void {
    if (this.#overdue === undefined) return;
    const { id, probe, needed } = this.#overdue;
    this.#overdue = undefined;
    if (probe.asked < needed)
      violated(1, node, `asked ${probe.asked} relays to probe ${nameOf(node, id)}, where ${needed} could`);
  }

  /** Whoever is alive may relay; a suspect is not asked. */
  #relaysFor(node: WatchedNode<SwimMessage>, target: NodeId): number {
    const { indirectProbes } = this.#options;
    let relays = 0;
    for (const { id, state } of node.protocol.view.members) {
      if (relays >= indirectProbes) break;
      if (state === 'alive' && id !== target && id !== node.id) relays++;
    }
    return relays;
  }
}

function nameOf({ protocol }: WatchedNode<SwimMessage>, id: NodeId): string {
  return protocol.member(id)?.name ?? id;
}
