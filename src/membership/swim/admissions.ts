import { formatAddress, sameAddress } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import type { KnownPeer, LinkEvidence, Peer } from '../protocol.js';
import type { Entry } from './entry.js';
import type { Join } from './messages.js';
import type { Parts } from './parts.js';
import type { PingOwner, SentPing } from './pings.js';

/** A dial to a joiner's own address, before it is admitted. The subject of the timer `dial-back`. */
export class DialBack implements PingOwner {
  readonly #admissions: Admissions;
  member: Member;
  /** Who is answered: undefined for one that introduced itself by a payload. */
  joiner: { readonly peer: KnownPeer; readonly attempt: number } | undefined;
  ping: SentPing | undefined = undefined;
  tries = 0;
  triedAtMs = 0;
  /** It has failed, and keeps its place for the rest of the time that a silent one would have had. */
  isOver = false;
  token = 0;

  constructor(admissions: Admissions, member: Member) {
    this.#admissions = admissions;
    this.member = member;
  }

  acked(): void {
    this.#admissions.reached(this);
  }
}

/** The seed's side: admits those that it can dial, says why to the others. Decisions 9. */
export class Admissions {
  readonly #parts: Parts;
  readonly #dialBacks = new Map<NodeId, DialBack>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#dialBacks.size;
  }

  /** Whether a joiner is being dialled back. */
  isDialling(id: NodeId): boolean {
    return this.#dialBacks.has(id);
  }

  receive(from: KnownPeer, join: Join): void {
    const { table, options, gossiper, leaver, conflicts, self } = this.#parts;
    const { member, attempt } = join;
    if (member.id !== from.id) return this.#refuse(from, attempt, 'the record is not about the sender');
    if (isMisnamed(from, member))
      return this.#refuse(from, attempt, 'the record has another name than the certificate');
    if (leaver.leaving) return this.#refuse(from, attempt, 'this node is leaving');
    const rival = conflicts.rival(from.provenName, member);
    if (rival?.linked === true || rival?.member === self)
      return this.#refuse(from, attempt, conflicts.overName(rival.member, member));
    if (rival !== undefined) return this.#wait(from, attempt, options.joinTimeoutMs);
    const entry = table.get(from.id);
    if (entry?.member.state === 'left') {
      gossiper.answerStale(entry);
      return this.#refuse(from, attempt, 'this node id has left; start with a new one');
    }
    if (entry !== undefined && this.#isFinal(entry))
      return this.#refuse(from, attempt, 'this node id was found unreachable; start with a new one');
    if (entry?.member.state === 'unreachable' && entry.member.incarnation >= member.incarnation) {
      // It has to refute that first. It believes a seed that has answered it.
      this.#wait(from, attempt, 2 * options.gossipIntervalMs);
      return gossiper.answer(from, gossiper.held(entry));
    }
    if (entry?.member.isActive === true && sameAddress(entry.member.address, member.address)) {
      this.#admit(member);
      return this.#answer(from, attempt);
    }
    if (entry === undefined && table.size >= options.maxMembers) {
      return this.#refuse(from, attempt, `the cluster is full (${options.maxMembers} members)`);
    }
    const dialBack = this.#dial(member);
    if (dialBack === undefined) return this.#wait(from, attempt, options.joinTimeoutMs);
    dialBack.joiner = { peer: from, attempt };
  }

  /** A peer introduced itself on the payload lane, or by gossip about itself. */
  introduce(record: Member, provenName: string | undefined): 'grant' | 'wait' | 'refuse' {
    const { table, merge, gossiper, self, conflicts } = this.#parts;
    if (record.id === self.id || record.state === 'left') return 'refuse';
    if (provenName !== undefined && provenName !== record.name) return 'refuse';
    const entry = table.get(record.id);
    if (entry === undefined && conflicts.rival(provenName, record) !== undefined) return 'wait';
    if (entry === undefined) {
      this.#dial(record.with({ state: 'alive' }));
      return 'wait';
    }
    if (entry.member.state === 'left' || this.#isFinal(entry)) return 'refuse';
    if (entry.member.state === 'unreachable' && record.incarnation <= entry.member.incarnation) {
      gossiper.answerStale(entry);
      return 'wait';
    }
    merge.alive(record.with({ state: 'alive' }), record.id);
    return entry.member.isActive ? 'grant' : 'wait';
  }

  /** The joiner has answered at its own address. */
  reached(dialBack: DialBack): void {
    const { member, joiner } = dialBack;
    const { table, evidence } = this.#parts;
    this.#end(dialBack);
    this.#admit(member);
    const entry = table.get(member.id);
    if (entry === undefined || this.#isFinal(entry)) {
      if (joiner !== undefined) this.#refuse(joiner.peer, joiner.attempt, 'the cluster is full');
      return;
    }
    table.meet(entry);
    entry.linked = true;
    this.#parts.count('admitted');
    this.#parts.trace('admitted', member.id);
    // Our own dial was answered by another than the one known there: that one has been replaced (decisions 4).
    for (const other of [...table.others]) {
      if (other !== entry && sameAddress(other.member.address, member.address))
        evidence.replaced(other, member.id);
    }
    if (joiner !== undefined) this.#answer(joiner.peer, joiner.attempt);
  }

  /** What the dial to a joiner showed. */
  link(about: Peer, evidence: LinkEvidence, by: NodeId | undefined): void {
    const dialBack = about.id === undefined ? undefined : this.#dialBacks.get(about.id);
    if (dialBack === undefined || dialBack.isOver) return;
    const where = formatAddress(dialBack.member.address);
    if (evidence === 'refused')
      this.#giveUp(dialBack, `nothing listens at ${where}, the address it advertises`);
    else if (evidence === 'replaced') {
      this.#giveUp(
        dialBack,
        `another node (${by ?? 'unknown'}) answers at ${where}, the address it advertises`,
      );
    }
  }

  due(dialBack: DialBack): void {
    dialBack.token = 0;
    if (dialBack.isOver) return this.#end(dialBack);
    if (dialBack.tries < this.#parts.options.joinAttempts) return this.#try(dialBack);
    const where = formatAddress(dialBack.member.address);
    this.#giveUp(dialBack, `it cannot be reached at ${where}, the address it advertises`);
  }

  clear(): void {
    this.#dialBacks.clear();
  }

  #admit(member: Member): void {
    const { table, merge, gossiper } = this.#parts;
    const before = table.get(member.id)?.member;
    merge.alive(member, member.id);
    const after = table.get(member.id)?.member;
    if (after?.isActive === true && after !== before) gossiper.vouch(after);
  }

  /** Found unreachable, where nobody comes back from that. */
  #isFinal(entry: Entry): boolean {
    return entry.member.state === 'unreachable' && !this.#parts.options.components.revival;
  }

  #dial(member: Member): DialBack | undefined {
    let dialBack = this.#dialBacks.get(member.id);
    if (dialBack?.isOver === true) return undefined;
    if (dialBack !== undefined) {
      dialBack.member = member;
      return dialBack;
    }
    if (this.#dialBacks.size >= this.#parts.options.maxJoinsAtOnce) return undefined;
    dialBack = new DialBack(this, member);
    this.#dialBacks.set(member.id, dialBack);
    this.#try(dialBack);
    return dialBack;
  }

  #try(dialBack: DialBack): void {
    const { pings, timers, options } = this.#parts;
    if (dialBack.ping !== undefined) pings.forget(dialBack.ping);
    dialBack.tries++;
    dialBack.triedAtMs = this.#parts.world.now();
    this.#parts.count('dialBacks');
    dialBack.token = timers.after(options.joinTimeoutMs, 'dial-back', dialBack);
    dialBack.ping = pings.send(dialBack.member, 'fresh', dialBack);
  }

  #answer(to: KnownPeer, attempt: number): void {
    if (!this.#parts.syncs.serveJoin(to, attempt)) this.#wait(to, attempt, this.#parts.options.joinTimeoutMs);
  }

  #wait(to: KnownPeer, attempt: number, retryAfterMs: number): void {
    this.#parts.count('joinersWaiting');
    this.#parts.send(to, { type: 'joinWait', attempt, retryAfterMs: Math.ceil(retryAfterMs) });
  }

  #refuse(to: KnownPeer, attempt: number, reason: string): void {
    this.#parts.count('joinersRefused');
    this.#parts.send(to, { type: 'joinRefused', attempt, reason });
  }

  /**
   * Whoever can shake hands can name any address. So that it cannot make this node dial many (a scanner that is not seen), a
   * place makes no more than one dial in the time that a silent one takes, unless the dial led to the joiner.
   */
  #giveUp(dialBack: DialBack, reason: string): void {
    const { timers, world, options } = this.#parts;
    this.#end(dialBack);
    if (dialBack.joiner !== undefined) this.#refuse(dialBack.joiner.peer, dialBack.joiner.attempt, reason);
    const restMs = dialBack.triedAtMs + options.joinTimeoutMs - world.now();
    if (restMs <= 0) return;
    dialBack.isOver = true;
    dialBack.ping = undefined;
    dialBack.token = timers.after(restMs, 'dial-back', dialBack);
    this.#dialBacks.set(dialBack.member.id, dialBack);
  }

  #end(dialBack: DialBack): void {
    this.#dialBacks.delete(dialBack.member.id);
    this.#parts.timers.cancel(dialBack.token);
    if (dialBack.ping !== undefined) this.#parts.pings.forget(dialBack.ping);
  }
}

/** Whether a peer tells of itself another name than its connection proves. */
export function isMisnamed(from: KnownPeer, record: Member): boolean {
  return from.provenName !== undefined && record.id === from.id && record.name !== from.provenName;
}
