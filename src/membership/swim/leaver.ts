import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import type { Leaving } from './messages.js';
import type { Parts } from './parts.js';

/** Goes away so that everybody knows: announces it, and lingers until enough have heard. Decisions 9. */
export class Leaver {
  readonly #parts: Parts;
  readonly #acknowledged = new Set<NodeId>();
  #leavingSinceMs: number | undefined;
  #completed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** True from the announcement on. */
  get leaving(): boolean {
    return this.#leavingSinceMs !== undefined;
  }

  leave(): void {
    if (this.leaving) return;
    const { world, refuter, joins, suspicions, table, prober, checks } = this.#parts;
    this.#leavingSinceMs = world.now();
    for (const entry of table.others) {
      suspicions.end(entry);
      prober.drop(entry);
      checks.cancel(entry);
    }
    joins.clear();
    refuter.raise({ state: 'left' });
    this.#announce();
  }

  /** The next round of announcements. */
  due(): void {
    if (!this.#completed) this.#announce();
  }

  receiveTaken(from: KnownPeer): void {
    this.#told(from.id);
  }

  /** A member's port refuses: it left as well, or died. Nobody is there to wait for. */
  refused(id: NodeId): void {
    this.#told(id);
  }

  #told(id: NodeId): void {
    if (!this.leaving || this.#completed) return;
    this.#acknowledged.add(id);
    if (this.#acknowledged.size >= this.#needed()) this.#complete();
  }

  /** A member says directly that it leaves. */
  receive(from: KnownPeer, leaving: Leaving): void {
    this.#parts.merge.left(from.id, leaving.incarnation, from.id);
    this.#parts.send(from, { type: 'leaveTaken', incarnation: leaving.incarnation });
  }

  #announce(): void {
    const { options, world, table, timers, self } = this.#parts;
    const elapsedMs = world.now() - this.#leavingSinceMs!;
    if (this.#acknowledged.size >= this.#needed() || elapsedMs >= options.leaveTimeoutMs)
      return this.#complete();
    const missing = this.#needed() - this.#acknowledged.size;
    for (const entry of table.pick(2 * missing, ({ member }) => !this.#acknowledged.has(member.id))) {
      this.#parts.send(entry.member, { type: 'leaving', incarnation: self.incarnation });
    }
    // They may have admitted this node a moment ago, before it could hear of them.
    for (const stranger of this.#parts.strangers.unknown)
      this.#parts.send(stranger, { type: 'leaving', incarnation: self.incarnation });
    timers.after(Math.min(options.gossipIntervalMs, options.leaveTimeoutMs - elapsedMs), 'leave');
  }

  #needed(): number {
    const { options, table, strangers } = this.#parts;
    return Math.min(options.leaveAcknowledgements, table.others.length + strangers.unknown.length);
  }

  #complete(): void {
    this.#completed = true;
    this.#parts.count('leaves');
    this.#parts.world.notice({ type: 'leave-completed', acknowledgedBy: this.#acknowledged.size });
  }
}
