import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import type { Leaving } from './messages.js';
import type { Entry } from './entry.js';
import type { Parts } from './parts.js';

/** Goes away so that everybody knows: announces it, and lingers until enough have heard. Decisions 9. */
export class Leaver {
  readonly #parts: Parts;
  readonly #acknowledged = new Set<NodeId>();
  /** Members whose ports refuse: nobody is there to be told. */
  readonly #refused = new Set<NodeId>();
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

  /** A member's port refuses: it left as well, or died, and has told nobody. Another one is asked at once. */
  refused(id: NodeId): void {
    if (!this.leaving || this.#completed || this.#refused.has(id)) return;
    this.#refused.add(id);
    if (this.#acknowledged.size >= this.#needed()) return this.#complete();
    this.#tell(1);
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
    const { options, world, timers, self } = this.#parts;
    const elapsedMs = world.now() - this.#leavingSinceMs!;
    if (this.#acknowledged.size >= this.#needed() || elapsedMs >= options.leaveTimeoutMs)
      return this.#complete();
    this.#tell(2 * (this.#needed() - this.#acknowledged.size));
    // They may have admitted this node a moment ago, before it could hear of them.
    for (const stranger of this.#parts.strangers.unknown)
      this.#parts.send(stranger, { type: 'leaving', incarnation: self.incarnation });
    timers.after(Math.min(options.gossipIntervalMs, options.leaveTimeoutMs - elapsedMs), 'leave');
  }

  /** So many more members hear of it directly. */
  #tell(count: number): void {
    const { table, self } = this.#parts;
    const mayHear = ({ member: { id } }: Entry): boolean =>
      !this.#acknowledged.has(id) && !this.#refused.has(id);
    for (const { member } of table.pick(count, mayHear))
      this.#parts.send(member, { type: 'leaving', incarnation: self.incarnation });
  }

  #needed(): number {
    const { options, table, strangers } = this.#parts;
    const reachable = table.others.filter(({ member }) => !this.#refused.has(member.id)).length;
    return Math.min(options.leaveAcknowledgements, reachable + strangers.unknown.length);
  }

  #complete(): void {
    this.#completed = true;
    this.#parts.count('leaves');
    this.#parts.world.notice({ type: 'leave-completed', acknowledgedBy: this.#acknowledged.size });
  }
}
