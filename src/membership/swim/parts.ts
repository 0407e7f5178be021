import { Member } from '../membership.js';
import type { MembershipEventType } from '../membership.js';
import { MembershipEvent } from '../membership.js';
import type { NodeId } from '../../node-id.js';
import type { LocalMember, Peer, ProtocolSendOptions, World } from '../protocol.js';
import { Admissions } from './admissions.js';
import { Checks } from './checks.js';
import { Conflicts } from './conflicts.js';
import { DisseminationQueue } from './dissemination.js';
import type { Entry } from './entry.js';
import { Evidence } from './evidence.js';
import { Gossiper } from './gossiper.js';
import { Healer } from './healer.js';
import { Hearsay } from './hearsay.js';
import type { IdDirectory } from './id-map.js';
import { Joins } from './joins.js';
import { Leaver } from './leaver.js';
import { LocalHealth } from './local-health.js';
import { Merge } from './merge.js';
import type { SwimMessage } from './messages.js';
import type { SwimOptions } from './options.js';
import { Pings } from './pings.js';
import { ProbeOrder } from './probe-order.js';
import { Prober } from './prober.js';
import { Refuter } from './refuter.js';
import { Relays } from './relays.js';
import { Requests } from './requests.js';
import { Stalls } from './stalls.js';
import { Strangers } from './strangers.js';
import { Suspicions } from './suspicion.js';
import { Syncs } from './syncs.js';
import { MemberTable } from './table.js';
import { Timers } from './timers.js';
import type { TraceData, TraceKind } from './traces.js';

const U32 = 2 ** 32;

/** What the parts of one running protocol share: each other, the options, and the way out into the world. */
export class Parts {
  readonly options: SwimOptions;
  readonly world: World<SwimMessage>;
  readonly counters: Record<string, number> = {};
  readonly timers: Timers;
  readonly order: ProbeOrder;
  readonly table: MemberTable;
  readonly health: LocalHealth;
  readonly queue: DisseminationQueue;
  readonly pings: Pings;
  readonly gossiper: Gossiper;
  readonly merge: Merge;
  readonly refuter: Refuter;
  readonly suspicions: Suspicions;
  readonly prober: Prober;
  readonly requests: Requests;
  readonly relays: Relays;
  readonly evidence: Evidence;
  readonly conflicts: Conflicts;
  readonly checks: Checks;
  readonly stalls: Stalls;
  readonly syncs: Syncs;
  readonly joins: Joins;
  readonly admissions: Admissions;
  readonly strangers: Strangers;
  readonly healer: Healer;
  readonly hearsay: Hearsay;
  readonly leaver: Leaver;
  #number: number;

  constructor(options: SwimOptions, local: LocalMember, world: World<SwimMessage>, directory: IdDirectory) {
    const random = (): number => world.random();
    this.options = options;
    this.world = world;
    this.timers = new Timers(world);
    this.order = new ProbeOrder(random);
    const self = Member.of({ ...local, state: 'alive', incarnation: 0 });
    this.table = new MemberTable(self, this.order, random, directory);
    this.health = new LocalHealth(options.maxLocalHealth, options.components.lhaProbe, (score) => {
      if (this.isTraced) this.trace('health', undefined, undefined, undefined, { score });
    });
    const budget = { maxUpdates: options.maxPiggybackUpdates, maxBytes: options.maxPiggybackBytes };
    this.queue = new DisseminationQueue(options.maxQueuedUpdates, budget, directory);
    this.pings = new Pings(this);
    this.gossiper = new Gossiper(this);
    this.merge = new Merge(this);
    this.refuter = new Refuter(this);
    this.suspicions = new Suspicions(this);
    this.prober = new Prober(this);
    this.requests = new Requests(this);
    this.relays = new Relays(this);
    this.evidence = new Evidence(this);
    this.conflicts = new Conflicts(this);
    this.checks = new Checks(this);
    this.stalls = new Stalls(this);
    this.syncs = new Syncs(this);
    this.joins = new Joins(this);
    this.admissions = new Admissions(this);
    this.strangers = new Strangers(this);
    this.healer = new Healer(this);
    this.hearsay = new Hearsay(this);
    this.leaver = new Leaver(this);
    this.#number = Math.floor(world.random() * U32);
  }

  /** This node's member. */
  get self(): Member {
    return this.table.self.member;
  }

  /** A number for a ping, a sync, a join: unsigned 32-bit, starting anywhere. */
  nextNumber(): number {
    this.#number = (this.#number + 1) % U32;
    return this.#number;
  }

  /** Drops both lanes' links to a member. The transport reports no end of a link that this node ends itself. */
  resetLink(entry: Entry): void {
    entry.linked = false;
    this.world.resetLink(entry.member.id);
  }

  count(counter: string, by = 1): void {
    this.counters[counter] = (this.counters[counter] ?? 0) + by;
  }

  send(to: Peer, message: SwimMessage, options?: ProtocolSendOptions): void {
    this.count('messagesSent');
    this.world.send(to, message, options);
  }

  emit(type: MembershipEventType, entry: Entry, previous: Member | undefined): void {
    this.world.emit(MembershipEvent.of(type, entry.member, previous, this.table.view, this.world.epochMs()));
  }

  /** Whether anybody listens: asked before figures are gathered. */
  get isTraced(): boolean {
    return this.world.trace !== undefined;
  }

  trace(kind: TraceKind, about?: NodeId, by?: NodeId, detail?: string, data?: TraceData): void {
    this.world.trace?.({ kind, about, by, detail, data });
  }

  /** A time with random ±`share` on it. */
  jittered(ms: number, share: number): number {
    return ms * (1 - share + 2 * share * this.world.random());
  }
}
