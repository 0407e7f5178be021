import type { NodeId } from '../../node-id.js';
import type { LinkEvidence, Peer } from '../protocol.js';
import { nth } from './address-book.js';
import type { Entry } from './entry.js';
import type { SuspicionKind, Update } from './messages.js';
import type { Parts } from './parts.js';
import type { PingOwner, SentPing } from './pings.js';
import type { Probe } from './prober.js';
import { refusalsOf } from './requests.js';

/** Links of nodes that are no members yet, remembered at most; the oldest goes first. */
const MAX_STRANGERS = 1024;

/**
 * Hard evidence: what dials show of a process, unlike silence. Only this node's own dials count, only a quorum of
 * relays confirms a refusal, any answer to a later ping contradicts it. Decisions 3 and 4.
 */
export class Evidence implements PingOwner {
  readonly #parts: Parts;
  /** Members that refused a dial since the last success: several mean that the fault may be here. */
  readonly #refusing = new Set<NodeId>();
  #refusedSinceMs = 0;
  #selfCheck: SentPing | undefined;
  /** Nodes with a link that are no members yet. */
  readonly #strangers = new Set<NodeId>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether a link to a node was up before it became a member. */
  wasUp(id: NodeId): boolean {
    return this.#strangers.delete(id);
  }

  /** What the transport saw. */
  link(about: Peer, evidence: LinkEvidence, by: NodeId | undefined): void {
    const { table, prober, relays, checks, options } = this.#parts;
    const entry = about.id === undefined ? undefined : table.get(about.id);
    if (about.id === undefined) return;
    switch (evidence) {
      case 'up':
        return this.#linked(about.id, entry, true);
      case 'goodbye':
        return this.#linked(about.id, entry, false);
      case 'closed':
        this.#linked(about.id, entry, false);
        if (entry === undefined || !options.components.hardEvidence) return;
        this.#closed(entry);
        if (entry.member.isActive) checks.schedule(entry, options.probeIntervalMs, 'closed');
        return;
      case 'refused':
        if (!options.components.hardEvidence) return;
        return this.#refused(about.id, entry, relays.saw(about.id, 'refused', undefined));
      case 'replaced':
        if (!options.components.hardEvidence) return;
        relays.saw(about.id, 'replaced', by);
        if (entry !== undefined && by !== undefined) this.replaced(entry, by);
        return;
      case 'local':
        relays.saw(about.id, 'local', undefined);
        prober.voided(about.id);
        return;
      case 'silent':
        return;
    }
  }

  /** Our own dial to the member's address was answered by another node. Needs no relays, keeps the deadline. */
  replaced(entry: Entry, by: NodeId): void {
    const { prober, world, pings, conflicts } = this.#parts;
    if (!this.#counts(entry) || by === this.#parts.self.id || entry.suspicion?.shortened === true) return;
    if (conflicts.isDoubtful(entry)) return;
    this.#parts.count('replaced');
    this.#parts.trace('replaced', entry.member.id, by);
    prober.drop(entry);
    this.#suspect(entry);
    if (entry.suspicion === undefined) return;
    conflicts.replaced(entry, by, entry.linked ? pings.send(entry.member, 'kept', this) : undefined);
    this.#shorten(entry, { seenAtMs: world.now(), witnesses: [], lastPing: undefined });
  }

  /** A relay has answered a probe that was refused here: is it a quorum now? */
  evaluate(probe: Probe): void {
    const { options, health, stalls, pings, prober } = this.#parts;
    const { entry } = probe;
    if (probe.refusedAtMs === undefined || !this.#counts(entry) || this.#parts.table.size <= 2) return;
    // A firewall may refuse where a link is still open; the kernel of a dead process would have closed it.
    if (entry.linked) return this.#parts.count('quorumsWaived');
    if (entry.suspicion?.shortened === true) return;
    const asked = probe.witnessesAsked;
    const witnesses = refusalsOf(probe);
    if (asked < 1 || witnesses.length < Math.min(options.quorumRefusals, asked)) return;
    if (health.score > 0 || stalls.recently()) return this.#parts.count('quorumsWaived');
    if (this.#refusing.size > 1) return this.#checkSelf(entry);
    if (entry.member.incarnation > probe.incarnation) return this.#askAnew(entry);
    const seenAtMs = probe.refusedAtMs;
    this.#parts.count('hardQuorums');
    if (this.#parts.isTraced) {
      const figures = { witnesses: witnesses.length, asked };
      this.#parts.trace('hard-quorum', entry.member.id, undefined, witnesses.join(' '), figures);
    }
    prober.drop(entry);
    this.#suspect(entry);
    if (entry.suspicion === undefined) return;
    const lastPing = pings.send(entry.member, 'fresh', this);
    this.#shorten(entry, { seenAtMs, witnesses, lastPing });
  }

  /** It has spoken since it was asked, perhaps to refute: what was refused before that may say nothing of now. */
  #askAnew(entry: Entry): void {
    const { prober } = this.#parts;
    this.#parts.count('quorumsWaived');
    prober.drop(entry);
    prober.begin(entry);
  }

  /** The member has answered a ping sent at `askedAtMs`. */
  contradicted(entry: Entry, askedAtMs: number): void {
    this.#parts.conflicts.answered(entry, askedAtMs);
    const evidence = entry.suspicion?.evidence;
    if (evidence !== undefined && askedAtMs >= evidence.seenAtMs) this.#parts.suspicions.soften(entry);
  }

  /** Some member has answered a ping sent at `sentAtMs`: our own ways out work. */
  succeeded(sentAtMs: number): void {
    if (this.#refusing.size > 0 && sentAtMs >= this.#refusedSinceMs) this.#refusing.clear();
  }

  /** The self-check came back: what waited for it is looked at again. */
  acked(ping: SentPing): void {
    if (ping !== this.#selfCheck) return;
    this.#selfCheck = undefined;
    for (const probe of [...this.#parts.prober.running.values()]) this.evaluate(probe);
  }

  /** The self-check was not handed over. */
  unsent(ping: SentPing): void {
    if (ping === this.#selfCheck) this.#checkAgain();
  }

  /** What was refused beside an open link counts now. */
  #closed(entry: Entry): void {
    const { prober, relays, requests, world } = this.#parts;
    const { id } = entry.member;
    entry.closedAtMs = world.now();
    const probe = prober.running.get(id);
    if (probe !== undefined) this.evaluate(probe);
    else if (entry.refuses && entry.member.state === 'alive' && this.#counts(entry)) this.#doubt(entry);
    relays.unlinked(id);
    requests.lost(entry);
    if (entry.refuses) this.#refuses(entry);
  }

  /** This node's own word against a member: it is no relay, no confirmer, and no witness for this node itself. */
  #refuses(entry: Entry): void {
    const { requests, suspicions } = this.#parts;
    requests.lost(entry);
    suspicions.fewerConfirmers();
    if (this.#selfCheck?.to.id === entry.member.id) this.#checkAgain();
  }

  #linked(id: NodeId, entry: Entry | undefined, up: boolean): void {
    if (entry !== undefined) {
      if (up) this.#parts.table.meet(entry);
      entry.linked = up;
      entry.isStuck = false;
      if (up) entry.refusedAtMs = Number.NEGATIVE_INFINITY;
    } else if (!up) this.#strangers.delete(id);
    else {
      this.#strangers.add(id);
      if (this.#strangers.size > MAX_STRANGERS) this.#strangers.delete(nth(this.#strangers, 0)!);
    }
  }

  #refused(id: NodeId, entry: Entry | undefined, relayed: boolean): void {
    const { prober, world, table, requests } = this.#parts;
    if (entry === undefined || !this.#counts(entry)) return;
    if (this.#refusing.size === 0) this.#refusedSinceMs = world.now();
    this.#refusing.add(id);
    entry.refusedAtMs = world.now();
    if (entry.refuses) this.#refuses(entry);
    if (table.size <= 2) return;
    const probe = prober.running.get(id);
    if (probe === undefined) {
      if (!relayed && entry.member.state === 'alive') this.#doubt(entry);
      return;
    }
    if (probe.refusedAtMs !== undefined) return;
    probe.refusedAtMs = world.now();
    this.#parts.count('refusals');
    this.#parts.trace('refused', id);
    if (entry.linked) prober.again(probe, this.#accusation(entry));
    requests.witness(probe);
    this.evaluate(probe);
  }

  /**
   * Refused outside a probe. A firewall refuses each dial, and a probe brings more of them: relays dial, a member that only
   * relays reach dials back. So one that has just answered, on a link that lasts, is left for an interval.
   */
  #doubt(entry: Entry): void {
    const { prober, checks, options, world } = this.#parts;
    const { heardAtMs, closedAtMs, linked } = entry;
    const sinceMs = world.now() - heardAtMs;
    // The probe's own dial will be refused, and leads back here.
    if (closedAtMs > heardAtMs || sinceMs >= options.probeIntervalMs) prober.begin(entry);
    // The end of an open link is a reason to probe by itself.
    else if (!linked) checks.schedule(entry, options.probeIntervalMs, 'refused');
  }

  /** Whether evidence about this member is used at all. */
  #counts(entry: Entry): boolean {
    if (!this.#parts.options.components.hardEvidence || !entry.member.isActive) return false;
    if (this.#parts.leaver.leaving) return false;
    return !this.#parts.conflicts.isAt(entry.member);
  }

  #suspect(entry: Entry): void {
    const accusation = this.#accusation(entry);
    if (accusation.type === 'suspect') this.#parts.merge.suspect(accusation, this.#parts.self.id);
  }

  #shorten(entry: Entry, evidence: Parameters<Parts['suspicions']['shorten']>[2]): void {
    const { suspicions, health, options } = this.#parts;
    suspicions.shorten(entry, health.scale(options.probeTimeoutMs), evidence);
  }

  #accusation(entry: Entry): Update {
    const { id, incarnation } = entry.member;
    const kind: SuspicionKind = 'hard';
    return { type: 'suspect', id, incarnation, accuser: this.#parts.self.id, kind };
  }

  /** Several members refuse and nobody has answered since: is it this node's own way out? A fresh dial tells. */
  #checkSelf(suspected: Entry): void {
    const { pings, table, world, options } = this.#parts;
    const running = this.#selfCheck;
    if (running !== undefined && world.now() - running.sentAtMs < options.probeTimeoutMs) return;
    if (running !== undefined) pings.forget(running);
    const fits = (entry: Entry): boolean =>
      entry !== suspected && entry.mayRelay && !this.#refusing.has(entry.member.id);
    const [linked] = table.pick(1, (entry) => entry.linked && fits(entry));
    const [other] = linked === undefined ? table.pick(1, fits) : [linked];
    this.#parts.count('selfChecks');
    this.#selfCheck = other === undefined ? undefined : pings.send(other.member, 'verify', this);
  }

  /** The member that was to tell is lost itself: another one is asked. */
  #checkAgain(): void {
    if (this.#selfCheck !== undefined) this.#parts.pings.forget(this.#selfCheck);
    this.#selfCheck = undefined;
    for (const probe of [...this.#parts.prober.running.values()]) this.evaluate(probe);
  }
}
