import type { Address } from '../address.js';
import { MembershipEvent, type Member } from '../membership/membership.js';
import type { View } from '../membership/view.js';
import type { NodeId } from '../node-id.js';

/** Ids that have left and are remembered; the oldest goes first. */
const MAX_DEPARTED = 4096;

/**
 * Keeps the order of events legal when a node goes on under a new identity. Its new protocol knows nobody and
 * announces everybody again; the application, which was never told that they went, hears only of differences, and
 * nothing at all of those that have left.
 */
export class EventContinuity {
  /** Active members as the application knows them. */
  readonly #told = new Map<NodeId, Member>();
  readonly #departed = new Set<NodeId>();
  /** Those of them that the new protocol has not met yet. */
  #unmet = new Map<NodeId, Member>();

  /** What the application is to be told of an event; undefined for nothing. */
  admit(event: MembershipEvent, view: View): MembershipEvent | undefined {
    const { id } = event.member;
    if (this.#departed.has(id)) return undefined;
    const before = this.#unmet.get(id);
    this.#unmet.delete(id);
    if (event.member.isActive) this.#told.set(id, event.member);
    else this.#told.delete(id);
    if (event.type === 'left') this.#bury(id);
    if (before === undefined || event.type !== 'joined') return event;
    const changed = before.incarnation !== event.member.incarnation || before.state !== event.member.state;
    if (before.state === 'suspect')
      return MembershipEvent.of('recovered', event.member, before, view, event.atMs);
    return changed ? MembershipEvent.of('updated', event.member, before, view, event.atMs) : undefined;
  }

  /** A new protocol takes over. @returns where the members are that it has to meet again */
  restart(): readonly Address[] {
    this.#unmet = new Map(this.#told);
    return [...this.#unmet.values()].map((member) => member.address);
  }

  /** The new protocol had its time: whom it has not met is unreachable from here. */
  settle(view: View, atMs: number): MembershipEvent[] {
    const lost = [...this.#unmet.values()];
    this.#unmet.clear();
    return lost.map((member) => {
      this.#told.delete(member.id);
      return MembershipEvent.of('unreachable', member.with({ state: 'unreachable' }), member, view, atMs);
    });
  }

  #bury(id: NodeId): void {
    this.#departed.add(id);
    if (this.#departed.size > MAX_DEPARTED) this.#departed.delete(this.#departed.values().next().value!);
  }
}
