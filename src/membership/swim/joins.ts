import { formatAddress, sameAddress } from '../../address.js';
import type { Address } from '../../address.js';
import { JoinRefusedError, clip } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { KnownPeer, LinkEvidence, Peer } from '../protocol.js';
import { nth } from './address-book.js';
import type { JoinRefused, JoinWait } from './messages.js';
import type { Parts } from './parts.js';

const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 10_000;
/** How often a busy seed may say `wait` before it is given up. */
const MAX_WAITS = 30;

/** After this share of the time that a join may take, another seed is asked beside those that have not answered. */
const ANOTHER_AFTER = 0.25;

/** One call of `join`, until each of its addresses has come to something. */
interface Call {
  readonly addresses: readonly Address[];
  open: number;
  joined: boolean;
}

/** The tries at one address. The subject of the timer `join-try`. */
export interface JoinTry {
  readonly address: Address;
  readonly kind: 'join' | 'pull';
  readonly calls: Call[];
  readonly maxTries: number;
  tries: number;
  waits: number;
  /** Of the try that is under way; undefined while it waits for its turn. */
  attempt: number | undefined;
  /** Whether its dial was silent, and the next one waits. */
  isPausing: boolean;
  /** Who has told it to wait. */
  seed: NodeId | undefined;
  token: number;
}

/** The joining side: asks seeds to be admitted, a few at once, and takes their pages. Decisions 9. */
export class Joins {
  readonly #parts: Parts;
  readonly #tries = new Map<string, JoinTry>();
  /** Who answered at an address: a seed's name is not what its member advertises. */
  readonly #answered = new Map<string, NodeId>();
  /** When another seed may be asked beside those that are being asked. */
  #anotherAtMs = 0;
  #anotherToken = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** `pull`: takes the seeds' view and gives none (decisions 8). */
  join(addresses: readonly Address[], kind: 'join' | 'pull' = 'join'): void {
    if (addresses.length === 0) return;
    const call: Call = { addresses, open: 0, joined: false };
    for (const address of addresses) {
      if (sameAddress(address, this.#parts.self.address)) continue;
      this.#parts.healer.addSeed(address);
      if (this.isKnown(address)) call.joined = true;
      else this.#enqueue(address, kind, call, this.#parts.options.joinAttempts);
    }
    this.#settle(call);
    this.#pump();
  }

  /** One quiet try, for healing. */
  tryOne(address: Address): void {
    this.#enqueue(address, 'join', undefined, 1);
    this.#pump();
  }

  /** All pages of an answer are in. */
  completed(attempt: number, seed: KnownPeer): void {
    const one = this.#find(attempt);
    if (one === undefined) return;
    this.#parts.count('joinsCompleted');
    this.#remember(one.address, seed.id);
    this.#parts.trace('join-completed', seed.id);
    const members = this.#parts.table.size;
    this.#end(one, true, () => this.#parts.world.notice({ type: 'join-completed', seed, members }));
  }

  /** Whether a node has said something to a join that is under way: it is one of the seeds. */
  hasAsked(id: NodeId): boolean {
    for (const one of this.#tries.values()) if (one.seed === id) return true;
    return false;
  }

  /** A seed has stopped in the middle of its answer. */
  silent(attempt: number): void {
    const one = this.#find(attempt);
    if (one !== undefined) this.#again(one);
  }

  receiveWait(from: KnownPeer, wait: JoinWait): void {
    const one = this.#find(wait.attempt);
    if (one === undefined || one.attempt === undefined) return;
    if (++one.waits > MAX_WAITS) return this.#end(one, false);
    this.#parts.count('joinWaits');
    one.seed = from.id;
    one.tries--;
    this.#parts.timers.cancel(one.token);
    const delayMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, wait.retryAfterMs));
    one.token = this.#parts.timers.after(this.#parts.jittered(delayMs, 0.25), 'join-try', one);
  }

  receiveRefused(from: KnownPeer, refused: JoinRefused): void {
    const one = this.#find(refused.attempt);
    if (one === undefined) return;
    const seed: Peer = { address: one.address, id: from.id };
    const error = new JoinRefusedError(formatAddress(one.address), clip(refused.reason));
    this.#parts.count('joinsRefused');
    this.#end(one, false, () => this.#parts.world.notice({ type: 'join-refused', seed, error }));
  }

  /** A try has had its time. */
  due(one: JoinTry): void {
    one.token = 0;
    if (one.isPausing) {
      one.isPausing = false;
      return this.#pump();
    }
    if (one.attempt !== undefined && this.#parts.syncs.hasBegun(one.attempt)) return;
    this.#again(one);
  }

  /** A dial to an address where any node will do. Where nobody listens, waiting is of no use; silence ends one try. */
  link(about: Peer, evidence: LinkEvidence): void {
    if (about.id !== undefined) return;
    const one = this.#tries.get(formatAddress(about.address));
    if (one?.attempt === undefined) return;
    if (evidence === 'refused') return this.#end(one, false);
    if (evidence === 'silent' && !this.#parts.syncs.hasBegun(one.attempt)) this.#pause(one);
  }

  /** The seeds that are being asked have had their time to answer. */
  another(): void {
    this.#anotherToken = 0;
    this.#pump();
  }

  /** Whether an active member is behind an address: asking it again would only cost a view. */
  isKnown(address: Address): boolean {
    const answered = this.#answered.get(formatAddress(address));
    if (answered !== undefined && this.#parts.table.get(answered)?.member.isActive === true) return true;
    return this.#parts.table.others.some((entry) => sameAddress(entry.member.address, address));
  }

  /** Gives all tries up, without a word. */
  clear(): void {
    for (const one of this.#tries.values()) {
      this.#parts.timers.cancel(one.token);
      if (one.attempt !== undefined) this.#parts.syncs.abandon(one.attempt);
    }
    this.#tries.clear();
    this.#anotherToken = this.#parts.timers.cancel(this.#anotherToken);
  }

  #enqueue(address: Address, kind: 'join' | 'pull', call: Call | undefined, maxTries: number): void {
    const key = formatAddress(address);
    let one = this.#tries.get(key);
    if (one === undefined) {
      if (this.#tries.size >= this.#parts.options.maxSeeds) return this.#parts.count('joinsDropped');
      const state = { tries: 0, waits: 0, attempt: undefined, isPausing: false, seed: undefined, token: 0 };
      one = { address, kind, calls: [], maxTries, ...state };
      this.#tries.set(key, one);
    }
    if (call === undefined || one.calls.includes(call)) return;
    one.calls.push(call);
    call.open++;
  }

  #pump(): void {
    const { options, world } = this.#parts;
    const waiting: JoinTry[] = [];
    let running = 0;
    for (const one of this.#tries.values()) {
      if (one.attempt !== undefined) running++;
      else if (!one.isPausing) waiting.push(one);
    }
    while (waiting.length > 0 && running < options.seedsAtOnce) {
      if (running > 0 && world.now() < this.#anotherAtMs) return this.#askLater();
      // Any of them: nodes that start together have the same list.
      const [one] = waiting.splice(Math.floor(world.random() * waiting.length), 1) as [JoinTry];
      if (this.isKnown(one.address)) {
        // Learned meanwhile, through another seed.
        this.#end(one, true);
        continue;
      }
      running++;
      this.#send(one);
    }
  }

  /** A seed's answer mostly tells of the other seeds, so that asking them all would only cost views. */
  #askLater(): void {
    if (this.#anotherToken !== 0) return;
    const { timers, world } = this.#parts;
    this.#anotherToken = timers.after(this.#anotherAtMs - world.now(), 'join-another');
  }

  #again(one: JoinTry): void {
    if (one.tries >= one.maxTries) return this.#end(one, false);
    this.#send(one);
  }

  /** Tries again after a while, longer each time; meanwhile its place is another's. */
  #pause(one: JoinTry): void {
    if (one.tries >= one.maxTries) return this.#end(one, false);
    const { syncs, timers, options } = this.#parts;
    if (one.attempt !== undefined) syncs.abandon(one.attempt);
    one.attempt = undefined;
    one.isPausing = true;
    timers.cancel(one.token);
    const pauseMs = this.#parts.jittered((options.joinTimeoutMs / 2) * one.tries, 0.25);
    one.token = timers.after(pauseMs, 'join-try', one);
    this.#pump();
  }

  #send(one: JoinTry): void {
    const { syncs, timers, options, self } = this.#parts;
    if (one.attempt !== undefined) syncs.abandon(one.attempt);
    one.attempt = syncs.await(one.kind);
    one.tries++;
    this.#anotherAtMs = this.#parts.world.now() + options.joinTimeoutMs * ANOTHER_AFTER;
    this.#parts.count('joins');
    this.#parts.send(
      { address: one.address, id: undefined },
      { type: 'join', attempt: one.attempt, member: self },
    );
    // Longer each time: a seed may need all its dial-backs before it can say why it refuses.
    one.token = timers.cancel(one.token);
    one.token = timers.after(
      this.#parts.jittered(options.joinTimeoutMs * (one.tries + 1), 0.1),
      'join-try',
      one,
    );
  }

  #end(one: JoinTry, joined: boolean, notify?: () => void): void {
    this.#parts.timers.cancel(one.token);
    if (one.attempt !== undefined) this.#parts.syncs.abandon(one.attempt);
    this.#tries.delete(formatAddress(one.address));
    notify?.();
    for (const call of one.calls) {
      call.open--;
      call.joined ||= joined;
      this.#settle(call);
    }
    if (one.attempt !== undefined) this.#pump();
  }

  #settle(call: Call): void {
    if (call.open > 0 || call.joined) return;
    this.#parts.count('joinsFailed');
    this.#parts.world.notice({ type: 'join-failed', addresses: call.addresses });
  }

  #find(attempt: number): JoinTry | undefined {
    for (const one of this.#tries.values()) if (one.attempt === attempt) return one;
    return undefined;
  }

  #remember(address: Address, id: NodeId): void {
    const key = formatAddress(address);
    this.#answered.delete(key);
    this.#answered.set(key, id);
    if (this.#answered.size > this.#parts.options.maxSeeds)
      this.#answered.delete(nth(this.#answered.keys(), 0)!);
  }
}
