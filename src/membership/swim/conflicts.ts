import { formatAddress, sameAddress } from '../../address.js';
import type { Address } from '../../address.js';
import { AddressConflictError, NameConflictError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import { nth } from './address-book.js';
import type { Entry } from './entry.js';
import type { UnreachableUpdate } from './messages.js';
import type { Parts } from './parts.js';
import type { SentPing } from './pings.js';

/** Replacements, and conflicts, remembered at most; the oldest goes first. */
const MAX_REMEMBERED = 64;

/** A dial to a member was answered by another. */
interface Replacement {
  /** Who answered; undefined when the dial was another node's, and so was the verdict. */
  readonly by: NodeId | undefined;
  readonly address: Address;
  /** The member's, which was accused; a higher one is an answer to that. */
  readonly incarnation: number;
  readonly seenAtMs: number;
  /** Asked after that, where a link was still there. */
  readonly ping: SentPing | undefined;
}

/**
 * One address, one owner (decisions 4, ADR 12). Remembers by whom members were replaced, beyond their suspicion: its
 * refutation is faster than any answer. Whoever gives a sign of life after it was replaced shares its address.
 */
export class Conflicts {
  readonly #parts: Parts;
  readonly #replaced = new Map<NodeId, Replacement>();
  /** Addresses where two ids answered, and until when hard evidence about them is off. */
  readonly #until = new Map<string, number>();
  /** Whether a peer's connection has proven its name: then one name is one member. */
  namesAreProven = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Another node answers this one's own dial to the member. `ping`: what the member was asked since. */
  replaced({ member }: Entry, by: NodeId, ping: SentPing | undefined): void {
    this.#remember(member, by, ping);
  }

  /** A verdict is taken. A hard one without a witness says that somebody else's dial was answered by another. */
  buried({ member }: Entry, { kind, witnesses, by }: UnreachableUpdate): void {
    if (kind === 'soft' || witnesses.length > 0 || by === this.#parts.self.id) return;
    const before = this.#replaced.get(member.id);
    if (before?.by === undefined || !this.#isRecent(before)) this.#remember(member, undefined, undefined);
  }

  /** Whether hard evidence about the member's address is off. */
  isAt({ address }: Member): boolean {
    if (this.#until.size === 0) return false;
    const untilMs = this.#until.get(key(address));
    return untilMs !== undefined && untilMs > this.#parts.world.now();
  }

  /**
   * Whether the member has raised its incarnation since it was replaced, as far as anybody has told. That may have been
   * just before it died, so it is no conflict yet; but it is not judged in haste again.
   */
  isDoubtful({ member }: Entry): boolean {
    const before = this.#replaced.get(member.id);
    return before !== undefined && this.#isRecent(before) && member.incarnation > before.incarnation;
  }

  /** A member has answered a question that was asked at `askedAtMs`. */
  answered(entry: Entry, askedAtMs: number): void {
    if (this.#replaced.size === 0) return;
    const before = this.#replaced.get(entry.member.id);
    if (before !== undefined && askedAtMs >= before.seenAtMs) this.#found(entry, entry.member, before);
  }

  /** A member has told its record itself, on its own link. */
  spoke(member: Member): void {
    if (this.#replaced.size === 0) return;
    const before = this.#replaced.get(member.id);
    const entry = this.#parts.table.get(member.id);
    if (before === undefined || entry === undefined || member.incarnation <= before.incarnation) return;
    this.#found(entry, member, before);
  }

  /** Both live, unless the member has moved. */
  #found(entry: Entry, { id, address }: Member, before: Replacement): void {
    const { world, options, suspicions } = this.#parts;
    this.#forget(id);
    suspicions.soften(entry);
    if (entry.member.state === 'left' || !this.#isRecent(before)) return;
    if (!sameAddress(address, before.address)) return;
    const where = formatAddress(address);
    this.#until.delete(key(address));
    this.#until.set(key(address), world.now() + options.conflictMs);
    if (this.#until.size > MAX_REMEMBERED) this.#until.delete(nth(this.#until.keys(), 0)!);
    if (before.by === undefined) return;
    this.#parts.count('addressConflicts');
    this.#parts.trace('address-conflict', id, before.by, where);
    world.notice({ type: 'address-conflict', error: new AddressConflictError(where, [id, before.by]) });
  }

  /**
   * Where certificates prove names: another active member of the same name, at another address. It is looked after, since
   * it may have died just now, and its successor stands at the door.
   */
  rival(provenName: string | undefined, newer: Member): Entry | undefined {
    if (provenName === undefined) return undefined;
    const { table, checks, options } = this.#parts;
    const namesake = this.#namesakeOf(newer);
    if (namesake !== undefined && namesake !== table.self)
      checks.schedule(namesake, options.probeTimeoutMs, 'closed');
    return namesake;
  }

  /** A member is new in the view. Two that started at the same moment may both have been admitted, at different seeds. */
  entered({ member }: Entry): void {
    if (!this.namesAreProven) return;
    const namesake = this.#namesakeOf(member);
    if (namesake !== undefined) this.overName(namesake.member, member);
  }

  /** Two that live have one name: the newer one is told, and so is this node. */
  overName(member: Member, newer: Member): string {
    const { world } = this.#parts;
    const error = new NameConflictError(member.name, [member.id, newer.id]);
    this.#parts.count('nameConflicts');
    world.notice({ type: 'name-conflict', error });
    return `a live member (${member.id} at ${formatAddress(member.address)}) has the same name; when that one is gone, this one is admitted`;
  }

  #namesakeOf({ id, name, address }: Member): Entry | undefined {
    const { table } = this.#parts;
    return [table.self, ...table.others].find(
      ({ member }) =>
        member.name === name && member.id !== id && member.isActive && !sameAddress(member.address, address),
    );
  }

  #remember(member: Member, by: NodeId | undefined, ping: SentPing | undefined): void {
    const { id, address, incarnation } = member;
    this.#forget(id);
    this.#replaced.set(id, { by, address, incarnation, seenAtMs: this.#parts.world.now(), ping });
    if (this.#replaced.size > MAX_REMEMBERED) this.#forget(nth(this.#replaced.keys(), 0)!);
  }

  #isRecent({ seenAtMs }: Replacement): boolean {
    return this.#parts.world.now() - seenAtMs < this.#parts.options.conflictMs;
  }

  #forget(id: NodeId): void {
    const before = this.#replaced.get(id);
    if (before?.ping !== undefined) this.#parts.pings.forget(before.ping);
    this.#replaced.delete(id);
  }
}

function key(address: Address): string {
  return `${address.host.toLowerCase()} ${address.port}`;
}
