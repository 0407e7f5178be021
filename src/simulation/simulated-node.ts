import { formatAddress, type Address } from '../address.js';
import { ProtocolTimers } from '../cluster/protocol-timers.js';
import type { Member, MembershipEvent } from '../membership/membership.js';
import type {
  KnownPeer,
  LinkEvidence,
  LocalMember,
  MembershipProtocol,
  Peer,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
  World,
} from '../membership/protocol.js';
import type { NodeId } from '../node-id.js';
import { EventLoop } from './clock/event-loop.js';
import type { Input, WatchedNode } from './invariants/check.js';
import { IoGate } from './network/io-gate.js';
import type { Endpoint } from './network/link-end.js';
import type { Sockets } from './network/sockets.js';
import type { Random } from './random.js';
import type { Surroundings } from './surroundings.js';
import { EventRecord } from './trace/event-record.js';

/** Virtual time 0 on the wall clock: any moment, but always the same. */
export const EPOCH_MS = 1_763_856_000_000;

/** Mean pause after a join that failed at all seeds. */
const JOIN_PAUSE_MS = 1000;

/** Makes the protocol under test. */
export type ProtocolFactory<M> = (local: LocalMember, world: World<M>) => MembershipProtocol<M>;

/** Tells a protocol something. */
type Tell<M> = (protocol: MembershipProtocol<M>) => void;

const TOLD = { kind: 'told' } as const;

/** One process: a protocol in virtual time, with an event loop that can be stopped. */
export class SimulatedNode<M> implements World<M>, Endpoint<M>, WatchedNode<M> {
  /** As it is called in tests: `c` for the node's first process, `c#2` for the next. */
  readonly name: string;
  readonly self: KnownPeer;
  readonly loop: EventLoop;
  readonly gate = new IoGate((delayMs, callback) => this.loop.setTimer(delayMs, callback));
  readonly protocol: MembershipProtocol<M>;
  readonly events = new EventRecord();
  readonly notices: ProtocolNotice[] = [];
  /** Undefined when nobody reads: the protocol then does not even build its events. */
  readonly trace: ((event: TraceEvent) => void) | undefined;
  #isRunning = true;
  readonly #around: Surroundings<M>;
  readonly #random: Random;
  readonly #timers: ProtocolTimers;
  readonly #sockets: Sockets<M>;
  readonly #isWatched: boolean;
  readonly #isRead: boolean;
  #wallShiftMs = 0;
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
    this.#isWatched = around.watchers.watchesInputs;
    this.#isRead = around.journal.isRead;
    this.#timers = new ProtocolTimers(this.loop, {
      fire: (timer, lateMs) => this.#fire(timer, lateMs),
      stalled: (ms) => this.#stalled(ms),
    });
    this.trace =
      this.#isRead || around.watchers.traced.length > 0 ? (event) => this.#trace(event) : undefined;
    around.journal.introduce(local.id, name);
    this.protocol = protocol(local, this);
    this.#sockets = around.links.open(this);
    for (const check of around.watchers.started) check.started(this);
  }

  get id(): NodeId {
    return this.self.id;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Whether it stands still now. */
  get isFrozen(): boolean {
    return this.loop.isFrozen;
  }

  /** The protocol's clock; looking at it changes nothing. */
  get protocolNowMs(): number {
    return this.#timers.peek();
  }

  /** The members that this node holds active. */
  get members(): readonly Member[] {
    return this.protocol.view.members;
  }

  /** Gives the protocol an input. Nothing happens when the process is gone. */
  tell(input: Tell<M>): void {
    this.loop.input(() => this.#told(input));
  }

  /** Joins through these addresses; when all fail, again after a pause, as a node does. */
  join(seeds: readonly Address[]): void {
    this.#seeds = seeds;
    if (seeds.length > 0) this.tell((protocol) => protocol.join(seeds));
  }

  /** The process ends, in one of three ways; its protocol is not asked. */
  end(how: 'closed' | 'goodbye' | 'silent'): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.note(`ends (${how})`);
    this.#around.links.close(this.#sockets, how);
    this.#timers.stop();
    this.loop.kill();
    this.gate.clear();
    this.#around.ended(this);
    for (const check of this.#around.watchers.ended) check.ended(this, how);
  }

  /** The wall clock jumps. */
  shiftWallClock(ms: number): void {
    this.#wallShiftMs += ms;
  }

  note(what: string): void {
    if (this.#isRead) this.#around.journal.write(this.name, what);
  }

  // --- Endpoint: what the network tells ---

  received(from: KnownPeer, message: M): void {
    if (!this.#isRunning) return;
    if (this.#around.traceMessages) this.note(`← ${this.#name(from.id)} ${show(message)}`);
    if (this.#isWatched) return this.#watched({ kind: 'receive', from, message });
    this.#around.counts.inputs++;
    this.protocol.receive(from, message);
  }

  evidence(about: Peer, evidence: LinkEvidence, by?: NodeId): void {
    if (!this.#isRunning) return;
    if (this.#isRead) {
      const whom = about.id === undefined ? formatAddress(about.address) : this.#name(about.id);
      this.note(`link ${whom}: ${evidence}${by === undefined ? '' : ` by ${this.#name(by)}`}`);
    }
    if (this.#isWatched) return this.#watched({ kind: 'link', about, evidence, by });
    this.#around.counts.inputs++;
    this.protocol.link(about, evidence, by);
  }

  unsent(token: number): void {
    if (!this.#isRunning) return;
    if (this.#isWatched) return this.#watched({ kind: 'unsent', token });
    this.#around.counts.inputs++;
    this.protocol.unsent(token);
  }

  // --- World: what the protocol may do ---

  now(): number {
    return this.#timers.now();
  }

  epochMs(): number {
    return EPOCH_MS + this.#around.clock.now() + this.#wallShiftMs;
  }

  random(): number {
    return this.#random.next();
  }

  send(to: Peer, message: M, options?: ProtocolSendOptions): void {
    const { watchers, counts, traceMessages, codec } = this.#around;
    counts.messages++;
    for (const check of watchers.sent) check.sent(this, to, message, options);
    if (traceMessages) {
      const via = options?.via === undefined ? '' : ` ${options.via}`;
      const whom = to.id === undefined ? formatAddress(to.address) : this.#name(to.id);
      this.note(`→ ${whom}${via} ${show(message)}`);
    }
    const travelling = codec === undefined ? message : codec.decode(Uint8Array.from(codec.encode(message)));
    if (!this.gate.isShut) return this.#around.links.send(this.#sockets, to, travelling, options);
    this.gate.holdSend({
      happen: () => this.#around.links.send(this.#sockets, to, travelling, options),
    });
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
    if (this.#isRead) this.note(`resets its link to ${this.#name(id)}`);
    this.#reset(id, 'goodbye');
  }

  emit(event: MembershipEvent): void {
    // As whole nodes do: nothing old arrives from there after a partition.
    if (event.type === 'unreachable' || event.type === 'left') this.#reset(event.member.id, 'closed');
    if (this.#isRead) {
      this.note(`${event.type} ${this.#name(event.member.id)} (incarnation ${event.member.incarnation})`);
    }
    if (this.#around.records) {
      this.events.add({ atMs: this.#around.clock.now(), about: this.#name(event.member.id), event });
    }
    for (const check of this.#around.watchers.event) check.event(this, event);
  }

  notice(notice: ProtocolNotice): void {
    if (this.#isRead) this.note(`notice: ${notice.type}`);
    if (this.#around.records) this.notices.push(notice);
    for (const check of this.#around.watchers.noticed) check.noticed(this, notice);
    if (notice.type === 'join-failed') {
      this.loop.setTimer(JOIN_PAUSE_MS * (0.5 + this.#random.next()), () => this.join(this.#seeds));
    }
    if (notice.type === 'leave-completed') this.loop.afterPoll(() => this.end('goodbye'));
  }

  #reset(id: NodeId, how: 'closed' | 'goodbye'): void {
    for (const check of this.#around.watchers.reset) check.reset(this, id);
    this.#around.links.reset(this.#sockets, id, how);
  }

  // --- inputs ---

  #told(input: Tell<M>): void {
    if (!this.#isRunning) return;
    if (this.#isWatched) return this.#watched(TOLD, input);
    this.#around.counts.inputs++;
    input(this.protocol);
  }

  #fire(timer: ProtocolTimer, lateMs: number): void {
    if (!this.gate.isShut) return this.#handle(timer, lateMs);
    const firedAtMs = this.loop.now();
    this.gate.timer(timer.kind, {
      happen: () => this.#handle(timer, lateMs + this.loop.now() - firedAtMs),
    });
  }

  #handle(timer: ProtocolTimer, lateMs: number): void {
    if (!this.#isRunning) return;
    if (this.#isWatched) return this.#watched({ kind: 'timer', timer, lateMs });
    this.#around.counts.inputs++;
    this.protocol.timer(timer, lateMs);
  }

  #stalled(ms: number): void {
    if (!this.#isRunning) return;
    if (this.#isRead) this.note(`stalled for ${ms.toFixed(1)} ms`);
    if (this.#isWatched) return this.#watched({ kind: 'stalled', ms });
    this.#around.counts.inputs++;
    this.protocol.stalled(ms);
  }

  /** One input, with a look before and after it. */
  #watched(input: Input<M>, told?: Tell<M>): void {
    const { watchers, counts } = this.#around;
    counts.inputs++;
    for (const check of watchers.beforeInput) check.beforeInput(this, input);
    this.#give(input, told);
    for (const check of watchers.afterInput) check.afterInput(this, input);
  }

  #give(input: Input<M>, told: Tell<M> | undefined): void {
    switch (input.kind) {
      case 'receive':
        return this.protocol.receive(input.from, input.message);
      case 'timer':
        return this.protocol.timer(input.timer, input.lateMs);
      case 'link':
        return this.protocol.link(input.about, input.evidence, input.by);
      case 'unsent':
        return this.protocol.unsent(input.token);
      case 'stalled':
        return this.protocol.stalled(input.ms);
      case 'told':
        return told?.(this.protocol);
    }
  }

  #trace(event: TraceEvent): void {
    for (const check of this.#around.watchers.traced) check.traced(this, event);
    if (!this.#isRead) return;
    const about = event.about === undefined ? '' : ` ${this.#name(event.about)}`;
    const by = event.by === undefined ? '' : ` by ${this.#name(event.by)}`;
    this.note(`${event.kind}${about}${by}${event.detail === undefined ? '' : `: ${event.detail}`}`);
  }

  #name(id: NodeId | undefined): string {
    return this.#around.journal.nameOf(id);
  }
}

/** A message on one line. */
function show(message: unknown): string {
  return JSON.stringify(message, (key, value: unknown) => (key === 'buckets' ? '…' : value));
}
