import { DuplicateNodeIdError, ProtocolViolationError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Member, MemberFields } from '../membership.js';
import { MAX_INCARNATION } from './messages.js';
import type { SuspectUpdate, UnreachableUpdate, Update } from './messages.js';
import type { Parts } from './parts.js';

/** An accusation that waits for its turn. */
interface Accusation {
  readonly incarnation: number;
  readonly accuser: NodeId;
}

/** Speaks for this node's own member: refutes what is said of it, announces its changes. */
export class Refuter {
  readonly #parts: Parts;
  #refutedAtMs = Number.NEGATIVE_INFINITY;
  #lostAtMs = Number.NEGATIVE_INFINITY;
  #waiting: Accusation | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Somebody suspects this node, or thinks it unreachable. `from`: who passed it on. */
  accused(accusation: SuspectUpdate | UnreachableUpdate, from: NodeId): void {
    const { incarnation } = accusation;
    if (this.#parts.leaver.leaving || incarnation < this.#parts.self.incarnation)
      return this.#answerOld(accusation, from);
    if (!this.#plausible(incarnation)) return this.#deny(from);
    const accuser = accusation.type === 'suspect' ? accusation.accuser : accusation.by;
    this.#refute({ incarnation, accuser }, from);
  }

  /** Old news; but whoever passes it on does not know better. */
  #answerOld(accusation: SuspectUpdate | UnreachableUpdate, from: NodeId): void {
    const { table, gossiper, options, self, leaver } = this.#parts;
    const { fastRefutation, infection } = options.components;
    const entry = table.get(from);
    if (entry === undefined) return;
    if (fastRefutation || leaver.leaving) return gossiper.answer(entry.member, this.announcement());
    // One that has given this node up would not hear it any more: it gets the answer with the ack to its question.
    if (accusation.type !== 'unreachable' || accusation.by !== from) return;
    if (infection) gossiper.spread(this.announcement(), self.id);
    else gossiper.answer(entry.member, this.announcement());
  }

  /** Somebody describes this node. Only more than it said itself needs an answer. */
  described(member: Member, from: NodeId): void {
    const { incarnation } = this.#parts.self;
    if (this.#parts.leaver.leaving || member.incarnation <= incarnation) return;
    if (!this.#plausible(member.incarnation)) return this.#deny(from);
    this.#refute({ incarnation: member.incarnation, accuser: from }, from);
  }

  /**
   * Somebody says that this node has left. `left` is final, so this id cannot be used on, whatever is true. Told on at most
   * once an interval: everybody who has heard it says so, and a new id takes a while.
   */
  buried(): void {
    const { leaver, world, options } = this.#parts;
    if (leaver.leaving) return;
    if (world.now() - this.#lostAtMs < options.probeIntervalMs) return;
    this.#lostAtMs = world.now();
    this.#parts.count('identityLost');
    this.#parts.world.notice({ type: 'identity-lost', error: new DuplicateNodeIdError(this.#parts.self.id) });
  }

  /** The refutation that was put off, so that accusations cost at most one incarnation a gossip interval. */
  due(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // Not through the interval again: rounding may leave it a trillionth of a millisecond short.
    if (waiting !== undefined && waiting.incarnation >= this.#parts.self.incarnation) {
      this.#speak(waiting, waiting.accuser);
    }
  }

  /** Tells everybody something new of this node. False when its incarnations are used up. */
  raise(changes: Partial<MemberFields>, atLeast = 0): boolean {
    const { self, table, world } = this.#parts;
    const incarnation = Math.max(self.incarnation, atLeast) + 1;
    if (incarnation > MAX_INCARNATION) {
      this.#parts.count('identityLost');
      const error = new ProtocolViolationError(
        'incarnation-ceiling',
        'This node id has used up its incarnations',
      );
      world.notice({ type: 'identity-lost', error });
      return false;
    }
    table.put(table.self, self.with({ ...changes, incarnation }), world.now());
    this.#parts.gossiper.spread(this.announcement(), self.id);
    return true;
  }

  /** This node, as an update. */
  announcement(): Update {
    const { self } = this.#parts;
    return self.state === 'left'
      ? { type: 'left', id: self.id, incarnation: self.incarnation }
      : { type: 'alive', member: self };
  }

  /** Now, or when a gossip interval has passed since the last time. */
  #refute(accusation: Accusation, from: NodeId): void {
    const { options, world, timers } = this.#parts;
    const sinceMs = world.now() - this.#refutedAtMs;
    if (sinceMs < options.gossipIntervalMs) {
      if (this.#waiting === undefined) timers.after(options.gossipIntervalMs - sinceMs, 'refute');
      if (this.#waiting === undefined || this.#waiting.incarnation < accusation.incarnation)
        this.#waiting = accusation;
      return;
    }
    this.#speak(accusation, from);
  }

  #speak(accusation: Accusation, from: NodeId): void {
    const { world } = this.#parts;
    this.#refutedAtMs = world.now();
    this.#parts.health.add(1);
    this.#parts.count('refutations');
    if (!this.raise({}, accusation.incarnation)) return;
    this.#hurry(accusation.accuser === from ? [from] : [from, accusation.accuser]);
    const { id, incarnation } = this.#parts.self;
    if (this.#parts.isTraced)
      this.#parts.trace('refuted', id, accusation.accuser, undefined, { incarnation });
    world.notice({ type: 'refuted', accuser: accusation.accuser, incarnation });
  }

  /** Leaves at once, to the accuser, to whoever passed it on, and to the fanout (decisions 3). */
  #hurry(accusers: readonly NodeId[]): void {
    const { table, gossiper, options } = this.#parts;
    const { fastRefutation, infection } = options.components;
    if (infection && !fastRefutation) return;
    const update = this.announcement();
    for (const id of accusers) {
      const entry = table.get(id);
      if (entry === undefined || entry === table.self) continue;
      // Without infection all active ones have been told already.
      if (infection || !entry.member.isActive) gossiper.tell(entry.member, update);
    }
    if (infection) gossiper.burst(update, accusers);
  }

  /** Somebody made that up. Whoever believed it hears from this node itself what is true (`Merge`). */
  #deny(from: NodeId): void {
    const { table, gossiper } = this.#parts;
    const entry = table.get(from);
    if (entry !== undefined) gossiper.answer(entry.member, this.announcement());
  }

  #plausible(incarnation: number): boolean {
    if (incarnation - this.#parts.self.incarnation <= this.#parts.options.maxIncarnationJump) return true;
    this.#parts.count('incarnationsRefused');
    return false;
  }
}
