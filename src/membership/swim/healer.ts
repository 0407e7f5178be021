import { formatAddress, sameAddress } from '../../address.js';
import type { Address } from '../../address.js';
import { AddressBook, nth } from './address-book.js';
import type { Entry } from './entry.js';
import type { Parts } from './parts.js';
import type { PingOwner, SentPing } from './pings.js';

/** Questions to lost members that are under way, at most; the oldest is given up. */
const MAX_ASKED = 64;

/** So many tombstones of members that this node has never met are nothing unusual. */
const USUAL_GHOSTS = 64;

/** What is this near is due, so that one timer serves all that were buried together, whatever rounding leaves. */
const DUE_MS = 1;

/**
 * Keeps in touch with what is lost: tries unreachable members, old addresses and seeds at a low, jittered rate, so that
 * a partition heals; forgets the terminal by time and by count. Decisions 9.
 */
export class Healer implements PingOwner {
  readonly #parts: Parts;
  readonly #book: AddressBook;
  readonly #seeds: AddressBook;
  readonly #asked = new Set<SentPing>();
  #reapToken = 0;
  /** When a member was last heard of by its own messages, or what was lost was last given up. */
  #contactAtMs = 0;

  constructor(parts: Parts) {
    const random = (): number => parts.world.random();
    this.#parts = parts;
    this.#book = new AddressBook(parts.options.maxAddressBook, random);
    this.#seeds = new AddressBook(parts.options.maxSeeds, random);
  }

  start(): void {
    this.contact();
    this.#arm();
  }

  /** A member speaks to this node. */
  contact(): void {
    this.#contactAtMs = this.#parts.world.now();
  }

  /** An address that was given to `join`. */
  addSeed(address: Address): void {
    this.#seeds.add(address, Number.POSITIVE_INFINITY);
  }

  /** An address where somebody was once. */
  remember(address: Address): void {
    this.#book.add(address, this.#parts.world.now() + this.#parts.options.addressBookMs);
  }

  get remembered(): number {
    return this.#book.size;
  }

  /** One member more is terminal. */
  buried(): void {
    const { table, options } = this.#parts;
    while (table.buried.size > options.maxTombstones)
      this.#forget(nth(table.ghosts, 0) ?? nth(table.buried, 0)!);
    if (this.#reapToken === 0) this.#armReaping();
  }

  /** The oldest tombstones' time is over. */
  reap(): void {
    this.#reapToken = 0;
    const { table, world, options } = this.#parts;
    for (const entry of table.buried) {
      if (entry.buriedAtMs + options.tombstoneMs > world.now() + DUE_MS) break;
      this.#forget(entry);
    }
    if (table.buried.size > 0) this.#armReaping();
  }

  /** A try at one thing that is lost. */
  tick(): void {
    this.#arm();
    if (this.#parts.leaver.leaving || this.#hasBeenAlone()) return;
    const { table, world } = this.#parts;
    // Most of many that nobody has met were never there; whoever was is to come back.
    const buried = this.#hasManyGhosts
      ? new Set([...table.buried].filter(({ isMet }) => isMet))
      : table.buried;
    const lost = buried.size;
    const places = lost + this.#book.size + this.#seeds.size;
    const place = Math.floor(world.random() * places);
    if (place < lost) {
      const entry = nth(buried, place)!;
      if (entry.member.state === 'unreachable') this.ask(entry, 'fresh');
      return;
    }
    const book = place < lost + this.#book.size ? this.#book : this.#seeds;
    const address = book.pick(world.now());
    if (address !== undefined) this.#tryAddress(address, book);
  }

  /** Somebody says that a member lives which is held unreachable here: only contact can tell (decisions 9). */
  verify(entry: Entry): void {
    const { revival, firsthand } = this.#parts.options.components;
    if (!revival) return this.#parts.count('revivalsRefused');
    if (!firsthand) return;
    this.#parts.count('hearsayVerified');
    this.#parts.checks.schedule(entry, this.#parts.options.probeIntervalMs, 'lost');
  }

  /** Asks an unreachable member itself. The ping carries what is held against it, so that it refutes. */
  ask(entry: Entry, via: 'kept' | 'fresh' = 'kept'): void {
    if (entry.member.state !== 'unreachable' || !this.#parts.options.components.revival) return;
    this.#parts.count('healingPings');
    this.#parts.trace('heal', entry.member.id);
    this.#asked.add(this.#parts.pings.send(entry.member, via, this));
    if (this.#asked.size > MAX_ASKED) this.#giveUp(nth(this.#asked, 0)!);
  }

  /** It lives; its refutation is on the way. */
  acked(ping: SentPing): void {
    this.#asked.delete(ping);
    this.#parts.count('healingAcks');
  }

  #giveUp(ping: SentPing): void {
    this.#asked.delete(ping);
    this.#parts.pings.forget(ping);
  }

  #tryAddress(address: Address, book: AddressBook): void {
    const { joins, self, options, table } = this.#parts;
    // Its node is known, and given up for good.
    const isFinal = !options.components.revival && holds(table.buried, address);
    if (isFinal) return;
    if (!sameAddress(address, self.address) && !joins.isKnown(address)) {
      if (this.#parts.isTraced) this.#parts.trace('heal', undefined, undefined, formatAddress(address));
      return joins.tryOne(address);
    }
    // A seed is still good when its node is known; an old address has done its duty.
    if (book === this.#book) this.#book.delete(address);
  }

  get #hasManyGhosts(): boolean {
    return this.#parts.table.ghosts.size > USUAL_GHOSTS;
  }

  #forget(entry: Entry): void {
    const isOfUse = entry.isMet || !this.#hasManyGhosts;
    if (entry.member.state === 'unreachable' && isOfUse) this.remember(entry.member.address);
    this.#parts.checks.cancel(entry);
    this.#parts.table.forget(entry);
    this.#parts.count('reaped');
    this.#parts.trace('reaped', entry.member.id, undefined, entry.member.state);
  }

  /**
   * Without contact for so long that others may have forgotten their dead: what is held here is not to be trusted. In a
   * large cluster that can be so before everybody else was given up.
   */
  #hasBeenAlone(): boolean {
    const { table, world, options, stalls } = this.#parts;
    const isNobodyKnown = table.others.length === 0 && table.buried.size === 0;
    if (isNobodyKnown || world.now() - this.#contactAtMs <= options.tombstoneMs / 2) return false;
    this.contact();
    stalls.startOver();
    return true;
  }

  #armReaping(): void {
    const oldest = nth(this.#parts.table.buried, 0);
    if (oldest === undefined) return;
    const { timers, options, world } = this.#parts;
    this.#reapToken = timers.after(oldest.buriedAtMs + options.tombstoneMs - world.now(), 'reap');
  }

  #arm(): void {
    this.#parts.timers.after(this.#parts.jittered(this.#parts.options.healIntervalMs, 0.5), 'heal');
  }
}

function holds(entries: Iterable<Entry>, address: Address): boolean {
  for (const { member } of entries) if (sameAddress(member.address, address)) return true;
  return false;
}
