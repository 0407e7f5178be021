import type { MembershipEvent } from '../../membership/membership.js';
import type { Check, WatchedNode } from './check.js';

/**
 * n at each node, itself included, counted from its events: looking at a view costs building it. It checks nothing; several
 * checks can share one that stands before them.
 */
export class MemberCount<M> implements Check<M> {
  readonly #counts = new Map<WatchedNode<M>, number>();

  /** How many members this node holds active. */
  at(node: WatchedNode<M>): number {
    return this.#counts.get(node) ?? 1;
  }

  event(node: WatchedNode<M>, { type, member }: MembershipEvent): void {
    if (member.id === node.id) return;
    if (type === 'joined') this.#counts.set(node, this.at(node) + 1);
    else if (type === 'unreachable' || type === 'left') this.#counts.set(node, this.at(node) - 1);
  }

  ended(node: WatchedNode<M>): void {
    this.#counts.delete(node);
  }
}
