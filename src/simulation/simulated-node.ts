import { ProtocolTimers } from '../cluster/protocol-timers.js';
import type { Member, MembershipEvent } from '../membership/membership.js';
import type {
  KnownPeer,
  LinkEvidence,
  LocalMember,
  MembershipProtocol,
  Peer,
  ProtocolCodec,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
  World,
} from '../membership/protocol.js';
import type { NodeId } from '../node-id.js';
import { formatAddress, type Address } from '../address.js';
import { EventLoop } from './clock/event-loop.js';
import { EventRecord } from './trace/event-record.js';
import type { Invariants } from './invariants/invariants.js';
import type { Journal } from './trace/journal.js';
import type { Random } from './random.js';
import type { Endpoint, SimulatedLinks } from './network/simulated-links.js';
import type { VirtualClock } from './clock/virtual-clock.js';

/** Virtual time 0 on the wall clock: any moment, but always the same. */
export const EPOCH_MS = 1_763_856_000_000;

/** Mean pause after a join that failed at all seeds. */
const JOIN_PAUSE_MS = 1000;

/** Makes the protocol under test. */
export type ProtocolFactory<M> = (local: LocalMember, world: World<M>) => MembershipProtocol<M>;

/** What the nodes of one simulation share. */
export interface Surroundings<M> {
  readonly clock: VirtualClock;
  readonly links: SimulatedLinks<M>;
  readonly journal: Journal;
  readonly invariants: Invariants;
  /** Messages go through it when given; by reference otherwise. */
  readonly codec: ProtocolCodec<M> | undefined;
  /** Whether messages are written to the journal too. */
  readonly traceMessages: boolean;
}

/** One process: a protocol in virtual time, with an event loop that can be stopped. */
export class SimulatedNode<M> implements World<M>, Endpoint<M> {
  /** As it is called in tests: `c` for the node's first process, `c#2` for the next. */
  readonly name: string;
  readonly self: KnownPeer;
  readonly loop: EventLoop;
  readonly protocol: MembershipProtocol<M>;
  readonly events = new EventRecord();
  readonly notices: ProtocolNotice[] = [];
  isRunning = true;
  readonly #around: Surroundings<M>;
  readonly #random: Random;
  readonly #timers: ProtocolTimers;
  #seeds: readonly Address[] = [];

  constructor(
    name: string,
    local: LocalMember,
    around: Surroundings<M>,
    random: Random,
    protocol: ProtocolFactory<M>,
  ) {
    this.name = name;
    this.self = { id: local.id, address: local.address };
    this.loop = new EventLoop(around.clock);
    this.#around = around;
    this.#random = random;
    this.#timers = new ProtocolTimers(this.loop, {
      fire: (timer, lateMs) => this.#input((running) => running.timer(timer, lateMs)),
      stalled: (ms) => {
        this.note(`stalled for ${ms.toFixed(1)} ms`);
        this.#input((running) => running.stalled(ms));
      },
    });
    around.journal.introduce(local.id, name);
    this.protocol = protocol(local, this);
    around.invariants.watch(name, this.protocol);
    around.links.open(this);
  }

  get id(): NodeId {
    return this.self.id;
  }

  /** Gives the protocol an input. Nothing happens when the process is gone. */
  tell(input: (protocol: MembershipProtocol<M>) => void): void {
    this.loop.input(() => this.#input(input));
  }

  /** Joins through these addresses; when all fail, again after a pause, as a node does. */
  join(seeds: readonly Address[]): void {
    this.#seeds = seeds;
    if (seeds.length > 0) this.tell((protocol) => protocol.join(seeds));
  }

  /** The process ends, in one of three ways; its protocol is not asked. */
  end(how: 'closed' | 'goodbye' | 'silent'): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.note(`ends (${how})`);
    this.#around.links.close(this, how);
    this.#around.invariants.forget(this.id);
    this.#timers.stop();
    this.loop.kill();
  }

  note(what: string): void {
    this.#around.journal.write(this.name, what);
  }

  // --- Endpoint: what the network tells ---

  received(from: KnownPeer, message: M): void {
    if (this.#around.traceMessages) this.note(`← ${this.#name(from.id)} ${show(message)}`);
    this.#input((running) => running.receive(from, message));
  }

  evidence(about: Peer, evidence: LinkEvidence, by?: NodeId): void {
    const whom = about.id === undefined ? formatAddress(about.address) : this.#name(about.id);
    this.note(`link ${whom}: ${evidence}${by === undefined ? '' : ` by ${this.#name(by)}`}`);
    this.#input((running) => running.link(about, evidence, by));
  }

  unsent(token: number): void {
    this.#input((running) => running.unsent(token));
  }

  // --- World: what the protocol may do ---

  now(): number {
    return this.#timers.now();
  }

  epochMs(): number {
    return EPOCH_MS + this.#around.clock.now();
  }

  random(): number {
    return this.#random.next();
  }

  send(to: Peer, message: M, options?: ProtocolSendOptions): void {
    if (this.#around.traceMessages) {
      const via = options?.via === undefined ? '' : ` ${options.via}`;
      this.note(
        `→ ${to.id === undefined ? formatAddress(to.address) : this.#name(to.id)}${via} ${show(message)}`,
      );
    }
    const { codec } = this.#around;
    const travelling = codec === undefined ? message : codec.decode(Uint8Array.from(codec.encode(message)));
    this.#around.links.send(this, to, travelling, options);
  }

  after(delayMs: number, timer: ProtocolTimer): void {
    this.#timers.after(delayMs, timer);
  }

  afterPoll(timer: ProtocolTimer): void {
    this.#timers.afterPoll(timer);
  }

  cancel(timer: ProtocolTimer): void {
    this.#timers.cancel(timer);
  }

  resetLink(id: NodeId): void {
    this.note(`resets its link to ${this.#name(id)}`);
    this.#around.links.reset(this, id);
  }

  emit(event: MembershipEvent): void {
    const about = this.#name(event.member.id);
    this.note(`${event.type} ${about} (incarnation ${event.member.incarnation})`);
    this.events.add({ atMs: this.#around.clock.now(), about, event });
    this.#around.invariants.event(this.id, event);
  }

  notice(notice: ProtocolNotice): void {
    this.note(`notice: ${notice.type}`);
    this.notices.push(notice);
    if (notice.type === 'join-failed') {
      this.loop.setTimer(JOIN_PAUSE_MS * (0.5 + this.#random.next()), () => this.join(this.#seeds));
    }
    if (notice.type === 'leave-completed') this.loop.afterPoll(() => this.end('goodbye'));
  }

  readonly trace = (event: TraceEvent): void => {
    const about = event.about === undefined ? '' : ` ${this.#name(event.about)}`;
    const by = event.by === undefined ? '' : ` by ${this.#name(event.by)}`;
    this.note(`${event.kind}${about}${by}${event.detail === undefined ? '' : `: ${event.detail}`}`);
  };

  /** The members that this node holds active. */
  get members(): readonly Member[] {
    return this.protocol.view.members;
  }

  /** One input at a time, and a look at the invariants after each. */
  #input(input: (protocol: MembershipProtocol<M>) => void): void {
    if (!this.isRunning) return;
    input(this.protocol);
    this.#around.invariants.afterInput(this.id);
  }

  #name(id: NodeId | undefined): string {
    return this.#around.journal.nameOf(id);
  }
}

/** A message on one line. */
function show(message: unknown): string {
  return JSON.stringify(message, (key, value: unknown) => (key === 'buckets' ? '…' : value));
}
