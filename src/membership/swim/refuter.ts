import { DuplicateNodeIdError, ProtocolViolationError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Member, MemberFields } from '../membership.js';
import { MAX_INCARNATION } from './messages.js';
import type { Update } from './messages.js';
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
  #waiting: Accusation | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Somebody suspects this node, or thinks it unreachable. `from`: who passed it on. */
  accused(incarnation: number, accuser: NodeId, from: NodeId): void {
    const { self, table, gossiper } = this.#parts;
    if (this.#parts.leaver.leaving || incarnation < self.incarnation) {
      // Old news; but whoever passes it on does not know better.
      const entry = table.get(from);
      if (entry !== undefined) gossiper.tell(entry.member, this.announcement());
      return;
    }
    if (!this.#plausible(incarnation)) return;
    this.#refute({ incarnation, accuser }, from);
  }

  /** Somebody describes this node. Only more than it said itself needs an answer. */
  described(member: Member, from: NodeId): void {
    const { incarnation } = this.#parts.self;
    if (
      this.#parts.leaver.leaving ||
      member.incarnation <= incarnation ||
      !this.#plausible(member.incarnation)
    )
      return;
    this.#refute({ incarnation: member.incarnation, accuser: from }, from);
  }

  /** Somebody says that this node has left. `left` is final, so this id cannot be used on. */
  buried(_incarnation: number, _from: NodeId): void {
    if (this.#parts.leaver.leaving) return;
    this.#parts.count('identityLost');
    this.#parts.world.notice({ type: 'identity-lost', error: new DuplicateNodeIdError(this.#parts.self.id) });
  }

  /** The refutation that was put off, so that accusations cost at most one incarnation a gossip interval. */
  due(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // Not through the interval again: rounding may leave it a trillionth of a millisecond short, for ever.
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
    this.#parts.gossiper.spread(this.announcement());
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

  /** Leaves at once, to the accuser, to whoever passed it on, and to the fanout (decisions 3). */
  #speak(accusation: Accusation, from: NodeId): void {
    const { world, table, gossiper } = this.#parts;
    this.#refutedAtMs = world.now();
    this.#parts.health.add(1);
    this.#parts.count('refutations');
    if (!this.raise({}, accusation.incarnation)) return;
    const update = this.announcement();
    const told = accusation.accuser === from ? [from] : [from, accusation.accuser];
    for (const id of told) {
      const entry = table.get(id);
      if (entry !== undefined && entry !== table.self) gossiper.tell(entry.member, update);
    }
    gossiper.burst(update, told);
    this.#parts.trace('refuted', this.#parts.self.id, accusation.accuser);
    world.notice({ type: 'refuted', accuser: accusation.accuser, incarnation: this.#parts.self.incarnation });
  }

  #plausible(incarnation: number): boolean {
    if (incarnation - this.#parts.self.incarnation <= this.#parts.options.maxIncarnationJump) return true;
    this.#parts.count('incarnationsRefused');
    return false;
  }
}
