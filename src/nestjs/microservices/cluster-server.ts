import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { catchError, EMPTY, finalize, lastValueFrom, type Observable } from 'rxjs';
import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import type { HandlerOptions } from '../../cluster/messaging/handlers.js';
import { InvalidHandlerError, ReplyError, clip } from '../../errors.js';
import type { Member, MembershipEvent, MembershipEventType } from '../../membership/membership.js';
import type { MembershipService } from '../membership.service.js';
import { toReplyError } from '../handlers/reply-errors.js';
import { ClusterContext } from './cluster-context.js';
import { followStatus, type ClusterConnectionStatus } from './connection-status.js';
import { checkMembership, checkServerOptions, type ClusterServerOptions } from './options.js';
import type { Batch } from './reply-stream.js';
import { CANCEL, REPLIES, TOLD, batchHeaders } from './reply-stream-protocol.js';
import { ReplyStreams } from './reply-streams.js';

/** What `on` of a `ClusterServer` and a `ClusterClient` takes. @publicApi */
export type ClusterEventsMap = Record<MembershipEventType, (member: Member, event: MembershipEvent) => void>;

/** A call of one handler: what it was asked, and what tells when it is done. */
type Work = (endHook: () => void) => Promise<void>;

let servers = 0;

/**
 * Lets `@MessagePattern` and `@EventPattern` handlers answer members of a cluster:
 *
 * ```ts
 * app.connectMicroservice({
 *   inject: [MembershipService],
 *   useFactory: (membership: MembershipService) => ({ strategy: new ClusterServer(membership) }),
 * });
 * ```
 *
 * A `@MessagePattern` is a request pattern and an `@EventPattern` a message pattern of the cluster: `membership.request` and
 * `emit` reach them, too, and each request pattern has one handler. `listen` and `close` attach and detach them; the node
 * itself binds, joins and leaves with `ClusterModule`.
 *
 * @publicApi
 */
export class ClusterServer
  extends Server<ClusterEventsMap, ClusterConnectionStatus>
  implements CustomTransportStrategy
{
  readonly #membership: MembershipService;
  readonly #hasSerializer: boolean;
  readonly #hasDeserializer: boolean;
  readonly #requests = new Map<string, MessageHandler>();
  readonly #events = new Map<string, MessageHandler>();
  readonly #streams: ReplyStreams;
  readonly #maxStreams: number;
  /** Where callers ask this server, and no other, for more. */
  readonly #nextPattern = `clusterpack-next-${++servers}-${Math.random().toString(36).slice(2)}`;
  #detach: (() => void)[] = [];

  /** @throws InvalidOptionError that names what is wrong */
  constructor(membership: MembershipService, options: ClusterServerOptions = {}) {
    super();
    checkMembership(membership);
    const { streams } = checkServerOptions(options);
    this.#membership = membership;
    this.#hasSerializer = options.serializer !== undefined;
    this.#hasDeserializer = options.deserializer !== undefined;
    this.initializeSerializer(options as never);
    this.initializeDeserializer(options as never);
    this.#streams = new ReplyStreams(streams);
    this.#maxStreams = streams.open;
  }

  /** Messages and requests of one pattern do not meet; a second handler of a request stops the start. */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const route = this.normalizePattern(pattern as never);
    callback.isEventHandler = isEventHandler;
    callback.extras = extras;
    const handlers = isEventHandler ? this.#events : this.#requests;
    const first = handlers.get(route);
    if (first === undefined) handlers.set(route, callback);
    else if (isEventHandler) lastOf(first).next = callback;
    else
      throw new InvalidHandlerError(
        `@MessagePattern("${clip(route)}") is there twice; exactly one handler answers a request`,
      );
    if (!this.messageHandlers.has(route)) this.messageHandlers.set(route, callback);
  }

  /** Attaches the handlers. Calls back with the error, and has attached none, when one of them cannot be. */
  listen(callback: (...optionalParams: unknown[]) => unknown): void {
    try {
      this.#attach();
    } catch (error) {
      this.close();
      callback(error);
      return;
    }
    callback();
  }

  /** Detaches the handlers; what has arrived is still handled. Streams of replies end. The node stays as it is. */
  close(): void {
    for (const detach of this.#detach.splice(0)) detach();
    this.#streams.closeAll('NO_STREAM', 'The server of this stream of replies was closed');
  }

  /** Calls back for each membership event of a type, until the server is closed. */
  on<Type extends MembershipEventType = MembershipEventType>(
    type: Type,
    callback: (member: Member, event: MembershipEvent) => void,
  ): void {
    const listener = (event: MembershipEvent): void => {
      if (event.type === type) callback(event.member, event);
    };
    this.#detach.push(this.#membership.onEvent(listener, { name: `ClusterServer.on('${type}')` }));
  }

  /** The `MembershipService`. */
  unwrap<T = MembershipService>(): T {
    return this.#membership as T;
  }

  #attach(): void {
    const membership = this.#membership;
    for (const [route, handler] of this.#requests)
      this.#detach.push(
        membership.onRequest(
          route,
          (_data, message) => this.#answer(handler, message),
          optionsOf(route, handler),
        ),
      );
    for (const [route, handler] of this.#events)
      this.#detach.push(
        membership.onMessage(
          route,
          (_data, message) => this.#handle(handler, message),
          optionsOf(route, handler),
        ),
      );
    const streams = { name: 'ClusterServer (streams)', concurrency: 2 * this.#maxStreams };
    this.#detach.push(
      membership.onRequest(this.#nextPattern, (_data, message) => this.#more(message), streams),
      membership.onMessage(this.#nextPattern, (_data, message) => this.#streams.cancel(message), streams),
      membership.onMessage(CANCEL, (_data, message) => this.#streams.cancelCall(message), streams),
      this.#follow(),
      followStatus(membership, this._status$),
    );
  }

  #follow(): () => void {
    const subscription = this.#membership.events$.subscribe({
      next: (event) => this.#changed(event),
      complete: () =>
        this.#streams.closeAll('NO_STREAM', 'The member that sent this stream of replies has left'),
    });
    return () => subscription.unsubscribe();
  }

  #changed(event: MembershipEvent): void {
    this.#streams.changed(event);
    // What waits here would hold up the drain.
    if (this.#membership.status === 'draining')
      this.#streams.refuse('MEMBER_DRAINING', 'The member that sent this stream of replies is shutting down');
  }

  // --- requests ---

  async #answer(handler: MessageHandler, message: ClusterMessage): Promise<unknown> {
    const context = new ClusterContext([message, this.#membership]);
    return telling(context, async () => {
      const run = () => this.#run(handler, message, context);
      if (message.headers[REPLIES] !== 'many')
        return this.#serialize(await lastValueFrom(await run(), { defaultValue: undefined }), true);
      const { id, ...batch } = await this.#streams.begin(run, message);
      // As a handler of the cluster's own would answer.
      if (id === undefined && batch.values.length === 1) return this.#serialize(batch.values[0], true);
      return this.#answerBatch(batch, id, context);
    });
  }

  async #more(message: ClusterMessage): Promise<unknown> {
    const context = new ClusterContext([message, this.#membership]);
    return telling(context, async () => {
      const { id, ...batch } = await this.#streams.next(message);
      return this.#answerBatch(batch, id, context);
    });
  }

  async #answerBatch(
    { values, isLast }: Batch,
    id: string | undefined,
    context: ClusterContext,
  ): Promise<unknown> {
    const member = this.#membership.local.id;
    const rest = id === undefined ? undefined : { id, member, pattern: this.#nextPattern };
    context.getMessage().setReplyHeaders({ ...context.replyHeaders, ...batchHeaders(rest) });
    return Promise.all(
      values.map((value, index) => this.#serialize(value, isLast && index === values.length - 1)),
    );
  }

  async #serialize(response: unknown, isDisposed: boolean): Promise<unknown> {
    if (!this.#hasSerializer) return response;
    return (await this.serializer.serialize({ response, isDisposed } as never)) as unknown;
  }

  // --- events ---

  /** Resolves when the handler has finished, its Observable included: until then it counts as running. */
  async #handle(handler: MessageHandler, message: ClusterMessage): Promise<void> {
    const context = new ClusterContext([message, this.#membership]);
    const results = await this.#run(handler, message, context);
    await lastValueFrom(results.pipe(catchError((error: unknown) => this.#eventFailed(error))), {
      defaultValue: undefined,
    });
  }

  /** Nest 12 has logged it. Nest 11 has logged what it did not know, and told us only that there was something. */
  #eventFailed(error: unknown): Observable<never> {
    const isKnown = this.propagatesEventHandlerErrors === undefined && !isOpaque(error);
    if (isKnown) this.logger.error(error);
    return EMPTY;
  }

  // --- both ---

  /** Runs a handler between Nest's hooks; rejects with what it throws before it has given an Observable. */
  async #run(
    handler: MessageHandler,
    message: ClusterMessage,
    context: ClusterContext,
  ): Promise<Observable<unknown>> {
    const data = await this.#deserialize(message);
    return new Promise((resolve, reject) => {
      const work: Work = async (endHook) => {
        const replies = this.transformToObservable<unknown>(
          (await handler(data, context)) as Observable<unknown>,
        );
        resolve(replies.pipe(finalize(endHook)));
      };
      Promise.resolve(this.#betweenHooks(context, work)).catch(reject);
    });
  }

  /** Nest 11 has no hooks. */
  #betweenHooks(context: ClusterContext, work: Work): unknown {
    if (typeof this.onProcessingStartHook !== 'function') return work(() => undefined);
    let failed: unknown;
    return new Promise<void>((resolve, reject) => {
      this.onProcessingStartHook(this.transportId!, context, async () => {
        let hasEnded = false;
        const endHook = (): void => {
          if (hasEnded) return;
          hasEnded = true;
          this.onProcessingEndHook?.(this.transportId!, context);
        };
        try {
          await work(endHook);
          resolve();
        } catch (error) {
          failed = error;
          endHook();
          reject(failed);
        }
      });
    });
  }

  async #deserialize(message: ClusterMessage): Promise<unknown> {
    if (!this.#hasDeserializer) return message.data;
    const options = { channel: message.pattern };
    return ((await this.deserializer.deserialize(message.data, options)) as { data: unknown }).data;
  }
}

/**
 * Tells a caller what a filter gave, as it is: `TOLD` says so. What was not meant to be told stays here, and the node gives
 * the caller a correlation id.
 */
async function telling(context: ClusterContext, answer: () => Promise<unknown>): Promise<unknown> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof ReplyError) throw error;
    if (error instanceof Error) throw toReplyError(error);
    context.getMessage().setReplyHeaders({ ...context.replyHeaders, [TOLD]: '1' });
    throw toldError(error);
  }
}

/** For a caller of the cluster's own; a `ClusterClient` takes the response alone. */
function toldError(told: unknown): ReplyError {
  const { code, message } = Object(told) as { code?: unknown; message?: unknown };
  return new ReplyError(
    typeof code === 'string' ? code : 'RPC',
    typeof message === 'string' ? message : clip(told),
    told,
  );
}

/** What Nest tells of an error that no filter knows. */
function isOpaque(error: unknown): boolean {
  return (error as { message?: unknown } | null | undefined)?.message === 'Internal server error';
}

/** `@MessagePattern(pattern, { concurrency: 1 })` and the like. */
function optionsOf(route: string, { extras }: MessageHandler): HandlerOptions {
  const { concurrency, order } = (extras ?? {}) as HandlerOptions;
  return { name: `ClusterServer ${clip(route)}`, concurrency, order };
}

function lastOf(handler: MessageHandler): MessageHandler {
  let last = handler;
  while (last.next !== undefined) last = last.next as MessageHandler;
  return last;
}
