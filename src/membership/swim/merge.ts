import { sameAddress } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import type { Entry } from './entry.js';
import { sameFacts } from './facts.js';
import { minSuspicionMs } from './formulas.js';
import { MAX_INCARNATION } from './messages.js';
import type { SuspectUpdate, SuspicionKind, UnreachableUpdate, Update } from './messages.js';
import type { Parts } from './parts.js';
import { supersedes } from './transitions.js';

/**
 * How a claim came: by gossip, or in a page, where verdicts count as suspicions. `push`: nobody has asked for that page ·
 * `page`: this node has begun the sync · `answer`: it joins.
 */
export type ClaimSource = 'gossip' | 'push' | 'page' | 'answer';

/**
 * Takes in claims about members. Converts them at the door (decisions 2), merges what is left by the lattice, and
 * passes on what changed something. `transitions.ts` is its specification.
 */
export class Merge {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  apply(update: Update, from: NodeId, source: ClaimSource): void {
    switch (update.type) {
      case 'alive':
        return this.alive(update.member, from, source);
      case 'suspect':
        return this.suspect(update, from);
      case 'unreachable':
        return this.unreachable(update, from, source);
      case 'left':
        return this.left(update.id, update.incarnation, from);
    }
  }

  /** `from` is the owner itself when its own record came over its own link, or when it was just dialled. */
  alive(member: Member, from: NodeId, source: ClaimSource = 'gossip'): void {
    const { table, refuter } = this.#parts;
    if (member.id === table.self.member.id) return refuter.described(member, from);
    const entry = table.get(member.id);
    if (entry === undefined) return this.#create(member, from, source);
    const held = entry.member;
    // By far the most common: it is known. In a simulation nodes share their members.
    if (held === member || !this.#plausible(member.incarnation, held)) return;
    if (this.#isDisproved(held, member, from)) this.#parts.count('incarnationsDisproved');
    else if (!supersedes(member, held)) return this.#notNew(entry, member, from);
    if (held.state === 'unreachable' && !this.#mayRevive(member.id, from))
      return this.#parts.healer.verify(entry);
    if (held.state === 'suspect') return this.#recover(entry, member, from);
    this.#parts.table.put(entry, member, this.#parts.world.now());
    this.#spread({ type: 'alive', member }, from);
    if (held.state === 'unreachable') this.#healed(entry, held, from);
    else if (!sameFacts(held, member)) this.#parts.emit('updated', entry, held);
  }

  suspect(update: SuspectUpdate, from: NodeId): void {
    const { table, refuter, suspicions, healer } = this.#parts;
    if (update.id === table.self.member.id) return refuter.accused(update, from);
    const entry = table.get(update.id);
    if (entry === undefined) return this.#parts.count('unknownSubjects');
    const held = entry.member;
    if (!this.#plausible(update.incarnation, held)) return;
    if (held.state === 'suspect' && held.incarnation === update.incarnation) {
      return suspicions.confirm(entry, update.accuser, update.kind);
    }
    if (!supersedes({ state: 'suspect', incarnation: update.incarnation }, held))
      return this.#tellOfLeave(entry, update.accuser, from);
    if (held.state === 'unreachable') return healer.verify(entry);
    table.put(
      entry,
      held.with({ state: 'suspect', incarnation: update.incarnation }),
      this.#parts.world.now(),
    );
    const suspicion = suspicions.begin(entry, update.accuser, update.kind);
    this.#spread(update, from);
    if (update.kind === 'hard') this.#parts.gossiper.forward(update, from);
    this.#parts.count('suspicions');
    suspicions.traced('suspected', suspicion, update.accuser, update.kind);
    if (held.state === 'alive') this.#parts.emit('suspected', entry, held);
    // Last, as in the two below: it can bring another member's quorum, and events come one after the other.
    this.#parts.requests.lost(entry);
  }

  unreachable(update: UnreachableUpdate, from: NodeId, source: ClaimSource): void {
    const { table, refuter } = this.#parts;
    if (update.id === table.self.member.id) return refuter.accused(update, from);
    const entry = table.get(update.id);
    if (entry === undefined) return this.#parts.count('unknownSubjects');
    if (!this.#plausible(update.incarnation, entry.member)) return;
    if (!supersedes({ state: 'unreachable', incarnation: update.incarnation }, entry.member))
      return this.#tellOfLeave(entry, update.by, from);
    const isContrary = this.#isContrary(entry, update);
    if (entry.member.isActive && (source !== 'gossip' || isContrary)) {
      if (isContrary) this.#contradict(entry, update);
      return this.suspect(asSuspicion(update), from);
    }
    this.bury(entry, update, from);
  }

  /** Nothing stands against the verdict: the member is unreachable. */
  bury(entry: Entry, update: UnreachableUpdate, from: NodeId): void {
    const held = entry.member;
    this.#parts.suspicions.end(entry);
    this.#parts.table.put(
      entry,
      held.with({ state: 'unreachable', incarnation: update.incarnation }),
      this.#parts.world.now(),
    );
    this.#withdraw(entry);
    this.#spread(update, from);
    if (!held.isActive) return;
    if (update.kind === 'hard') this.#parts.gossiper.forward(update, from);
    this.#parts.healer.buried();
    this.#parts.conflicts.buried(entry, update);
    this.#parts.count('unreachable');
    this.#parts.trace('unreachable', update.id, update.by, update.kind);
    this.#parts.emit('unreachable', entry, held);
    this.#parts.requests.lost(entry);
  }

  left(id: NodeId, incarnation: number, from: NodeId): void {
    const { table, refuter } = this.#parts;
    if (id === table.self.member.id) return refuter.buried();
    const entry = table.get(id);
    if (entry === undefined) return this.#parts.count('unknownSubjects');
    const held = entry.member;
    if (held.state === 'left' || !this.#plausible(incarnation, held)) return;
    // A leaver raises its incarnation first, so what is below a known one was never said by the owner.
    if (from !== id && incarnation < held.incarnation) return this.#parts.count('leavesRefused');
    this.#parts.suspicions.end(entry);
    const final = Math.max(held.incarnation, incarnation);
    table.put(entry, held.with({ state: 'left', incarnation: final }), this.#parts.world.now());
    this.#withdraw(entry);
    const update: Update = { type: 'left', id, incarnation: final };
    this.#spread(update, from);
    if (!held.isActive) return;
    // Ahead of the refusals of its closed port, so that hardly anybody doubts it first.
    this.#parts.gossiper.forward(update, from);
    this.#parts.healer.buried();
    this.#parts.trace('left', id, from);
    this.#parts.emit('left', entry, held);
    this.#parts.requests.lost(entry);
  }

  /** Nobody probes a terminal member any more, and the node drops its links at the event. */
  #withdraw(entry: Entry): void {
    entry.linked = false;
    this.#parts.prober.drop(entry);
    this.#parts.checks.cancel(entry);
  }

  #create(member: Member, from: NodeId, source: ClaimSource): void {
    const { table, options, self } = this.#parts;
    // This node listens there, so it has replaced that one already: nothing to announce.
    if (sameAddress(member.address, self.address)) return this.#parts.count('predecessors');
    if (member.incarnation > MAX_INCARNATION) return this.#parts.count('incarnationsRefused');
    if (table.size >= options.maxMembers) return this.#parts.count('membersRefused');
    const isLinked = this.#parts.evidence.wasUp(member.id);
    if (from !== member.id && !isLinked && !this.#parts.hearsay.admits(source)) return;
    const entry = table.create(member);
    if (isLinked) {
      table.meet(entry);
      entry.linked = true;
    }
    this.#parts.conflicts.entered(entry);
    this.#spread({ type: 'alive', member }, from);
    this.#joined(entry, undefined, from);
  }

  #joined(entry: Entry, before: Member | undefined, from: NodeId): void {
    this.#parts.count('joined');
    this.#parts.healer.contact();
    this.#parts.trace('joined', entry.member.id, from);
    this.#parts.emit('joined', entry, before);
  }

  #healed(entry: Entry, before: Member, from: NodeId): void {
    if (this.#parts.isTraced) {
      const lostForMs = this.#parts.world.now() - entry.buriedAtMs;
      this.#parts.trace('healed', before.id, from, undefined, { lostForMs });
    }
    this.#joined(entry, before, from);
  }

  #recover(entry: Entry, member: Member, from: NodeId): void {
    const { suspicions, table, world, options } = this.#parts;
    const held = entry.member;
    const startedAtMs = entry.suspicion?.startedAtMs ?? world.now();
    const hard = entry.suspicion?.kind === 'hard';
    suspicions.end(entry);
    table.put(entry, member, world.now());
    const update: Update = { type: 'alive', member };
    this.#spread(update, from);
    if (hard) this.#parts.gossiper.forward(update, from);
    // A link that was cut while its peer was silent can stay dead for long after the heal (decisions 5). Everybody sees the
    // same: closed by all at once, they would cost a slow member more than it has (ADR 15).
    const isDoubtful = entry.linked && from !== member.id && entry.heardAtMs < startedAtMs;
    if (isDoubtful && options.components.freshConnection) entry.isStuck = true;
    this.#parts.count('recovered');
    this.#parts.trace('recovered', member.id, from);
    this.#parts.emit('recovered', entry, held);
  }

  /** An alive claim that is no news: it may still fill in facts, or be an owner who does not know what is held against it. */
  #notNew(entry: Entry, member: Member, from: NodeId): void {
    const held = entry.member;
    if (held.state === 'suspect' && held.incarnation === member.incarnation && !sameFacts(held, member)) {
      this.#parts.table.put(entry, member.with({ state: 'suspect' }), this.#parts.world.now());
      this.#parts.emit('updated', entry, held);
    }
    if (from !== member.id) return;
    if (held.state !== 'alive' || held.incarnation > member.incarnation)
      this.#parts.gossiper.answerStale(entry);
  }

  /** Only the owner's own word brings a member back (decisions 2); nothing does where verdicts are final. */
  #mayRevive(id: NodeId, from: NodeId): boolean {
    const { revival, firsthand } = this.#parts.options.components;
    return revival && (from === id || !firsthand);
  }

  /** Whoever accuses a leaver has missed its leave, and would soon pass a verdict on it. */
  #tellOfLeave(entry: Entry, accuser: NodeId, from: NodeId): void {
    const { table, gossiper } = this.#parts;
    const peer = entry.member.state === 'left' && accuser === from ? table.get(from)?.member : undefined;
    if (peer?.isActive !== true) return;
    this.#parts.count('leavesTold');
    gossiper.answer(peer, gossiper.held(entry));
  }

  /**
   * An incarnation is its owner's: it claims far less than what is held of it, so that was forged, perhaps before this node
   * knew the owner. It could never be refuted.
   */
  #isDisproved(held: Member, claim: Member, from: NodeId): boolean {
    const isFar = held.incarnation - claim.incarnation > this.#parts.options.maxIncarnationJump;
    return isFar && from === claim.id && held.state !== 'left';
  }

  #plausible(incarnation: number, held: Member): boolean {
    if (
      incarnation <= MAX_INCARNATION &&
      incarnation - held.incarnation <= this.#parts.options.maxIncarnationJump
    ) {
      return true;
    }
    this.#parts.count('incarnationsRefused');
    return false;
  }

  /**
   * Whether this node knows better: it has had an answer from the member since the claimed suspicion began, or holds an
   * open link to one that is said to be dead (ADR 9), or knows that two share its address (ADR 12). Where the suspicion
   * was never heard of, it began at least its shortest duration ago.
   */
  #isContrary(entry: Entry, update: UnreachableUpdate): boolean {
    const { options, table, world, conflicts } = this.#parts;
    if (!options.components.contraryEvidence) return false;
    const shortestMs = update.kind === 'hard' ? options.probeTimeoutMs : minSuspicionMs(options, table.size);
    const beganMs = entry.suspicion?.startedAtMs ?? world.now() - shortestMs;
    if (entry.heardAtMs >= beganMs) return true;
    return update.kind === 'hard' && (entry.linked || conflicts.isAt(entry.member));
  }

  #contradict(entry: Entry, update: UnreachableUpdate): void {
    this.#parts.count('verdictsContradicted');
    this.#parts.trace('verdict-contradicted', update.id, update.by, update.kind);
    this.#parts.gossiper.answer(entry.member, update);
  }

  #spread(update: Update, from: NodeId): void {
    this.#parts.gossiper.spread(update, from);
  }
}

function asSuspicion(update: UnreachableUpdate): SuspectUpdate {
  const kind: SuspicionKind = 'soft';
  return { type: 'suspect', id: update.id, incarnation: update.incarnation, accuser: update.by, kind };
}
