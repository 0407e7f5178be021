import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import { isMisnamed } from './admissions.js';
import { subjectOf } from './dissemination.js';
import type { Update } from './messages.js';
import type { Parts } from './parts.js';

/** Strangers that are remembered until they are asked who they are. */
const MAX_REMEMBERED = 64;

/**
 * Whose word counts: that of an active member, about anybody. One that is held unreachable speaks for itself and may
 * accuse this node, so that a partition heals; so may a seed that this node has asked. A stranger is only answered. It may
 * have joined without this node having heard of it yet, so it is asked for its view soon, and is dialled for that.
 */
export class Strangers {
  readonly #parts: Parts;
  readonly #remembered = new Map<NodeId, KnownPeer>();
  #token = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  isMember(id: NodeId): boolean {
    const member = this.#parts.table.get(id)?.member;
    if (member === undefined || member.isActive) return member !== undefined;
    return member.state === 'unreachable' && !this.#parts.options.components.firsthand;
  }

  /** Like {@link isMember}; a message that would count only from a member is counted as ignored otherwise. */
  admits(from: KnownPeer): boolean {
    if (this.isMember(from.id)) return true;
    this.ignored(from);
    return false;
  }

  /** Updates that came with any message. */
  updates(from: KnownPeer, updates: readonly Update[]): void {
    if (updates.length === 0) return;
    const { merge, table, conflicts } = this.#parts;
    let isMember = this.isMember(from.id);
    let asked = table.changes;
    for (const update of updates) {
      if (update.type === 'alive' && isMisnamed(from, update.member)) {
        this.#parts.count('misnamed');
        continue;
      }
      // Asked again after each change: its own refutation may just have made it a member.
      if (asked !== table.changes) {
        isMember = this.isMember(from.id);
        asked = table.changes;
      }
      if (update.type === 'alive' && update.member.id === from.id) conflicts.spoke(update.member);
      if (isMember || this.#mayClaim(from.id, update)) merge.apply(update, from.id, 'gossip');
      else if (update.type === 'alive' && update.member.id === from.id) this.#introduced(from, update);
      else this.ignored(from);
    }
  }

  /** Those who have spoken lately and are still unknown. */
  get unknown(): readonly KnownPeer[] {
    return [...this.#remembered.values()].filter(({ id }) => this.#parts.table.get(id) === undefined);
  }

  /** Something of a stranger was not used. */
  ignored(from: KnownPeer): void {
    this.#parts.count('strangersIgnored');
    this.met(from);
  }

  /** Somebody whom this node does not know has spoken to it. */
  met(from: KnownPeer): void {
    const { table, timers, options, leaver, admissions } = this.#parts;
    if (table.get(from.id) !== undefined || leaver.leaving || admissions.isDialling(from.id)) return;
    if (this.#remembered.size >= MAX_REMEMBERED || table.size >= options.maxMembers) return;
    this.#remembered.set(from.id, from);
    // Later than gossip and the pages of a join need to tell of a member.
    if (this.#token !== 0) return;
    this.#token = timers.after(this.#parts.jittered(options.probeIntervalMs, 0.25), 'strangers');
  }

  /** Those that are still unknown are asked, one by one. */
  due(): void {
    this.#token = 0;
    const { table, leaver, joins } = this.#parts;
    for (const [id, peer] of this.#remembered) {
      this.#remembered.delete(id);
      if (table.get(id) !== undefined || leaver.leaving) continue;
      this.#parts.count('strangersAsked');
      joins.tryOne(peer.address);
      break;
    }
    for (const peer of this.#remembered.values()) return this.met(peer);
  }

  clear(): void {
    this.#remembered.clear();
  }

  #mayClaim(from: NodeId, update: Update): boolean {
    const { table, joins, self, options } = this.#parts;
    const isAsked = joins.hasAsked(from);
    const isLost = table.get(from)?.member.state === 'unreachable';
    if (!isAsked && !isLost) return false;
    const subject = subjectOf(update);
    if (isLost && !options.components.revival) return subject === from && update.type === 'left';
    // No more than a hint: whoever is held unreachable is pinged, and answers for itself.
    if (update.type === 'alive' && table.get(subject)?.member.state === 'unreachable') return true;
    if (subject === from) return update.type === 'alive' || update.type === 'left';
    return subject === self.id && (update.type !== 'left' || isAsked);
  }

  /** It has told who it is: it is dialled back like any joiner. */
  #introduced(from: KnownPeer, update: Update & { readonly type: 'alive' }): void {
    this.#parts.count('strangersIgnored');
    if (!this.#parts.leaver.leaving) this.#parts.admissions.introduce(update.member, from.provenName);
    this.met(from);
  }
}
