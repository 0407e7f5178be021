import type { NodeId } from '../node-id.js';
import type { Member } from './membership.js';

/**
 * How many changes may pile up unasked: bounds what an old view keeps alive. In a large cluster a share of its members, so
 * that a change costs the same in any.
 */
const MIN_PENDING = 64;
const PENDING_SHARE = 1 / 4;

/**
 * The active members at one moment, immutable. A new view shares its past with the old one and builds its
 * sorted array when somebody first asks, so that an event costs the same in a cluster of 3 and of 5,000.
 */
export class View {
  /** A view of nobody. */
  static get empty(): View {
    return new View([], undefined, undefined, undefined, MIN_PENDING);
  }

  #members: readonly Member[] | undefined;
  #before: View | undefined;
  readonly #changedId: NodeId | undefined;
  #changed: Member | undefined;
  /** How many more changes may pile up on this one. */
  #room: number;

  private constructor(
    members: readonly Member[] | undefined,
    before: View | undefined,
    changedId: NodeId | undefined,
    changed: Member | undefined,
    room: number,
  ) {
    this.#members = members;
    this.#before = before;
    this.#changedId = changedId;
    this.#changed = changed;
    this.#room = room;
  }

  /** The view in which this member is as given. */
  put(member: Member): View {
    return this.#next(member.id, member);
  }

  /** The view without this member. */
  without(id: NodeId): View {
    return this.#next(id, undefined);
  }

  /** All members, sorted by NodeId, frozen. */
  get members(): readonly Member[] {
    return this.#members ?? this.#build();
  }

  #next(id: NodeId, member: Member | undefined): View {
    if (this.#room === 0) this.#build();
    return new View(undefined, this, id, member, this.#room - 1);
  }

  #build(): readonly Member[] {
    const changes = new Map<NodeId, Member | undefined>();
    let view: View = this;
    while (view.#members === undefined) {
      if (!changes.has(view.#changedId!)) changes.set(view.#changedId!, view.#changed);
      view = view.#before!;
    }
    this.#members = Object.freeze(merge(view.#members, changes));
    this.#before = undefined;
    this.#changed = undefined;
    this.#room = Math.max(MIN_PENDING, Math.floor(this.#members.length * PENDING_SHARE));
    return this.#members;
  }
}

/** Merges sorted members with the changes to them; undefined removes. */
function merge(members: readonly Member[], changes: ReadonlyMap<NodeId, Member | undefined>): Member[] {
  const ids = [...changes.keys()].sort();
  const merged: Member[] = [];
  let at = 0;
  for (const id of ids) {
    while (at < members.length && members[at]!.id < id) merged.push(members[at++]!);
    if (at < members.length && members[at]!.id === id) at++;
    const member = changes.get(id);
    if (member !== undefined) merged.push(member);
  }
  while (at < members.length) merged.push(members[at++]!);
  return merged;
}
