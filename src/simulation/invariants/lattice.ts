import type { Member, MembershipEvent, MemberState } from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { Check, WatchedNode } from './check.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** Between two looks at all that a node remembers lie at least this many of its inputs, and one per member. */
export const INPUTS_PER_SWEEP = 64;

const RANKS: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, unreachable: 2, left: 3 };

/** What one observer has shown so far. */
interface Observer {
  /** Each member as it was at the last look. */
  readonly seen: Map<NodeId, Member>;
  ownIncarnation: number;
  inputs: number;
  nextSweepAt: number;
  /** It has started over in this input: what it forgot, it may learn again. */
  hasSlept: boolean;
}

/**
 * Rules 2 and 3 (an incarnation is its owner's), 4, 5 and 6 (no way back), 9 (nobody doubts itself). Looks at every
 * event, and at all that a node remembers from time to time.
 */
export class Lattice<M> implements Check<M> {
  readonly #owners = new Map<NodeId, WatchedNode<M>>();
  readonly #observers = new PerNode<M, Observer>(({ protocol }) => ({
    seen: new Map(),
    ownIncarnation: protocol.local.incarnation,
    inputs: 0,
    nextSweepAt: 1,
    hasSlept: false,
  }));

  started(node: WatchedNode<M>): void {
    this.#owners.set(node.id, node);
    this.#observers.watch(node);
  }

  /** What it thinks does not count any more; what others think of it does. */
  ended(node: WatchedNode<M>): void {
    this.#observers.forget(node);
  }

  event(node: WatchedNode<M>, { type, member }: MembershipEvent): void {
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    if (member.id !== node.id) this.#look(node, observer, member);
    else if (type !== 'updated' && type !== 'left') violated(9, node, `emitted ${type} about itself`);
  }

  traced(node: WatchedNode<M>, { kind, about }: TraceEvent): void {
    if (kind !== 'reaped' && kind !== 'slept') return;
    const observer = this.#observers.of(node);
    if (kind === 'slept' && observer !== undefined) observer.hasSlept = true;
    if (kind === 'reaped' && about !== undefined) observer?.seen.delete(about);
  }

  afterInput(node: WatchedNode<M>): void {
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    this.#lookAtSelf(node, observer);
    if (++observer.inputs >= observer.nextSweepAt || observer.hasSlept) this.#sweep(node, observer);
  }

  finish(): void {
    for (const [node, observer] of this.#observers.entries()) this.#sweep(node, observer);
  }

  #sweep(node: WatchedNode<M>, observer: Observer): void {
    const { seen } = observer;
    let remembered = 0;
    for (const member of node.protocol.allMembers()) {
      remembered++;
      if (seen.get(member.id) !== member) this.#look(node, observer, member);
    }
    // What a node does not remember cannot be held against it.
    if (seen.size > remembered) {
      for (const id of seen.keys()) if (node.protocol.member(id) === undefined) seen.delete(id);
    }
    observer.hasSlept = false;
    observer.nextSweepAt = observer.inputs + Math.max(INPUTS_PER_SWEEP, remembered);
  }

  #lookAtSelf(node: WatchedNode<M>, observer: Observer): void {
    const { state, incarnation } = node.protocol.local;
    if (state === 'suspect' || state === 'unreachable') violated(9, node, `holds itself ${state}`);
    if (incarnation < observer.ownIncarnation) {
      violated(2, node, `took its incarnation from ${observer.ownIncarnation} to ${incarnation}`);
    }
    observer.ownIncarnation = incarnation;
  }

  #look(node: WatchedNode<M>, observer: Observer, member: Member): void {
    const { id, name, state, incarnation } = member;
    const owner = this.#owners.get(id)?.protocol.local.incarnation;
    if (owner !== undefined && incarnation > owner) {
      violated(3, node, `knows incarnation ${incarnation} of ${name}, whose own is ${owner}`);
    }
    const before = observer.seen.get(id);
    observer.seen.set(id, member);
    if (before === undefined) return;
    if (incarnation < before.incarnation) {
      violated(2, node, `took ${name} from incarnation ${before.incarnation} to ${incarnation}`);
    }
    if (before.state === 'left' && state !== 'left') violated(6, node, `took ${name} from left to ${state}`);
    if (incarnation === before.incarnation && RANKS[state] < RANKS[before.state]) {
      const rule = before.state === 'unreachable' ? 5 : 4;
      violated(rule, node, `took ${name} from ${before.state} to ${state} at incarnation ${incarnation}`);
    }
  }
}
