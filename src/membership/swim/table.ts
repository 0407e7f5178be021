import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import { View } from '../view.js';
import { ViewDigest } from './digest.js';
import { Entry } from './entry.js';
import { IdMap, type IdDirectory } from './id-map.js';
import type { ProbeOrder } from './probe-order.js';

/** So many members more than have been met are nothing unusual. */
const USUAL_HEARSAY = 64;

/**
 * All members that a node remembers, its own included. `put` is the only place where any of it changes, so view,
 * digest, random choice and probe order cannot disagree.
 */
export class MemberTable {
  readonly self: Entry;
  readonly digest = new ViewDigest();
  readonly #entries: IdMap<Entry>;
  readonly #others: Entry[] = [];
  /** Unreachable and left members, in the order of their burial. */
  readonly #buried = new Set<Entry>();
  readonly #order: ProbeOrder;
  readonly #random: () => number;
  #view = View.empty;
  #changes = 0;
  #entered = 0;
  #hearsay = 0;
  /** Tombstones of those that were never met. */
  readonly #ghosts = new Set<Entry>();

  constructor(self: Member, order: ProbeOrder, random: () => number, directory: IdDirectory) {
    this.#entries = new IdMap(directory);
    this.#order = order;
    this.#random = random;
    this.self = new Entry(self, this.#entered++);
    this.self.meet();
    this.#entries.set(self.id, this.self);
    this.#enter(self);
  }

  get view(): View {
    return this.#view;
  }

  /** n: the alive and suspect members, this one included. */
  get size(): number {
    return this.#others.length + 1;
  }

  /** The active members but this one, in no order. Not to be kept: it changes. */
  get others(): readonly Entry[] {
    return this.#others;
  }

  /** Unreachable and left members, longest buried first. */
  get buried(): ReadonlySet<Entry> {
    return this.#buried;
  }

  /** How many active others this node knows by hearsay only. */
  get hearsay(): number {
    return this.#hearsay;
  }

  /**
   * Whether far more members are hearsay than have been met: a mass start, or somebody invents members. Until it is over,
   * those that have been met go first in all that this node does.
   */
  get isFlooded(): boolean {
    return this.#hearsay > USUAL_HEARSAY + this.met;
  }

  /** How many active others this node has met. */
  get met(): number {
    return this.#others.length - this.#hearsay;
  }

  /** Tombstones of members that this node never met, longest buried first. */
  get ghosts(): ReadonlySet<Entry> {
    return this.#ghosts;
  }

  /** The active members but this one; in a flood, those that have been met come first. */
  get othersMetFirst(): readonly Entry[] {
    if (!this.isFlooded) return this.#others;
    const isMet = (entry: Entry): boolean => entry.isMet;
    return [...this.#others.filter(isMet), ...this.#others.filter((entry) => !isMet(entry))];
  }

  /** A member has given a sign of life of its own. */
  meet(entry: Entry): void {
    if (entry.isMet) return;
    entry.meet();
    if (!this.#ghosts.delete(entry)) this.#hearsay--;
  }

  /** How often anything has changed since the start. */
  get changes(): number {
    return this.#changes;
  }

  get(id: NodeId): Entry | undefined {
    return this.#entries.get(id);
  }

  /** In the order in which they were entered. */
  all(): readonly Entry[] {
    return inOrder([this.self, ...this.#others, ...this.#buried]);
  }

  /** Those members that fit what a list says of them, in the order in which they were entered. */
  beside(
    list: readonly Member[],
    fits: (member: Member, listed: Member | undefined) => boolean,
  ): readonly Member[] {
    const listed = this.#entries.arrange(list);
    const fitting: Entry[] = [];
    this.#entries.each((entry, number) => {
      if (fits(entry.member, listed[number])) fitting.push(entry);
    });
    return inOrder(fitting).map(({ member }) => member);
  }

  /** Enters a member that was unknown. */
  create(member: Member): Entry {
    this.#changes++;
    const entry = new Entry(member, this.#entered++);
    this.#entries.set(member.id, entry);
    this.#enter(member);
    this.#seat(entry);
    return entry;
  }

  /** Replaces what is known of a member. */
  put(entry: Entry, member: Member, nowMs: number): void {
    this.#changes++;
    const before = entry.member;
    entry.member = member;
    // A suspect counts as alive.
    const isSame = before.isActive && member.isActive && before.incarnation === member.incarnation;
    if (!isSame && before.isActive) this.digest.remove(before);
    if (!isSame && member.isActive) this.digest.add(member);
    if (member.isActive) this.#view = this.#view.put(member);
    else if (before.isActive) this.#view = this.#view.without(member.id);
    if (entry === this.self || before.isActive === member.isActive) return;
    if (member.isActive) {
      this.#buried.delete(entry);
      this.#ghosts.delete(entry);
      this.#seat(entry);
    } else {
      this.#unseat(entry);
      entry.buriedAtMs = nowMs;
      this.#buried.add(entry);
      if (!entry.isMet) this.#ghosts.add(entry);
    }
  }

  /** Forgets a buried member. */
  forget(entry: Entry): void {
    this.#buried.delete(entry);
    this.#ghosts.delete(entry);
    this.#entries.delete(entry.member.id);
  }

  /**
   * Up to `count` active others, chosen at random among those that fit: all of them where there are no more, so that a
   * small cluster never misses its only relay (memberlist PR#350).
   */
  pick(count: number, fits?: (entry: Entry) => boolean): Entry[] {
    const picked: Entry[] = [];
    const others = this.#others;
    for (let i = 0; i < others.length && picked.length < count; i++) {
      const j = i + Math.floor(this.#random() * (others.length - i));
      const entry = others[j]!;
      this.#swap(i, j);
      if (fits === undefined || fits(entry)) picked.push(entry);
    }
    return picked;
  }

  #enter(member: Member): void {
    this.digest.add(member);
    this.#view = this.#view.put(member);
  }

  #seat(entry: Entry): void {
    this.#others.push(entry);
    if (!entry.isMet) this.#hearsay++;
    this.#order.insert(entry);
  }

  #unseat(entry: Entry): void {
    this.#swap(this.#others.indexOf(entry), this.#others.length - 1);
    this.#others.pop();
    if (!entry.isMet) this.#hearsay--;
    this.#order.remove(entry);
  }

  #swap(i: number, j: number): void {
    const entry = this.#others[i]!;
    this.#others[i] = this.#others[j]!;
    this.#others[j] = entry;
  }
}

function inOrder(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => a.number - b.number);
}
