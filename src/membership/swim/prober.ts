import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import type { Entry } from './entry.js';
import type { Ack, RelayOutcome, Update } from './messages.js';
import type { Parts } from './parts.js';
import type { PingOwner, PingVia, SentPing } from './pings.js';
import type { Request } from './requests.js';

/** A timer later than this says that the event loop stood still (decisions 8). */
const LATE_MS = 50;
/** How many members being probed a round passes over. */
const MAX_TRIES = 8;

/** One probe of one member: a direct ping, then relays and a fresh connection, then a verdict. */
export class Probe implements PingOwner {
  readonly #prober: Prober;
  readonly entry: Entry;
  readonly startedAtMs: number;
  /** When nobody waits any longer. Local health stretches it at the start, and not again (memberlist). */
  readonly endsAtMs: number;
  /** The member's when it was asked: a refutation that came meanwhile answers the accusation. */
  readonly incarnation: number;
  readonly pings: SentPing[] = [];
  /** The relays that were asked, lost ones too. */
  readonly requests: Request[] = [];
  /** When this node's own dial was refused. */
  refusedAtMs: number | undefined = undefined;
  fresh = false;
  /** Whether the kept ping went over a link that was there before. */
  readonly wasLinked: boolean;
  token = 0;

  constructor(prober: Prober, entry: Entry, startedAtMs: number, endsAtMs: number) {
    this.#prober = prober;
    this.entry = entry;
    this.startedAtMs = startedAtMs;
    this.endsAtMs = endsAtMs;
    this.incarnation = entry.member.incarnation;
    this.wasLinked = entry.linked;
  }

  /** R: relays that were asked to witness a refusal, and still count. */
  get witnessesAsked(): number {
    return this.requests.filter(({ why, isLost }) => why === 'refused' && !isLost).length;
  }

  acked(ping: SentPing, _ack: Ack): void {
    this.#prober.acked(this, ping);
  }
}

/**
 * Probes one member each interval, round robin, and others out of turn. SWIM §3.1 and §4.3, Lifeguard §IV-A. One probe
 * per member at a time.
 */
export class Prober {
  readonly #parts: Parts;
  readonly #running = new Map<NodeId, Probe>();
  /** Whose turn was the last. */
  #latest: Entry | undefined;
  /** A round found everybody being probed: it is made up for when one of those probes ends. */
  #owed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get running(): ReadonlyMap<NodeId, Probe> {
    return this.#running;
  }

  start(): void {
    const { timers, options, world } = this.#parts;
    timers.after(options.probeIntervalMs * world.random(), 'round');
  }

  /** The next member's turn. */
  round(): void {
    const { timers, options, health, table } = this.#parts;
    const intervalMs = health.scale(options.probeIntervalMs);
    timers.after(intervalMs, 'round');
    if (this.#parts.isTraced) this.#parts.trace('round', undefined, undefined, undefined, { intervalMs });
    if (this.#parts.leaver.leaving) return;
    // Nobody to doubt, so nothing speaks against this node.
    if (table.others.length === 0) return health.add(-1);
    this.#owed = !this.#beginNext();
  }

  /** Starts a probe, in turn or not; undefined when one is running. */
  begin(entry: Entry, occasion: ProbeOccasion = 'out-of-turn'): Probe | undefined {
    if (this.#running.has(entry.member.id) || !entry.member.isActive) return undefined;
    const { timers, options, health, world } = this.#parts;
    const intervalMs = health.scale(options.probeIntervalMs);
    const timeoutMs = health.scale(options.probeTimeoutMs);
    const probe = new Probe(this, entry, world.now(), world.now() + intervalMs);
    this.#running.set(entry.member.id, probe);
    this.#parts.count('probes');
    if (this.#parts.isTraced)
      this.#parts.trace('probe', entry.member.id, undefined, occasion, { timeoutMs, intervalMs });
    probe.token = timers.after(timeoutMs, 'probe-timeout', probe);
    probe.fresh = entry.isStuck;
    this.#ping(probe, probe.fresh ? 'fresh' : 'kept');
    return probe;
  }

  /** The direct ping is overdue: relays are asked, and a new connection gives a second opinion. */
  timedOut(probe: Probe, lateMs: number): void {
    if (this.#ended(probe)) return;
    const { timers, options, world } = this.#parts;
    const { eventLoopAwareness } = options.components;
    if (this.#isLate(lateMs)) return this.#poll(probe, 'void');
    // The interval is over when it is, however late this timer fired. Where the clock stands still with the event loop,
    // relays always get their time.
    const restMs = probe.endsAtMs - world.now();
    const end: ProbeEnd = { probe, stage: 'due' };
    probe.token = timers.after(
      eventLoopAwareness ? Math.max(restMs, options.probeTimeoutMs) : restMs,
      'probe-end',
      end,
    );
    this.#parts.trace('probe-overdue', probe.entry.member.id);
    if (probe.requests.length === 0) this.#parts.requests.ask(probe, options.indirectProbes, 'silent');
    // Where new dials are dropped, the link that was thought dead may be the only way.
    if (probe.entry.isStuck) this.#ping(probe, 'kept');
    else this.freshen(probe);
    if (this.#isOver(probe)) this.#failed(probe);
  }

  /** The probe's time is over. `stage`: whether a poll has passed since. */
  overdue(probe: Probe, stage: ProbeStage, lateMs: number): void {
    if (this.#ended(probe)) return;
    if (stage === 'void') return this.#restart(probe);
    if (stage === 'failed') return this.#failed(probe);
    if (this.#isLate(lateMs)) return this.#poll(probe, 'void');
    if (!this.#parts.options.components.eventLoopAwareness) return this.#failed(probe);
    this.#poll(probe, 'failed');
  }

  acked(probe: Probe, ping: SentPing): void {
    if (this.#ended(probe) || this.#isOver(probe)) return;
    const { health } = this.#parts;
    this.#traceAck(probe);
    // The kept link has failed a probe that a fresh one has passed: it is never used again (decisions 5).
    if (ping.via === 'kept') probe.entry.isStuck = false;
    if (ping.via === 'fresh' && probe.wasLinked) {
      this.#parts.count('stuckLinks');
      this.#parts.resetLink(probe.entry);
    }
    health.add(-1);
    this.#end(probe);
    this.#catchUp();
  }

  /** A relay's answer. */
  relayed(from: KnownPeer, seq: number, outcome: RelayOutcome): void {
    const request = this.#parts.requests.answered(from, seq, outcome);
    if (request === undefined) return this.#parts.count('lateRelays');
    const { probe } = request;
    if (outcome === 'silent') return this.#parts.trace('nack', probe.entry.member.id, from.id);
    this.#parts.trace('relayed', probe.entry.member.id, from.id, outcome);
    if (outcome === 'ack') return this.#isOver(probe) ? undefined : this.#reached(probe, from);
    if (outcome !== 'refused' && outcome !== 'replaced') return;
    this.#parts.evidence.evaluate(probe);
  }

  /** A ping on a new connection, once. */
  freshen(probe: Probe): void {
    if (probe.fresh || !this.#parts.options.components.freshConnection) return;
    probe.fresh = true;
    this.#ping(probe, 'fresh');
  }

  /** One more ping on the established link. */
  again(probe: Probe, accusation: Update | undefined): void {
    this.#ping(probe, 'kept', accusation);
  }

  /** The dial failed because of this node: no verdict, a doubt about itself (decisions 3). */
  voided(id: NodeId): void {
    const probe = this.#running.get(id);
    if (probe === undefined) return;
    this.#void(probe, 'local');
    this.#parts.health.add(1);
    this.#end(probe);
  }

  /** Ends a probe without any consequence: the member is gone, or judged by other means. */
  drop(entry: Entry): void {
    const probe = this.#running.get(entry.member.id);
    if (probe !== undefined) this.#end(probe);
  }

  /** False when all whose turn it could be are being probed: small clusters only. */
  #beginNext(): boolean {
    const { order, table } = this.#parts;
    for (let tries = Math.min(table.others.length, MAX_TRIES); tries > 0; tries--) {
      const entry = this.#mayWait(order.peek()) ? this.#longestUnheard() : order.next();
      this.#latest = entry;
      if (entry !== undefined && this.begin(entry, 'in-turn') !== undefined) return true;
    }
    return false;
  }

  /** In a flood, the turn after one that has not answered yet is that of a member that this node has met. */
  #mayWait(next: Entry | undefined): boolean {
    return this.#latest?.isMet === false && next?.isMet === false && this.#parts.table.isFlooded;
  }

  #longestUnheard(): Entry | undefined {
    let longest: Entry | undefined;
    for (const entry of this.#parts.table.others) {
      if (!entry.isMet || this.#running.has(entry.member.id)) continue;
      if (longest === undefined || entry.heardAtMs < longest.heardAtMs) longest = entry;
    }
    return longest;
  }

  /** A ping was not handed over: its link was dead, so a new one is tried at once. */
  unsent(ping: SentPing): void {
    const probe = this.#running.get(ping.to.id);
    if (probe !== undefined && ping.via === 'kept' && probe.refusedAtMs === undefined) this.freshen(probe);
  }

  /** Reached by a relay only: nobody is accused, and the member is asked to dial this node (decisions 9). */
  #reached(probe: Probe, relay: KnownPeer): void {
    const { member, linked } = probe.entry;
    this.#traceAck(probe, relay.id);
    this.#parts.health.add(-1);
    this.#end(probe);
    this.#parts.pings.heard(member.id, probe.startedAtMs);
    if (linked || !this.#parts.options.components.freshConnection) return;
    this.#parts.count('noRoutes');
    const { id, address, incarnation } = member;
    const seq = this.#parts.nextNumber();
    this.#parts.send(relay, { type: 'pingReq', seq, target: id, address, incarnation, why: 'no-route' });
  }

  #failed(probe: Probe): void {
    const { health, stalls, merge, checks, options, self, world } = this.#parts;
    const { entry } = probe;
    // memberlist's rule: silent relays speak against this node, a target that is silent to all of them does not.
    const asked = probe.requests.filter(({ isLost }) => !isLost);
    // A relay that nobody here has met may be nobody at all.
    const silent = asked.filter(
      ({ outcome, relay }) => outcome === undefined && this.#countsAgainst(relay),
    ).length;
    health.add(asked.length === 0 ? 1 : silent);
    this.#end(probe);
    entry.isStuck = probe.wasLinked && entry.linked && options.components.freshConnection;
    this.#parts.count('probesFailed');
    if (this.#parts.isTraced) {
      const elapsedMs = world.now() - probe.startedAtMs;
      const figures = { elapsedMs, relays: asked.length, silentRelays: silent };
      this.#parts.trace('probe-failed', entry.member.id, undefined, undefined, figures);
    }
    if (!stalls.mayJudge()) {
      stalls.syncFirst();
      return this.#catchUp();
    }
    const { incarnation } = probe;
    merge.suspect(
      { type: 'suspect', id: entry.member.id, incarnation, accuser: self.id, kind: 'soft' },
      self.id,
    );
    // Refused, but no quorum yet (this node doubted itself, or a relay was slow): asked again soon.
    if (probe.refusedAtMs !== undefined) checks.schedule(entry, options.probeIntervalMs, 'refused');
    this.#catchUp();
  }

  #countsAgainst(relay: Entry): boolean {
    return relay.isMet || !this.#parts.table.isFlooded;
  }

  #restart(probe: Probe): void {
    this.#void(probe, 'late');
    this.#parts.stalls.doubt();
    this.#end(probe);
    this.begin(probe.entry, 'again');
  }

  #void(probe: Probe, reason: 'late' | 'local'): void {
    this.#parts.count('probesVoid');
    if (!this.#parts.isTraced) return;
    const elapsedMs = this.#parts.world.now() - probe.startedAtMs;
    this.#parts.trace('probe-void', probe.entry.member.id, undefined, reason, { elapsedMs });
  }

  #traceAck(probe: Probe, relay?: NodeId): void {
    if (!this.#parts.isTraced) return;
    const elapsedMs = this.#parts.world.now() - probe.startedAtMs;
    this.#parts.trace('probe-acked', probe.entry.member.id, relay, undefined, { elapsedMs });
  }

  /** Too late even for an ack: only where the clock goes on while the event loop does not, as in memberlist. */
  #isOver({ endsAtMs }: Probe): boolean {
    return !this.#parts.options.components.eventLoopAwareness && this.#parts.world.now() >= endsAtMs;
  }

  #poll(probe: Probe, stage: ProbeStage): void {
    probe.token = this.#parts.timers.afterPoll('probe-end', { probe, stage });
  }

  #isLate(lateMs: number): boolean {
    return this.#parts.options.components.eventLoopAwareness && lateMs > LATE_MS;
  }

  #ping(probe: Probe, via: PingVia, accusation?: Update): void {
    probe.pings.push(this.#parts.pings.send(probe.entry.member, via, probe, accusation));
  }

  #ended(probe: Probe): boolean {
    return this.#running.get(probe.entry.member.id) !== probe;
  }

  #end(probe: Probe): void {
    this.#running.delete(probe.entry.member.id);
    this.#parts.timers.cancel(probe.token);
    this.#parts.requests.end(probe);
    for (const ping of probe.pings) this.#parts.pings.forget(ping);
  }

  /** The round that found no free member. */
  #catchUp(): void {
    if (this.#owed) this.#owed = !this.#beginNext();
  }
}

/** Why a member is probed now. `again`: its last probe was void. */
export type ProbeOccasion = 'in-turn' | 'out-of-turn' | 'again';

/** Where a probe stands after its time: due now, or after the poll that follows, with what consequence. */
export type ProbeStage = 'due' | 'failed' | 'void';

/** The subject of the timer `probe-end`. */
export interface ProbeEnd {
  readonly probe: Probe;
  readonly stage: ProbeStage;
}
