import { sameAddress, type Address } from '../address.js';
import type { Clock, Timer } from '../clock.js';
import {
  ClosedError,
  DuplicateNodeIdError,
  NotDeliveredError,
  NotReadyError,
  NotStartedError,
  type ClusterError,
  type ProtocolViolationError,
} from '../errors.js';
import type { ClusterMetadata, Member, MemberHealth, MembershipEvent } from '../membership/membership.js';
import type { MembershipProtocol } from '../membership/protocol.js';
import type { NodeId } from '../node-id.js';
import type { Transport } from '../transport/transport.js';
import { plannedAddress } from './advertised-host.js';
import { Engine, describePlace } from './engine.js';
import { EventContinuity } from './event-continuity.js';
import { closeDiscovery, Joiner } from './joiner.js';
import type { LifeListener } from './life-listener.js';
import { LocalIdentity } from './local-identity.js';
import type { NodeStatus, ReadyOptions } from './node-status.js';
import { MemberTies } from './member-ties.js';
import { Notices } from './notices.js';
import type { ResolvedOptions } from './options.js';
import type { NodeSecurity } from './security/node-security.js';
import { securityOf } from './security/security-of.js';
import { systemClock, type SystemClock } from './system-clock.js';
import { ThrottledLog } from '../throttled-log.js';
import { epochMsOf } from './wall-clock.js';
import { Waiters } from './waiters.js';

/** The view of a node that has left: not even itself is active any more. */
const NOBODY: readonly Member[] = Object.freeze([]);

/** Probe intervals that a node under a new id has to meet the members it knew before. */
const REUNION_INTERVALS = 10;

/**
 * A node from its creation to its end: binds, joins, takes a new identity when its own is lost, leaves.
 *
 * ```
 * created → bound → joining → ready → draining → left → closed
 * ```
 *
 * Steps may be left out; none is ever taken back.
 */
export class NodeLife {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ThrottledLog;
  readonly #options: ResolvedOptions;
  readonly #listener: LifeListener;
  readonly #systemClock: SystemClock | undefined;
  readonly #waiters: Waiters;
  readonly #identity: LocalIdentity;
  readonly #continuity = new EventContinuity();
  readonly #ties: MemberTies;
  #engine: Engine | undefined;
  #joiner: Joiner | undefined;
  #status: NodeStatus = 'created';
  #keepsAlive = false;
  #reunion: Timer | undefined;
  #binding: Promise<Address> | undefined;
  #leaving: Promise<void> | undefined;
  #leaveSpread: (() => void) | undefined;
  readonly #notices: Notices;
  readonly #security: NodeSecurity;

  constructor(options: ResolvedOptions, metadata: ClusterMetadata, listener: LifeListener) {
    this.#options = options;
    this.#listener = listener;
    this.#systemClock = options.clock === undefined ? systemClock({ unref: true }) : undefined;
    this.clock = options.clock ?? this.#systemClock!;
    this.random = options.random ?? Math.random;
    this.log = new ThrottledLog(options.logger, this.clock);
    this.#waiters = new Waiters(this.clock);
    this.#ties = new MemberTies(this.clock, options.swim.leaveTimeoutMs, listener);
    this.#notices = new Notices(options, this.log, this.clock, {
      isAlone: () => this.activeMembers.length === 1,
      member: (id) => this.protocol?.member(id),
      joined: () => this.#becomeReady(),
      identityLost: (error) => this.#loseIdentity(error),
      leaveSpread: () => this.#leaveSpread?.(),
      error: (error) => this.#listener.error(error),
    });
    this.#security = securityOf(options.security, {
      ...options,
      clock: this.clock,
      changed: () => this.#engine?.transport.revalidate?.(),
    });
    this.#identity = new LocalIdentity(options.nodeName, metadata, this.clock, options.random);
  }

  get status(): NodeStatus {
    return this.#status;
  }

  get isLeaving(): boolean {
    return this.#leaving !== undefined;
  }

  get security(): NodeSecurity {
    this.checkOpen();
    return this.#security;
  }

  get counts(): Pick<Notices, 'stalls' | 'violations'> {
    return this.#notices;
  }

  get metadata(): ClusterMetadata {
    return this.#identity.metadata;
  }

  set metadata(metadata: ClusterMetadata) {
    this.#identity.metadata = metadata;
    this.protocol?.setMetadata(metadata);
  }

  /** Undefined before the join; its last state stays readable after the leave. */
  get protocol(): MembershipProtocol<unknown> | undefined {
    return this.#engine?.protocol;
  }

  /** This node as it stands in the view, or as it is going to. */
  get local(): Member {
    return this.protocol?.local ?? this.#futureLocal();
  }

  get activeMembers(): readonly Member[] {
    if (this.#isOver) return NOBODY;
    return this.protocol?.view.members ?? Object.freeze([this.#futureLocal()]);
  }

  /** @throws NotDeliveredError before the join, ClosedError after the leave */
  get transport(): Transport {
    this.checkOpen();
    const engine = this.#engine;
    if (engine?.protocol !== undefined) return engine.transport;
    throw new NotDeliveredError(
      this.#options.enabled
        ? 'The node has not joined yet, so it can send to itself only'
        : 'The node is disabled (enabled: false), so it can send to itself only',
    );
  }

  /** @throws ClosedError after the leave */
  checkOpen(): void {
    if (this.#isOver) throw new ClosedError();
  }

  get openTransport(): Transport | undefined {
    return this.#engine?.transport;
  }

  bind(): Promise<Address> {
    return (this.#binding ??= this.#bind());
  }

  async join(): Promise<void> {
    if (this.#leaving !== undefined) throw new ClosedError();
    await this.bind();
    if (this.#status !== 'bound') return;
    this.ref();
    this.#status = 'joining';
    if (this.#engine === undefined) this.#becomeReady();
    else this.#startProtocol(this.#engine);
  }

  whenReady(options: ReadyOptions): Promise<void> {
    if (this.#leaving !== undefined) return Promise.reject(new ClosedError());
    if (this.#status === 'created' || this.#status === 'bound') {
      return Promise.reject(
        new NotStartedError('The node has not begun to join: call join() or start() first'),
      );
    }
    const wanted = options.members ?? 1;
    const isReady = (): boolean => this.#status !== 'joining' && this.activeMembers.length >= wanted;
    return this.#waiters.wait(isReady, {
      ...options,
      late: (afterMs) =>
        new NotReadyError(
          `Not ready after ${afterMs} ms: ${this.activeMembers.length} of ${wanted} members, ${this.#status}. The node goes on joining`,
        ),
    });
  }

  /** Tells others how well this node serves. One that drains goes on saying so, whatever its application says. */
  setHealth(health: MemberHealth, reason?: string): void {
    if (this.#status === 'draining' && health !== 'draining') return;
    this.#identity.setHealth(health, reason);
    this.protocol?.setHealth(health, reason);
  }

  /** Tells others that this node takes no more requests. */
  startDraining(): void {
    if (this.#status !== 'joining' && this.#status !== 'ready') return;
    this.#status = 'draining';
    if (this.#identity.health !== 'draining') this.setHealth('draining');
    this.#waiters.check();
  }

  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  async close(): Promise<void> {
    await this.leave();
    this.#status = 'closed';
  }

  ref(): void {
    this.#keepsAlive = true;
    this.#systemClock?.ref();
    this.#engine?.transport.ref?.();
  }

  unref(): void {
    this.#keepsAlive = false;
    this.#systemClock?.unref();
    this.#engine?.transport.unref?.();
  }

  violation(from: NodeId, error: ProtocolViolationError): void {
    this.#notices.violation(from, error);
    this.#engine?.transport.reset(from);
  }

  unreadable(from: NodeId, error: unknown): void {
    this.#notices.unreadable(from, error);
  }

  get #isOver(): boolean {
    return this.#status === 'left' || this.#status === 'closed';
  }

  // --- binding and joining ---

  async #bind(): Promise<Address> {
    for (const warning of this.#options.warnings) this.#options.logger.warn(warning);
    const beforeBinding = this.#listener.binding();
    if (beforeBinding !== undefined) await beforeBinding;
    if (!this.#options.enabled) {
      this.#status = 'bound';
      return this.local.address;
    }
    await this.#security.prepare();
    const engine = await this.#openEngine(this.#options.port);
    if (this.#leaving !== undefined) throw new ClosedError();
    this.#status = 'bound';
    this.#options.logger.log(
      `Listening on ${describePlace(engine.bound, engine.advertised)} for the cluster "${this.#options.clusterName}" as ${engine.id}`,
    );
    return engine.advertised;
  }

  async #openEngine(port: number | undefined): Promise<Engine> {
    const engine = new Engine(this.#identity.id, this.#options, this.#security, this.clock, this.random, {
      event: (event) => this.#onEvent(event),
      notice: (notice) => this.#notices.take(notice),
      receive: (message) => this.#listener.receive(message),
      violation: (from, error) => this.violation(from, error),
      stalled: (ms) => this.#notices.stalled(ms),
      duplicateId: ({ address }) => this.#toldOfDuplicate(address),
      refused: (error) => this.#listener.error(error),
      trace: (event) => this.#listener.trace(event),
      listenerLost: (cause) => this.#onListenerLost(cause),
    });
    this.#engine = engine;
    if (!this.#keepsAlive) engine.transport.unref?.();
    try {
      await engine.bind(port);
    } catch (error) {
      await engine.close('shutdown');
      this.#security.close();
      throw error;
    }
    return engine;
  }

  #startProtocol(engine: Engine): void {
    engine.start(this.#identity.fields(engine.advertised));
    this.#joiner = new Joiner(
      {
        own: () => [engine.advertised, engine.bound],
        alone: () => this.activeMembers.length === 1,
        knows: (address) => this.activeMembers.some((member) => sameAddress(member.address, address)),
        join: (addresses) => engine.protocol?.join(addresses),
        nobodyNew: () => this.#becomeReady(),
        discoveryFailed: (error) => this.#notices.warn(error),
      },
      this.#options.discovery,
      this.clock,
      this.random,
    );
    this.#joiner.start();
  }

  #becomeReady(): void {
    if (this.#status === 'joining') this.#status = 'ready';
    this.#waiters.check();
  }

  // --- what the protocol tells ---

  #onEvent(event: MembershipEvent): void {
    this.#ties.onEvent(event, this.openTransport);
    const { protocol } = this;
    const isSelf = event.member.id === this.#identity.id;
    const told = protocol === undefined || isSelf ? event : this.#continuity.admit(event, protocol.view);
    if (told !== undefined) this.#tell(told);
  }

  #tell(event: MembershipEvent): void {
    this.#listener.event(event);
    this.#waiters.check();
  }

  #onListenerLost(cause: unknown): void {
    this.#options.logger.error('The listener is lost and cannot be bound again: this node leaves', cause);
    void this.leave();
  }

  // --- identity ---

  /** Another process uses this node's id: go on under a new one, at the same port. Not more often than makes sense. */
  #loseIdentity(error: ClusterError): void {
    const lost = this.#engine;
    if (lost === undefined || this.#leaving !== undefined || lost.id !== this.#identity.id) return;
    if (!this.#identity.renew()) return this.log.warn('identity', `This node keeps its id: ${error.message}`);
    this.#options.logger.error(`This node takes a new id: ${error.message}`);
    this.#listener.error(error);
    this.#joiner?.stop();
    void this.#replaceEngine(lost);
  }

  #toldOfDuplicate(by: Address): void {
    if (this.#joiner?.trusts(by) === true) this.#loseIdentity(new DuplicateNodeIdError(this.#identity.id));
  }

  async #replaceEngine(lost: Engine): Promise<void> {
    const wasJoined = lost.protocol !== undefined;
    const { port } = lost.bound;
    try {
      await lost.close('shutdown');
      if (this.#leaving !== undefined) return;
      const engine = await this.#openEngine(port);
      if (wasJoined && this.#leaving === undefined) this.#resume(engine);
    } catch (error) {
      this.#onListenerLost(error);
    }
  }

  /** The application hears only of what differs from before. */
  #resume(engine: Engine): void {
    const known = this.#continuity.restart();
    this.#startProtocol(engine);
    engine.protocol?.join(known);
    this.#reunion = this.clock.setTimer(REUNION_INTERVALS * this.#options.swim.probeIntervalMs, () => {
      const { protocol } = engine;
      if (protocol === undefined || this.#leaving !== undefined) return;
      for (const event of this.#continuity.settle(protocol.view, epochMsOf(this.clock))) this.#tell(event);
    });
  }

  #futureLocal(): Member {
    const bound = this.#status === 'created' ? undefined : this.#engine?.advertised;
    return this.#identity.member(bound ?? plannedAddress(this.#options));
  }

  // --- leaving ---

  async #leave(): Promise<void> {
    // A bind under way is finished first, so that what it opened is closed. Its failure is its caller's.
    await Promise.allSettled([this.#binding]);
    this.#joiner?.stop();
    this.#reunion?.cancel();
    const engine = this.#engine;
    const protocol = engine?.protocol;
    if (protocol !== undefined) await this.#announceLeave(protocol);
    await engine?.close(protocol === undefined ? 'shutdown' : 'left');
    this.#status = 'left';
    this.#security.close();
    this.#ties.close();
    this.#waiters.close(new ClosedError());
    this.#listener.ended();
    await closeDiscovery(this.#options);
    if (protocol !== undefined) this.#options.logger.log('Left the cluster');
  }

  /** Resolves when the protocol says that the leave has spread; it bounds that itself, this is the belt. */
  #announceLeave(protocol: MembershipProtocol<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const giveUp = this.clock.setTimer(this.#options.swim.leaveTimeoutMs * 2, resolve);
      this.#leaveSpread = () => (giveUp.cancel(), resolve());
      protocol.leave();
    });
  }
}
