import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import type { KnownPeer } from '../protocol.js';
import { bucketOf } from './digest.js';
import { DIGEST_VERSION, SYNC_BUCKETS } from './messages.js';
import type { ClaimSource } from './merge.js';
import type { Digest, Page, PageTaken, SyncBusy, SyncStart } from './messages.js';
import { OutgoingPages } from './pages.js';
import type { Parts } from './parts.js';
import { supersedes } from './transitions.js';

/** Joiners that get pages at once; more are told to wait. */
const MAX_JOINS_SERVED = 64;
/** After so many timeouts' time an exchange is given up even if pages still come: a view is not that large. */
const MAX_PATIENCE = 15;

/** Why pages are asked for. A `pull` gives nothing back (decisions 8). */
export type PullKind = 'sync' | 'join' | 'pull';

/** Asking side: what the peer has said so far, and what it will be told. */
interface Pull {
  readonly number: number;
  readonly kind: PullKind;
  /** Undefined until a seed has answered. */
  peer: KnownPeer | undefined;
  /** All that it has listed. */
  readonly seen: Member[];
  /** What the answer has changed here. */
  changes: number;
  nextIndex: number;
  push: OutgoingPages | undefined;
  readonly startedAtMs: number;
  token: number;
}

/** Answering side. */
interface Serve {
  readonly peer: KnownPeer;
  readonly number: number;
  readonly kind: PullKind;
  readonly pages: OutgoingPages;
  readonly startedAtMs: number;
  token: number;
}

/** The subject of the timers `sync-timeout` and `page-timeout`. */
export type SyncTimeout = Pull | Serve;

/**
 * Exchanges views: digests first, then the sums of 64 buckets, then only the unequal ones, in pages, one in flight.
 * Decisions 9. Joins are answered with the same pages.
 */
export class Syncs {
  readonly #parts: Parts;
  readonly #pulls = new Map<number, Pull>();
  readonly #serves = new Map<NodeId, Serve>();
  /** Contacts in a row whose digest differed. */
  #differences = 0;
  /** What the digests have said since the last periodic sync was due. */
  #sawEqual = false;
  #sawDifferent = false;
  #spacingMs: number;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#spacingMs = parts.options.syncSpacingMs;
  }

  start(): void {
    const { options, timers, world } = this.#parts;
    if (options.syncIntervalMs > 0) timers.after(options.syncIntervalMs * world.random(), 'sync');
  }

  /** The periodic sync, for those whom the digests on pings and acks have not told that views are equal. */
  tick(): void {
    const { options, timers } = this.#parts;
    timers.after(this.#parts.jittered(options.syncIntervalMs, 0.1), 'sync');
    const isInVain = this.#sawEqual && !this.#sawDifferent;
    this.#sawEqual = this.#sawDifferent = false;
    if (!isInVain) this.withAny();
  }

  withAny(): void {
    if (this.#parts.leaver.leaving || this.#busy()) return;
    const [entry] = this.#parts.table.pick(1, ({ member }) => member.state === 'alive');
    const [other] = entry === undefined ? this.#parts.table.pick(1) : [entry];
    if (other !== undefined) this.#begin(other.member);
  }

  /** A peer's digest has come with a ping or an ack. Only acks start a sync, so that one side begins. */
  compare(from: KnownPeer, digest: Digest, mayStart: boolean): void {
    const { table, queue, world, options, leaver } = this.#parts;
    if (!options.components.digestSync || digest.version !== DIGEST_VERSION || leaver.leaving) return;
    if (table.get(from.id)?.member.isActive !== true) return;
    if (digest.low === table.digest.low && digest.high === table.digest.high) {
      this.#sawEqual = true;
      this.#differences = 0;
      this.#spacingMs = options.syncSpacingMs;
      return;
    }
    this.#sawDifferent = true;
    this.#differences++;
    const settled = digest.quiet && queue.size === 0;
    if (!mayStart || (!settled && this.#differences < 2) || this.#busy() || world.now() < this.#nextAtMs)
      return;
    this.#nextAtMs = world.now() + this.#parts.jittered(this.#spacingMs, 0.25);
    this.#spacingMs = Math.min(options.maxSyncSpacingMs, this.#spacingMs * 2);
    this.#begin(from);
  }

  /** Waits for the pages that answer a join. The number goes into the join as its attempt. */
  await(kind: 'join' | 'pull'): number {
    const number = this.#parts.nextNumber();
    this.#pull(number, kind, undefined);
    return number;
  }

  /** Nobody waits for those pages any more. */
  abandon(number: number): void {
    const pull = this.#pulls.get(number);
    if (pull !== undefined) this.#drop(pull);
  }

  /** Whether pages of this answer have begun to come. */
  hasBegun(number: number): boolean {
    return this.#pulls.get(number)?.peer !== undefined;
  }

  receiveStart(from: KnownPeer, start: SyncStart): void {
    if (!this.#parts.strangers.admits(from))
      return this.#parts.send(from, { type: 'syncBusy', sync: start.sync });
    const mine = this.#pullWith(from.id);
    if (mine !== undefined && from.id < this.#parts.self.id) this.#drop(mine);
    else if (this.#busy()) return this.#parts.send(from, { type: 'syncBusy', sync: start.sync });
    const mask = this.#unequal(start.buckets);
    const members: Member[] = [];
    const { table } = this.#parts;
    if (mask[0] !== 0 || mask[1] !== 0) {
      if (inMask(table.self.member.id, mask) && table.self.member.isActive) members.push(table.self.member);
      for (const { member } of table.othersMetFirst) if (inMask(member.id, mask)) members.push(member);
    }
    this.#serve(from, start.sync, 'sync', members, mask);
  }

  /** Sends a joiner the whole view. False when too many are being served. */
  serveJoin(to: KnownPeer, attempt: number): boolean {
    if (this.#serves.size >= MAX_JOINS_SERVED && !this.#serves.has(to.id)) return false;
    const { table } = this.#parts;
    const members = [table.self.member, ...table.othersMetFirst.map((entry) => entry.member)];
    this.#serve(to, attempt, 'join', members, [0xffffffff, 0xffffffff]);
    return true;
  }

  receiveBusy(from: KnownPeer, busy: SyncBusy): void {
    const pull = this.#pulls.get(busy.sync);
    if (pull === undefined || pull.peer?.id !== from.id) return;
    this.#parts.count('syncsBusy');
    this.#fail(pull);
  }

  receivePage(from: KnownPeer, page: Page): void {
    if (page.side === 'push') {
      if (!this.#parts.strangers.admits(from)) return;
      const changes = this.#mergePage(from, page.members, 'push');
      if (changes > 0) this.#repaired(from, page.side, changes);
      return this.#taken(from, page);
    }
    const pull = this.#pulls.get(page.sync);
    if (
      pull === undefined ||
      page.index !== pull.nextIndex ||
      (pull.peer !== undefined && pull.peer.id !== from.id)
    ) {
      return this.#parts.count('strayPages');
    }
    if (!this.#meet(from, page)) return this.#parts.strangers.ignored(from);
    pull.peer = from;
    pull.nextIndex++;
    pull.seen.push(...page.members);
    const { maxMembers, maxTombstones } = this.#parts.options;
    const isEmpty = page.members.length === 0 && (page.index > 0 || !page.last);
    if (isEmpty || pull.seen.length > maxMembers + maxTombstones) {
      // No honest view is that large, or has such pages: what has been merged stays within the table's own limits.
      this.#parts.count('pagesRefused');
      return this.#fail(pull);
    }
    pull.changes += this.#mergePage(from, page.members, pull.kind === 'sync' ? 'page' : 'answer');
    this.#taken(from, page);
    if (page.last && pull.kind === 'sync' && pull.changes > 0) this.#repaired(from, page.side, pull.changes);
    if (!page.last) return this.#patience(pull);
    const members = pull.kind === 'pull' ? [] : this.#heldAgainst(pull, [page.maskLow, page.maskHigh]);
    if (members.length === 0) return this.#finish(pull);
    const frame = {
      sync: pull.number,
      side: 'push',
      maskLow: page.maskLow,
      maskHigh: page.maskHigh,
    } as const;
    pull.push = new OutgoingPages(frame, members, this.#parts.options.maxPageBytes);
    this.#parts.send(from, pull.push.next());
    this.#patience(pull);
  }

  receiveTaken(from: KnownPeer, taken: PageTaken): void {
    if (taken.side === 'push') {
      const pull = this.#pulls.get(taken.sync);
      if (pull?.push === undefined || pull.peer?.id !== from.id || taken.index !== pull.push.index) return;
      if (pull.push.done) return this.#finish(pull);
      this.#parts.send(from, pull.push.next());
      return this.#patience(pull);
    }
    const serve = this.#serves.get(from.id);
    if (serve === undefined || serve.number !== taken.sync || taken.index !== serve.pages.index) return;
    if (serve.pages.done) return this.#dropServe(serve);
    this.#parts.send(from, serve.pages.next());
    this.#patience(serve);
  }

  timedOut(waiting: SyncTimeout): void {
    if ('pages' in waiting) return this.#dropServe(waiting);
    this.#parts.count('syncsFailed');
    this.#fail(waiting);
  }

  clear(): void {
    this.#pulls.clear();
    this.#serves.clear();
  }

  #begin(peer: KnownPeer): void {
    const number = this.#parts.nextNumber();
    const pull = this.#pull(number, 'sync', peer);
    this.#parts.count('syncs');
    this.#parts.trace('sync', peer.id);
    this.#parts.send(peer, {
      type: 'syncStart',
      sync: number,
      buckets: [...this.#parts.table.digest.buckets],
    });
    this.#patience(pull);
  }

  #pull(number: number, kind: PullKind, peer: KnownPeer | undefined): Pull {
    const startedAtMs = this.#parts.world.now();
    const progress = { changes: 0, nextIndex: 0, push: undefined, token: 0 };
    const pull: Pull = { number, kind, peer, seen: [], startedAtMs, ...progress };
    this.#pulls.set(number, pull);
    return pull;
  }

  #serve(
    peer: KnownPeer,
    number: number,
    kind: PullKind,
    members: Member[],
    mask: readonly [number, number],
  ): void {
    const before = this.#serves.get(peer.id);
    if (before !== undefined) this.#dropServe(before);
    const frame = { sync: number, side: 'answer', maskLow: mask[0], maskHigh: mask[1] } as const;
    const pages = new OutgoingPages(frame, members, this.#parts.options.maxPageBytes);
    const serve: Serve = { peer, number, kind, pages, startedAtMs: this.#parts.world.now(), token: 0 };
    this.#serves.set(peer.id, serve);
    this.#parts.send(peer, pages.next());
    this.#patience(serve);
  }

  #taken(to: KnownPeer, page: Page): void {
    this.#parts.send(to, { type: 'pageTaken', sync: page.sync, side: page.side, index: page.index });
  }

  /** Whether the sender of an answer is in the table: a seed lists itself first, and its own word makes it known. */
  #meet(from: KnownPeer, page: Page): boolean {
    const { merge, table } = this.#parts;
    const own = page.members.find(({ id, state }) => id === from.id && state === 'alive');
    if (own !== undefined && table.get(from.id) === undefined) merge.alive(own, from.id);
    const state = table.get(from.id)?.member.state;
    return state !== undefined && state !== 'left';
  }

  /** The views did differ. */
  #repaired(from: KnownPeer, side: Page['side'], changes: number): void {
    this.#parts.count('syncRepairs', changes);
    if (this.#parts.isTraced) this.#parts.trace('sync-repaired', from.id, undefined, side, { changes });
  }

  /**
   * Records of a page. A verdict in a page is a suspicion here, and a state that is already held is no confirmation.
   * Returns how many changes it made.
   */
  #mergePage(from: KnownPeer, members: readonly Member[], source: ClaimSource): number {
    const { merge, table } = this.#parts;
    const before = table.changes;
    for (const member of members) {
      const { id, incarnation, state } = member;
      if (state === 'left') {
        merge.left(id, incarnation, from.id);
        continue;
      }
      const held = table.get(id)?.member;
      if (held === member && state === 'alive') continue;
      if (state === 'unreachable' && held === undefined) continue;
      // A page's alive is hearsay, unless the sender describes itself.
      if (held === undefined || (incarnation > held.incarnation && held.state !== 'unreachable')) {
        merge.alive(state === 'alive' ? member : member.with({ state: 'alive' }), from.id, source);
      } else if (state === 'alive') merge.alive(member, from.id);
      if (state === 'alive' || (held?.state === 'suspect' && held.incarnation >= incarnation)) continue;
      merge.suspect({ type: 'suspect', id, incarnation, accuser: from.id, kind: 'soft' }, from.id);
    }
    return table.changes - before;
  }

  /** What this side holds, in the unequal buckets, above what the peer has listed. */
  #heldAgainst(pull: Pull, mask: readonly [number, number]): readonly Member[] {
    const { table } = this.#parts;
    return table.beside(pull.seen, (member, listed) => {
      // Nodes of a simulation share their members.
      if (listed === member || !inMask(member.id, mask) || member.id === pull.peer?.id) return false;
      // The terminal is told only to those who have listed it: others need not hear of the dead (literature, traps).
      return listed === undefined ? member.isActive : supersedes(member, listed);
    });
  }

  #unequal(buckets: readonly number[]): [number, number] {
    const own = this.#parts.table.digest.buckets;
    const mask: [number, number] = [0, 0];
    for (let i = 0; i < SYNC_BUCKETS; i++) {
      if (own[2 * i] === buckets[2 * i] && own[2 * i + 1] === buckets[2 * i + 1]) continue;
      if (i < 32) mask[0] = (mask[0] | (1 << i)) >>> 0;
      else mask[1] = (mask[1] | (1 << (i - 32))) >>> 0;
    }
    return mask;
  }

  /** One sync at a time, whichever side began it; joins do not count. */
  #busy(): boolean {
    for (const pull of this.#pulls.values()) if (pull.kind === 'sync') return true;
    for (const serve of this.#serves.values()) if (serve.kind === 'sync') return true;
    return false;
  }

  #pullWith(id: NodeId): Pull | undefined {
    for (const pull of this.#pulls.values()) if (pull.kind === 'sync' && pull.peer?.id === id) return pull;
    return undefined;
  }

  #finish(pull: Pull): void {
    this.#drop(pull);
    this.#parts.stalls.synced();
    if (pull.kind === 'sync') this.#parts.count('syncsCompleted');
    else this.#parts.joins.completed(pull.number, pull.peer!);
  }

  #fail(pull: Pull): void {
    this.#drop(pull);
    if (pull.kind === 'sync') this.#parts.stalls.syncFailed();
    else this.#parts.joins.silent(pull.number);
  }

  #patience(waiting: SyncTimeout): void {
    const { timers, options, world } = this.#parts;
    timers.cancel(waiting.token);
    const kind = 'pages' in waiting ? 'page-timeout' : 'sync-timeout';
    const restMs = waiting.startedAtMs + MAX_PATIENCE * options.syncTimeoutMs - world.now();
    waiting.token = timers.after(Math.min(options.syncTimeoutMs, restMs), kind, waiting);
  }

  #drop(pull: Pull): void {
    this.#parts.timers.cancel(pull.token);
    this.#pulls.delete(pull.number);
  }

  #dropServe(serve: Serve): void {
    this.#parts.timers.cancel(serve.token);
    if (this.#serves.get(serve.peer.id) === serve) this.#serves.delete(serve.peer.id);
  }
}

function inMask(id: NodeId, mask: readonly [number, number]): boolean {
  const bucket = bucketOf(id);
  return bucket < 32 ? (mask[0] & (1 << bucket)) !== 0 : (mask[1] & (1 << (bucket - 32))) !== 0;
}
