import type { Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type { Member, MemberFields, MemberHealth } from '../membership.js';
import type {
  KnownPeer,
  LinkEvidence,
  LocalMember,
  MembershipProtocol,
  Peer,
  ProtocolTimer,
  World,
} from '../protocol.js';
import type { View } from '../view.js';
import type { DialBack } from './admissions.js';
import type { Check } from './checks.js';
import { IdDirectory } from './id-map.js';
import type { JoinTry } from './joins.js';
import type { SwimMessage } from './messages.js';
import type { SwimOptions } from './options.js';
import { Parts } from './parts.js';
import type { Probe, ProbeEnd } from './prober.js';
import type { Relay } from './relays.js';
import type { Suspicion } from './suspicion.js';
import type { SyncTimeout } from './syncs.js';
import type { Fired } from './timers.js';

/**
 * SWIM with Lifeguard, hard evidence and digests: docs/PROTOCOL.md. A pure state machine: it gets inputs, and acts only
 * through its world.
 */
export class Swim implements MembershipProtocol<SwimMessage> {
  readonly #parts: Parts;
  #running = false;
  #stopped = false;

  /** @param directory the nodes of one simulation share one, to be smaller */
  constructor(
    options: SwimOptions,
    local: LocalMember,
    world: World<SwimMessage>,
    directory = new IdDirectory(),
  ) {
    this.#parts = new Parts(options, local, world, directory);
  }

  get local(): Member {
    return this.#parts.self;
  }

  get view(): View {
    return this.#parts.table.view;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#parts.counters;
  }

  get localHealth(): number {
    return this.#parts.health.score;
  }

  /** What is held at this moment, for tests and metrics: everything that could grow. */
  get gauges(): Readonly<Record<string, number>> {
    const { table, queue, timers, pings, suspicions, prober, relays, admissions, healer } = this.#parts;
    return {
      members: table.size,
      hearsay: table.hearsay,
      tombstones: table.buried.size,
      queuedUpdates: queue.size,
      timers: timers.size,
      pings: pings.size,
      suspicions: suspicions.size,
      probes: prober.running.size,
      relays: relays.size,
      dialBacks: admissions.size,
      addressBook: healer.remembered,
    };
  }

  member(id: NodeId): Member | undefined {
    return this.#parts.table.get(id)?.member;
  }

  *allMembers(): Iterable<Member> {
    for (const entry of this.#parts.table.all()) yield entry.member;
  }

  start(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    const { prober, syncs, healer, gossiper } = this.#parts;
    gossiper.start();
    prober.start();
    syncs.start();
    healer.start();
  }

  join(addresses: readonly Address[]): void {
    if (this.#active && !this.#parts.leaver.leaving) this.#parts.joins.join(addresses);
  }

  leave(): void {
    if (this.#active) this.#parts.leaver.leave();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const { timers, pings, queue, syncs, joins, admissions, relays, strangers } = this.#parts;
    timers.clear();
    pings.clear();
    queue.clear();
    syncs.clear();
    joins.clear();
    admissions.clear();
    relays.clear();
    strangers.clear();
  }

  setMetadata(metadata: MemberFields['metadata']): void {
    this.#change({ metadata });
  }

  setHealth(health: MemberHealth, healthReason?: string): void {
    const { local } = this;
    if (health !== local.health || healthReason !== local.healthReason)
      this.#change({ health, healthReason });
  }

  receive(from: KnownPeer, message: SwimMessage): void {
    if (!this.#active) return;
    this.#parts.count('messagesReceived');
    if (from.id === this.local.id) return this.#parts.count('messagesFromSelf');
    if (from.provenName !== undefined) this.#parts.conflicts.namesAreProven = true;
    this.#dispatch(from, message);
  }

  timer(timer: ProtocolTimer, lateMs: number): void {
    const fired = this.#parts.timers.take(timer);
    if (fired !== undefined && this.#active) this.#fire(fired, lateMs);
  }

  link(about: Peer, evidence: LinkEvidence, by?: NodeId): void {
    if (!this.#active) return;
    this.#parts.admissions.link(about, evidence, by);
    this.#parts.joins.link(about, evidence);
    this.#parts.evidence.link(about, evidence, by);
    if (evidence === 'refused' && about.id !== undefined) this.#parts.leaver.refused(about.id);
  }

  unsent(token: number): void {
    if (!this.#active) return;
    const ping = this.#parts.pings.get(token);
    if (ping === undefined) return this.#parts.requests.unsent(token);
    this.#parts.prober.unsent(ping);
    this.#parts.evidence.unsent(ping);
  }

  stalled(ms: number): void {
    // A leaver judges nobody and joins nobody, however long it slept.
    if (this.#active && !this.#parts.leaver.leaving) this.#parts.stalls.stalled(ms);
  }

  introduce(record: Member, provenName?: string): 'grant' | 'wait' | 'refuse' {
    return this.#active ? this.#parts.admissions.introduce(record, provenName) : 'refuse';
  }

  get #active(): boolean {
    return this.#running && !this.#stopped;
  }

  #change(changes: Partial<MemberFields>): void {
    if (this.#stopped || this.#parts.leaver.leaving) return;
    const before = this.local;
    if (this.#parts.refuter.raise(changes)) this.#parts.emit('updated', this.#parts.table.self, before);
  }

  #dispatch(from: KnownPeer, message: SwimMessage): void {
    const { pings, relays, prober, strangers, admissions, joins, syncs, leaver } = this.#parts;
    switch (message.type) {
      case 'ping':
        return pings.receivePing(from, message);
      case 'ack':
        return pings.receiveAck(from, message);
      case 'pingReq':
        return relays.receive(from, message);
      case 'relayed':
        return prober.relayed(from, message.seq, message.outcome);
      case 'dialRequest':
        return strangers.admits(from) ? relays.dial(message) : undefined;
      case 'gossip':
        return strangers.updates(from, message.updates);
      case 'join':
        return admissions.receive(from, message);
      case 'joinWait':
        return joins.receiveWait(from, message);
      case 'joinRefused':
        return joins.receiveRefused(from, message);
      case 'syncStart':
        return syncs.receiveStart(from, message);
      case 'syncBusy':
        return syncs.receiveBusy(from, message);
      case 'page':
        return syncs.receivePage(from, message);
      case 'pageTaken':
        return syncs.receiveTaken(from, message);
      case 'leaving':
        return leaver.receive(from, message);
      case 'leaveTaken':
        return leaver.receiveTaken(from);
      case 'unknown':
        return this.#parts.count('unknownMessages');
    }
  }

  #fire({ kind, subject }: Fired, lateMs: number): void {
    const {
      prober,
      suspicions,
      gossiper,
      refuter,
      checks,
      relays,
      syncs,
      healer,
      joins,
      admissions,
      strangers,
      leaver,
    } = this.#parts;
    switch (kind) {
      case 'round':
        return prober.round();
      case 'probe-timeout':
        return prober.timedOut(subject as Probe, lateMs);
      case 'probe-end': {
        const { probe, stage } = subject as ProbeEnd;
        return prober.overdue(probe, stage, lateMs);
      }
      case 'suspicion':
        return suspicions.expired(subject as Suspicion);
      case 'gossip':
        return gossiper.round();
      case 'refute':
        return refuter.due();
      case 'check':
        return checks.due(subject as Check);
      case 'relay-nack':
        return relays.nack(subject as Relay);
      case 'relay-end':
        return relays.ended(subject as Relay);
      case 'sync':
        return syncs.tick();
      case 'sync-timeout':
      case 'page-timeout':
        return syncs.timedOut(subject as SyncTimeout);
      case 'heal':
        return healer.tick();
      case 'reap':
        return healer.reap();
      case 'join-try':
        return joins.due(subject as JoinTry);
      case 'join-another':
        return joins.another();
      case 'dial-back':
        return admissions.due(subject as DialBack);
      case 'strangers':
        return strangers.due();
      case 'leave':
        return leaver.due();
    }
  }
}
