import { ReplaySubject, type Observable } from 'rxjs';
import type { EventListener, EventListenerOptions } from '../cluster/event-hub.js';
import type { ClusterMessage } from '../cluster/messaging/cluster-message.js';
import type { DataOf, Pattern, ReplyOf } from '../cluster/messaging/contracts.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from '../cluster/messaging/handlers.js';
import type {
  RequestAllOptions,
  RequestAnyOptions,
  RequestOptions,
  RequestOutcome,
} from '../cluster/messaging/request-options.js';
import type { MemberExplanation } from '../cluster/member-history.js';
import type { NodeStatus, ReadyOptions } from '../cluster/node-status.js';
import type { NodeStats } from '../cluster/node-stats.js';
import type { ClusterError } from '../errors.js';
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
import type { Secret } from '../transport/tcp/tls/secrets.js';
import { eventsOf, membersOf, messagesOf } from './membership-streams.js';
import type { NodeFace } from './node-face.js';

/**
 * This application's part in the cluster: who is there, and messages to them. Inject it anywhere.
 *
 * Nest drives its life: it binds when modules initialise, joins after the bootstrap, drains first and leaves last
 * when the application shuts down. Before it has joined, the view is the local member alone, and sending to others
 * rejects with `NotDeliveredError`.
 *
 * @publicApi
 */
export class MembershipService implements Membership {
  /**
   * What happens to members, from the subscription on, in order. Completes when this node has left, and never fails: what
   * a subscriber throws is logged and counted like the error of a handler. `onEvent` can replay who is there already.
   */
  readonly events$: Observable<MembershipEvent>;
  /**
   * The active members: as they are, at the subscription, and after each change. Completes when this node has left, and
   * never fails.
   */
  readonly members$: Observable<readonly Member[]>;
  readonly #node: NodeFace;
  readonly #joined = new ReplaySubject<void>(1);

  private constructor(node: NodeFace) {
    this.#node = node;
    this.events$ = eventsOf(node);
    this.members$ = membersOf(node);
  }

  /** Makes the service of a node; for the module. @internal */
  static of(node: NodeFace): MembershipService {
    return new MembershipService(node);
  }

  /** The node behind a service; undefined for anything that only looks like one. @internal */
  static nodeOf(service: unknown): NodeFace | undefined {
    return typeof service === 'object' && service !== null && #node in service ? service.#node : undefined;
  }

  /** Tells once when the node has begun to join, also whoever asks later. @internal */
  static joinOf(service: MembershipService): Observable<void> {
    return service.#joined.asObservable();
  }

  // --- who is there ---

  /** Which cluster this is, as every member must call it. */
  get clusterName(): string {
    return this.#node.clusterName;
  }

  /** Where the node is in its life. */
  get status(): NodeStatus {
    return this.#node.status;
  }

  get local(): Member {
    return this.#node.local;
  }

  get activeMembers(): readonly Member[] {
    return this.#node.activeMembers;
  }

  /** All members that are remembered, unreachable and left ones included, sorted by NodeId. */
  get allMembers(): readonly Member[] {
    return this.#node.allMembers;
  }

  /**
   * What this node thinks of a member, and who or what made it think so: its state, when it answered last, and the
   * last 32 accusations, pieces of evidence and verdicts. Kept in memory; nothing is asked, and nothing is thrown.
   *
   * @param id of a member, also one that is gone
   */
  explain(id: string): MemberExplanation {
    return this.#node.explain(id);
  }

  get incomingMessages(): AsyncIterable<Message> {
    return this.#node.incomingMessages;
  }

  get membershipEvents(): AsyncIterable<MembershipEvent | MembershipGap> {
    return this.#node.membershipEvents;
  }

  /** What went wrong without a caller to tell: refused joins, address conflicts, failed discovery. */
  get errors(): AsyncIterable<ClusterError> {
    return this.#node.errors;
  }

  /** What is allowed and still deserves a warning. */
  get warnings(): readonly string[] {
    return this.#node.warnings;
  }

  /** Figures for metrics. */
  get stats(): NodeStats {
    return this.#node.stats;
  }

  /** A member that is remembered, whatever its state. */
  member(id: string): Member | undefined {
    return this.#node.member(id);
  }

  /** Active members, the ones that fit `where` if it is given. */
  members(options?: { readonly where?: ((member: Member) => boolean) | undefined }): readonly Member[] {
    return this.#node.members(options);
  }

  // --- life ---

  /** Joins, where `autoJoin: false` left that to the application. Never waits for peers. @throws ClosedError */
  async join(): Promise<void> {
    await this.#node.join();
    this.#joined.next();
    this.#joined.complete();
  }

  /**
   * Resolves when the node has joined a cluster, or knows that it is alone, and has at least `members` members.
   *
   * @throws NotStartedError at once, before the bootstrap · NotReadyError after `timeoutMs` · the signal's reason
   */
  whenReady(options?: ReadyOptions): Promise<void> {
    return this.#node.whenReady(options);
  }

  /** Tells others to send no more requests, refuses new ones, and waits for handlers up to `drainTimeoutMs`. */
  drain(): Promise<void> {
    return this.#node.drain();
  }

  /** Says good-bye and closes, ahead of the application's own end. There is no way back. */
  leave(): Promise<void> {
    return this.#node.leave();
  }

  /**
   * Changes what this member tells of itself: keys are added or replaced, null removes one.
   *
   * @returns the metadata as it is now
   * @throws InvalidMetadataError over `limits.metadataBytes`, or for what is not plain data
   */
  updateMetadata(patch: MetadataPatch): Promise<ClusterMetadata> {
    return this.#node.updateMetadata(patch);
  }

  /**
   * Says how well this application serves; each call replaces health and reason. The others see it as `member.health`
   * and `member.healthReason`, and `requestAny` stops asking one that is `draining`. The application itself goes on
   * answering, and can take it back. Once it shuts down (or `drain()` was called) it stays `draining`, whatever is said.
   * Before it has joined, what it says is remembered.
   *
   * @param reason for people, at most 256 bytes in UTF-8; an empty one is none
   * @returns the health as it is now
   * @throws InvalidOptionError for another health, or a reason over the limit · ClosedError after leaving
   */
  setHealth(health: MemberHealth, reason?: string): Promise<MemberHealth> {
    return this.#node.setHealth(health, reason);
  }

  /**
   * Takes other secrets while the node runs: the first one dials, each is accepted, and connections made under one that is
   * not there any more are made anew; nothing is lost with them. To change a secret, do on every node: `[old, new]`, when
   * all have that `[new, old]`, when all have that `[new]`.
   *
   * @throws InvalidOptionError for what are no secrets, or where `security.secrets` was not given
   */
  rotateSecrets(secrets: readonly Secret[]): Promise<void> {
    return this.#node.rotateSecrets(secrets);
  }

  /**
   * Reads the files under `security.tls` now, rather than within `reloadIntervalMs`.
   *
   * @throws InvalidOptionError when they do not fit each other: the old ones stay · where `security.tls` was not given
   */
  reloadTls(): Promise<void> {
    return this.#node.reloadTls();
  }

  // --- messages ---

  send(to: Recipient, payload: Uint8Array, options?: SendOptions): Promise<void> {
    return this.#node.send(to, payload, options);
  }

  broadcast(payload: Uint8Array, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    return this.#node.broadcast(payload, options);
  }

  /**
   * Sends a value to the `@OnClusterMessage(pattern)` handlers of one member. Resolves when it is in its inbox.
   *
   * @throws NotDeliveredError, DeliveryUncertainError, PayloadTooLargeError as `send` · SerializationError
   */
  emit<P extends Pattern>(to: Recipient, pattern: P, data: DataOf<P>, options?: SendOptions): Promise<void> {
    return this.#node.emit(to, pattern, data, options);
  }

  /** Sends a value to the handlers of every other active member. Resolves with an outcome per member. */
  emitAll<P extends Pattern>(
    pattern: P,
    data: DataOf<P>,
    options?: BroadcastOptions,
  ): Promise<BroadcastOutcome> {
    return this.#node.emitAll(pattern, data, options);
  }

  /**
   * Asks one member's `@OnClusterRequest(pattern)` handler and resolves with its answer.
   *
   * @throws RemoteError when the handler failed · NoHandlerError · MemberDrainingError · RequestTimeoutError
   */
  request<P extends Pattern>(
    to: Recipient,
    pattern: P,
    data: DataOf<P>,
    options?: RequestOptions,
  ): Promise<ReplyOf<P>> {
    return this.#node.request(to, pattern, data, options);
  }

  /**
   * Asks one of the other members that are alive, not draining and match `where`: for each pattern the one that was asked
   * longest ago. Where one did nothing for certain (not delivered, draining, no handler), the next one is asked, within
   * the same `timeoutMs`. Nobody is asked twice.
   *
   * @throws as `request` when a member may have done something · NoHandlerError when none has one · NotDeliveredError,
   *   which tells how many were asked and has the last error as `cause` · UnknownMemberError when none fits
   */
  requestAny<P extends Pattern>(
    pattern: P,
    data: DataOf<P>,
    options?: RequestAnyOptions,
  ): Promise<ReplyOf<P>> {
    return this.#node.requestAny(pattern, data, options);
  }

  /**
   * Asks every other active member at once, or those of them that match `where`. Resolves with an outcome for each, at
   * the latest by `timeoutMs`: `reply` where `error` is undefined.
   *
   * @throws SerializationError, InvalidOptionError, ClosedError: then nobody was asked
   */
  requestAll<P extends Pattern>(
    pattern: P,
    data: DataOf<P>,
    options?: RequestAllOptions,
  ): Promise<readonly RequestOutcome<ReplyOf<P>>[]> {
    return this.#node.requestAll(pattern, data, options);
  }

  // --- handlers that come and go; the decorators are for those that stay ---

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
    return this.#node.onMessage(pattern, handler, options);
  }

  /**
   * Messages of a pattern (without one, the raw bytes of `send` and `broadcast`) as they arrive. A subscription is a
   * handler: while there is none of either, senders get `NoReceiverError`. Completes when this node has left, and never
   * fails.
   *
   * A message counts as handled when the subscriber's `next` has returned: what operators do later does not hold the
   * senders back, and a buffer there is yours to bound. Where work takes time, use `onMessage` or `@OnClusterMessage`,
   * whose promise is awaited.
   *
   * @throws InvalidOptionError for a bad pattern
   */
  messages$<P extends Pattern | undefined = undefined>(pattern?: P): Observable<ClusterMessage<DataOf<P>>> {
    return messagesOf<P>(this.#node, pattern as P);
  }

  /** Answers requests of a pattern. Returns the removal. @throws InvalidHandlerError when it has a handler already */
  onRequest<P extends Pattern>(pattern: P, handler: RequestHandler<P>, options?: HandlerOptions): () => void {
    return this.#node.onRequest(pattern, handler, options);
  }

  /**
   * Calls a listener with every membership event, in order. What it returns is not awaited; errors are logged.
   *
   * @returns removes the listener
   */
  onEvent(listener: EventListener, options?: EventListenerOptions): () => void {
    return this.#node.onEvent(listener, options);
  }
}
