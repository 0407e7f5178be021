import type { Address } from '../address.js';
import { ClosedError, ErrorsMissedError, HandlerError, type ClusterError } from '../errors.js';
import type {
  BroadcastOptions,
  BroadcastOutcome,
  ClusterMetadata,
  Member,
  MemberHealth,
  Membership,
  MembershipEvent,
  MembershipGap,
  Message,
  MetadataPatch,
  Recipient,
  SendOptions,
} from '../membership/membership.js';
import type { NodeId } from '../node-id.js';
import type { Secret } from '../transport/tcp/tls/secrets.js';
import { EventHub, type EventListener, type EventListenerOptions } from './event-hub.js';
import { checkHealth } from './health.js';
import { correlationId } from './messaging/correlation-id.js';
import type { DataOf, Pattern, ReplyOf } from './messaging/contracts.js';
import { drainWithin } from './messaging/drain.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from './messaging/handlers.js';
import type {
  RequestAllOptions,
  RequestAnyOptions,
  RequestOptions,
  RequestOutcome,
} from './messaging/request-options.js';
import { freezeMetadata, patchMetadata } from './metadata.js';
import { MemberHistory, type MemberExplanation } from './member-history.js';
import { NodeLife } from './node-life.js';
import { collectStats, type NodeStats } from './node-stats.js';
import type { NodeStatus, ReadyOptions } from './node-status.js';
import { logEvent } from './node-log.js';
import type { ClusterOptions, ResolvedOptions } from './options.js';
import { Readers } from './readers.js';
import { tracingOf } from './tracing/load-opentelemetry.js';
import { TracedDispatcher } from './tracing/traced-dispatcher.js';
import { TracedMessenger } from './tracing/traced-messenger.js';
import type { Tracing } from './tracing/tracing.js';
import { resolveOptions } from './validate-options.js';
import { epochMsOf } from './wall-clock.js';

const MAX_ERRORS_BEHIND = 256;

/**
 * A process's part in a cluster, without Nest: one protocol, one transport and one discovery put together.
 *
 * Life: `bind()` listens, `join()` starts probing and looks for others, `leave()` says good-bye. `start()` is the
 * first two. Nothing restarts a node that has left.
 *
 * @publicApi
 */
export class ClusterNode implements Membership {
  /** Nodes of another name are refused. */
  readonly clusterName: string;
  /** What is allowed and still deserves a warning; logged when the node binds. */
  readonly warnings: readonly string[];
  readonly #options: ResolvedOptions;
  readonly #life: NodeLife;
  readonly #history = new MemberHistory(() => epochMsOf(this.#life.clock));
  readonly #events: EventHub;
  readonly #errors: Readers<ClusterError>;
  readonly #dispatcher: TracedDispatcher;
  readonly #messenger: TracedMessenger;
  readonly #tracing: Tracing;
  #handlerErrors = 0;

  /** @throws InvalidOptionError that names option, value and what is allowed */
  constructor(options: ClusterOptions = {}) {
    const resolved = resolveOptions(options);
    this.#options = resolved;
    this.clusterName = resolved.clusterName;
    this.warnings = resolved.warnings;
    this.#errors = new Readers<ClusterError>(MAX_ERRORS_BEHIND, (missed) => new ErrorsMissedError(missed));
    this.#events = new EventHub(
      resolved.limits.eventBuffer,
      () => this.activeMembers,
      (what, error) => this.#handlerFailed(what, error),
      () => epochMsOf(this.#life.clock),
    );
    this.#life = new NodeLife(resolved, freezeMetadata(resolved.metadata, resolved.limits.metadataBytes), {
      binding: () => this.#tracing.load(),
      event: (event) => this.#onEvent(event),
      gone: (id, why) => this.#messenger.forget(id, why),
      receive: (message) => this.#messenger.receive(message),
      error: (error) => this.#errors.push(error),
      trace: (event) => this.#history.take(event),
      ended: () => this.#end(),
    });
    const life = this.#life;
    this.#tracing = tracingOf(resolved, this, life.log);
    this.#dispatcher = new TracedDispatcher(
      {
        find: (id) => this.member(id),
        epochMs: () => epochMsOf(life.clock),
        correlationId: () => correlationId(resolved.random),
        handlerFailed: (what, error) => this.#handlerFailed(what, error),
        unreadable: (from, error) => life.unreadable(from, error),
        violation: (from, error) => life.violation(from, error),
        debug: (line) => life.log.debug('message', line),
      },
      resolved.limits.handlerConcurrency,
      this.#tracing,
    );
    this.#messenger = new TracedMessenger(
      {
        transport: () => life.transport,
        checkOpen: () => life.checkOpen(),
        local: () => life.local,
        find: (id) => this.member(id),
        activeMembers: () => life.activeMembers,
        listenerFailed: (what, error) => this.#handlerFailed(what, error),
      },
      { ...resolved, clock: life.clock },
      this.#dispatcher,
      this.#tracing,
    );
  }

  // --- who is there ---

  /** Where the node is in its life. */
  get status(): NodeStatus {
    return this.#life.status;
  }

  get local(): Member {
    return this.#life.local;
  }

  get activeMembers(): readonly Member[] {
    return this.#life.activeMembers;
  }

  /** All members that are remembered, unreachable and left ones included, sorted by NodeId. */
  get allMembers(): readonly Member[] {
    const protocol = this.#life.protocol;
    if (protocol === undefined) return this.activeMembers;
    return [...protocol.allMembers()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** A member that is remembered, whatever its state. */
  member(id: string): Member | undefined {
    const protocol = this.#life.protocol;
    if (protocol !== undefined) return protocol.member(id as NodeId);
    return id === this.local.id ? this.local : undefined;
  }

  /** What this node thinks of a member, and who or what made it think so. Kept in memory, bounded; nothing is asked. */
  explain(id: string): MemberExplanation {
    return this.#history.explain(id as NodeId, (other) => this.member(other));
  }

  /** Active members, the ones that fit `where` if it is given. */
  members(options: { readonly where?: ((member: Member) => boolean) | undefined } = {}): readonly Member[] {
    const { where } = options;
    return where === undefined ? this.activeMembers : this.activeMembers.filter((member) => where(member));
  }

  get membershipEvents(): AsyncIterable<MembershipEvent | MembershipGap> {
    return this.#events.readers;
  }

  get incomingMessages(): AsyncIterable<Message> {
    return this.#dispatcher.readers;
  }

  /** What went wrong without a caller to tell: refused joins, address conflicts, failed discovery, failed handlers. */
  get errors(): AsyncIterable<ClusterError> {
    return this.#errors;
  }

  /** Figures for metrics. */
  get stats(): NodeStats {
    return collectStats(this.#life, this.#messenger, this.#dispatcher, this.#handlerErrors);
  }

  /**
   * Calls a listener with every event, in order, after the protocol has finished its turn. What it returns is not
   * awaited; what it throws is logged.
   *
   * @returns removes the listener
   */
  onEvent(listener: EventListener, options: EventListenerOptions = {}): () => void {
    const localId = this.local.id;
    const present = options.replay ? this.activeMembers.filter((member) => member.id !== localId) : [];
    return this.#events.add(this.#tracing.apart(listener), present, options.name);
  }

  // --- life ---

  /** `bind()` and `join()`. */
  async start(): Promise<void> {
    await this.bind();
    await this.join();
  }

  /**
   * Listens. The view stays this node alone until `join()`. Idempotent.
   *
   * @returns where other members are told to dial
   * @throws BindError
   */
  bind(): Promise<Address> {
    return this.#life.bind();
  }

  /** Starts probing and looks for others; never waits for them. Idempotent. @throws ClosedError after leaving */
  join(): Promise<void> {
    return this.#life.join();
  }

  /**
   * Resolves when the node has joined a cluster, or knows that it is alone, and has at least `members` members.
   *
   * @throws NotStartedError before `join()` · NotReadyError after `timeoutMs` · the signal's reason
   */
  whenReady(options: ReadyOptions = {}): Promise<void> {
    return this.#life.whenReady(options);
  }

  /** Tells others to send no more requests, refuses new ones, and waits for handlers up to `drainTimeoutMs`. */
  async drain(): Promise<void> {
    this.#life.startDraining();
    const { drainTimeoutMs, logger } = this.#options;
    await drainWithin(drainTimeoutMs, this.#dispatcher, this.#life.clock, logger);
  }

  /** Says good-bye, goes on answering until the leave has spread, then closes everything. Idempotent. */
  leave(): Promise<void> {
    return this.#life.leave();
  }

  /** Leaves if it has joined, and frees everything. Idempotent. */
  close(): Promise<void> {
    return this.#life.close();
  }

  /** The node keeps the process alive (from `join()` on it does). */
  ref(): void {
    this.#life.ref();
  }

  /** The node does not keep the process alive. */
  unref(): void {
    this.#life.unref();
  }

  /**
   * Changes what this member tells of itself: keys are added or replaced, null removes one, undefined is ignored.
   *
   * @returns the metadata as it is now
   * @throws InvalidMetadataError over `limits.metadataBytes`, or for what is not plain data
   */
  async updateMetadata(patch: MetadataPatch): Promise<ClusterMetadata> {
    if (this.#life.isLeaving) throw new ClosedError();
    const { metadata } = this.#life;
    const changed = patchMetadata(metadata, patch, this.#options.limits.metadataBytes);
    if (changed !== metadata) this.#life.metadata = changed;
    return changed;
  }

  /**
   * Says how well this node serves; each call replaces health and reason. The others see it as `member.health` and stop
   * routing to one that is `draining`; the node itself goes on answering, and can take it back. Once it drains or shuts
   * down by itself, it stays `draining`. Before the join it is remembered.
   *
   * @param reason for people, at most 256 bytes in UTF-8; an empty one is none
   * @returns the health as it is now
   * @throws InvalidOptionError for another health, or a reason over the limit · ClosedError after leaving
   */
  async setHealth(health: MemberHealth, reason?: string): Promise<MemberHealth> {
    checkHealth(health, reason);
    if (this.#life.isLeaving) throw new ClosedError();
    this.#life.setHealth(health, reason === '' ? undefined : reason);
    return this.local.health;
  }

  /**
   * Takes other secrets while the node runs: the first one dials, each is accepted. Connections made under one that is gone
   * are made anew; nothing is lost with them. In three steps on every node: `[old, new]`, `[new, old]`, `[new]`.
   *
   * @throws InvalidOptionError for what are no secrets, or where `security.secrets` was not given
   */
  async rotateSecrets(secrets: readonly Secret[]): Promise<void> {
    await this.#life.security.rotateSecrets(secrets);
  }

  /**
   * Reads the files under `security.tls` now. Open connections are made anew if authorities or revocation lists changed.
   * @throws InvalidOptionError when they do not fit each other: the old ones stay · where `security.tls` was not given
   */
  async reloadTls(): Promise<void> {
    await this.#life.security.reloadTls();
  }

  // --- messages ---

  send(to: Recipient, payload: Uint8Array, options?: SendOptions): Promise<void> {
    return this.#messenger.send(to, payload, options);
  }

  broadcast(payload: Uint8Array, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    return this.#messenger.broadcast(payload, options);
  }

  /** Sends a value to the handlers of a pattern at one member. Resolves when it is in the member's inbox. */
  emit<P extends Pattern>(to: Recipient, pattern: P, data: DataOf<P>, options?: SendOptions): Promise<void> {
    return this.#messenger.emit(to, pattern, data, options);
  }

  /** Sends a value to the handlers of a pattern at every active member but this one. */
  emitAll<P extends Pattern>(
    pattern: P,
    data: DataOf<P>,
    options?: BroadcastOptions,
  ): Promise<BroadcastOutcome> {
    return this.#messenger.emitAll(pattern, data, options);
  }

  /** Asks one member and resolves with its handler's answer. */
  request<P extends Pattern>(
    to: Recipient,
    pattern: P,
    data: DataOf<P>,
    options?: RequestOptions,
  ): Promise<ReplyOf<P>> {
    return this.#messenger.request(to, pattern, data, options) as Promise<ReplyOf<P>>;
  }

  /** Asks one other member that is alive and not draining, each in its turn; where one certainly did nothing, the next. */
  requestAny<P extends Pattern>(
    pattern: P,
    data: DataOf<P>,
    options?: RequestAnyOptions,
  ): Promise<ReplyOf<P>> {
    return this.#messenger.requestAny(pattern, data, options) as Promise<ReplyOf<P>>;
  }

  /** Asks every other active member at once; resolves with an outcome for each, by `timeoutMs` at the latest. */
  requestAll<P extends Pattern>(
    pattern: P,
    data: DataOf<P>,
    options?: RequestAllOptions,
  ): Promise<RequestOutcome<ReplyOf<P>>[]> {
    return this.#messenger.requestAll(pattern, data, options) as Promise<RequestOutcome<ReplyOf<P>>[]>;
  }

  /**
   * Handles messages of a pattern; without one, the raw bytes of `send` and `broadcast`.
   *
   * @returns removes the handler; it still gets the messages that had arrived by then
   * @throws InvalidOptionError for a bad pattern · InvalidHandlerError for bad options
   */
  onMessage<P extends Pattern | undefined>(
    pattern: P,
    handler: MessageHandler<P>,
    options?: HandlerOptions,
  ): () => void {
    return this.#dispatcher.onMessage(pattern, handler as MessageHandler, options);
  }

  /** Answers requests of a pattern. Returns the removal. @throws InvalidHandlerError when it has a handler already */
  onRequest<P extends Pattern>(pattern: P, handler: RequestHandler<P>, options?: HandlerOptions): () => void {
    return this.#dispatcher.onRequest(pattern, handler, options);
  }

  /** Calls a listener once after the last event, when the node has left; at once if it has. @internal */
  onEnd(listener: () => void): () => void {
    return this.#events.onEnd(listener);
  }

  /** Code of the application failed and nobody else hears of it: logs and counts that as of a handler. @internal */
  reportFailure(what: string, error: unknown): void {
    this.#handlerFailed(what, error);
  }

  // --- inside ---

  #onEvent(event: MembershipEvent): void {
    logEvent(this.#options.logger, event, this.local.id);
    this.#events.push(event);
  }

  #end(): void {
    this.#messenger.close();
    this.#dispatcher.close();
    this.#events.end();
    this.#errors.end();
  }

  #handlerFailed(what: string, error: unknown): void {
    this.#handlerErrors++;
    this.#options.logger.error(`${what} failed`, error);
    this.#errors.push(new HandlerError(what, error));
  }
}
