import {
  PayloadTooLargeError,
  ProtocolViolationError,
  ReplyError,
  SerializationError,
} from '../../errors.js';
import { Message, type Member } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { IncomingMessage, Receipt } from '../../transport/transport.js';
import type { HandlerStats } from '../node-stats.js';
import { ClusterMessage } from './cluster-message.js';
import { Kind, decodeMeta, encodeRawMeta, type Headers, type Meta } from './envelope.js';
import { isPromiseLike } from './handler-queue.js';
import { HandlerRegistry, type RegisteredHandler } from './handler-registry.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from './handlers.js';
import { MessageReaders } from './message-readers.js';

/** Where the dispatcher sends answers, and how it decodes. The messenger is one. */
export interface Replies {
  /** May throw; calls `settled` once if it does not. */
  reply(
    to: Member,
    requestId: number,
    requestStream: number,
    failure: boolean,
    value: unknown,
    meta: Uint8Array,
    settled: (error?: Error) => void,
  ): void;
  /** Whether this node waits for an answer from that one. */
  expects(from: NodeId, requestId: number): boolean;
  settle(from: NodeId, requestId: number, failure: boolean, value: unknown, headers: Headers): void;
  decode(kind: number, payload: Uint8Array): unknown;
}

/** What the dispatcher needs of its node. */
export interface DispatcherNode {
  find(id: NodeId): Member | undefined;
  epochMs(): number;
  /** Short and unlikely to repeat: joins a caller's error to this node's log. */
  correlationId(): string;
  /** A handler failed and nobody else will hear of it. */
  handlerFailed(what: string, error: unknown): void;
  /** A peer sent a value that cannot be read. */
  unreadable(from: NodeId, error: unknown): void;
  /** A peer sent what no peer sends. */
  violation(from: NodeId, error: ProtocolViolationError): void;
  debug(line: string): void;
}

const NO_HEADERS = encodeRawMeta(undefined);

/** A message on its way through its handlers: gives its credit back when the last of them has finished. */
class Handling {
  constructor(
    readonly message: ClusterMessage,
    readonly incoming: IncomingMessage,
    private takers: number,
  ) {}

  done(): void {
    if (--this.takers === 0) this.incoming.release();
  }
}

/** A request that has a handler. */
interface Asked {
  readonly incoming: IncomingMessage;
  readonly meta: Meta;
  readonly sender: Member;
  readonly replies: Replies;
  /** What its handler got; undefined before. */
  message?: ClusterMessage;
}

/** Takes incoming payloads to readers and handlers, and handlers' results back to their callers. */
export class Dispatcher {
  readonly readers = new MessageReaders();
  readonly #node: DispatcherNode;
  readonly #handlers: HandlerRegistry<Handling, Asked>;
  #draining = false;
  /** Answers of synchronous handlers on their way. */
  #answers = 0;
  readonly #allAnswered: (() => void)[] = [];
  readonly #answered = (): void => {
    if (--this.#answers === 0) for (const resolve of this.#allAnswered.splice(0)) resolve();
  };

  /** @param concurrency how many calls of one handler run at once, unless it says otherwise */
  constructor(node: DispatcherNode, concurrency: number) {
    this.#node = node;
    this.#handlers = new HandlerRegistry(concurrency);
  }

  /** @throws InvalidOptionError for a bad pattern, InvalidHandlerError for bad options */
  onMessage(pattern: string | undefined, handler: MessageHandler, options?: HandlerOptions): () => void {
    return this.#handlers.addMessage(pattern, options, (handling, registered) =>
      this.#handle(handler, registered, handling),
    );
  }

  /** @throws InvalidOptionError for a bad pattern, InvalidHandlerError for bad options or when it has one already */
  onRequest(pattern: string, handler: RequestHandler, options?: HandlerOptions): () => void {
    return this.#handlers.addRequest(pattern, options, (asked, registered) =>
      this.#answerWith(handler, registered, asked),
    );
  }

  /** Refuses new requests; resolves when the handlers that run have finished, and their answers have arrived or cannot. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#handlers.whenIdle();
    if (this.#answers > 0) await new Promise<void>((resolve) => this.#allAnswered.push(resolve));
  }

  close(): void {
    this.readers.end();
  }

  /** Calls that run and calls that wait. */
  get load(): { readonly running: number; readonly waiting: number } {
    return this.#handlers.load;
  }

  /** What each handler does and has done. */
  get stats(): readonly HandlerStats[] {
    return this.#handlers.stats;
  }

  /** Never throws. */
  receive(incoming: IncomingMessage, replies: Replies): Receipt {
    try {
      const meta = decodeMeta(incoming.kind, incoming.meta);
      switch (incoming.kind & ~Kind.bytes) {
        case Kind.raw:
          return this.#receiveRaw(incoming, meta);
        case Kind.event:
          return this.#receiveEvent(incoming, meta, replies);
        case Kind.request:
          return this.#receiveRequest(incoming, meta, replies);
        default:
          return this.#receiveReply(incoming, meta, replies);
      }
    } catch (error) {
      if (error instanceof ProtocolViolationError) this.#node.violation(incoming.from, error);
      else this.#node.unreadable(incoming.from, error);
      return 'no-receiver';
    }
  }

  #receiveRaw(incoming: IncomingMessage, { headers }: Meta): Receipt {
    const handlers = this.#handlers.raw;
    const isRead = this.readers.size > 0;
    if (handlers.length === 0 && !isRead) return 'no-receiver';
    const sender = this.#node.find(incoming.from);
    if (sender === undefined) return 'no-receiver';
    const receivedAtMs = this.#node.epochMs();
    const { payload } = incoming;
    const message = ClusterMessage.of({
      sender,
      pattern: undefined,
      data: payload,
      payload,
      headers,
      receivedAtMs,
      isRequest: false,
    });
    const handling = new Handling(message, incoming, handlers.length + (isRead ? 1 : 0));
    if (isRead) {
      this.readers.push(Message.of(sender, payload, headers, receivedAtMs), () => handling.done());
    }
    for (const { queue } of handlers) queue.push(handling);
    return 'held';
  }

  #receiveEvent(incoming: IncomingMessage, meta: Meta, replies: Replies): Receipt {
    const handlers = this.#handlers.events.get(meta.pattern);
    const sender = this.#node.find(incoming.from);
    if (handlers === undefined || sender === undefined) return 'no-receiver';
    const message = this.#message(sender, incoming, meta, replies, false);
    const handling = new Handling(message, incoming, handlers.length);
    for (const { queue } of handlers) queue.push(handling);
    return 'held';
  }

  #handle(handler: MessageHandler, registered: RegisteredHandler<Handling>, handling: Handling): unknown {
    const { message } = handling;
    try {
      const result = handler(message.data, message);
      if (!isPromiseLike(result)) return handling.done();
      return result.then(
        () => handling.done(),
        (error: unknown) => this.#handlingFailed(registered, error, handling),
      );
    } catch (error) {
      return this.#handlingFailed(registered, error, handling);
    }
  }

  #handlingFailed(registered: RegisteredHandler<Handling>, error: unknown, handling: Handling): void {
    registered.errors++;
    this.#node.handlerFailed(registered.name, error);
    handling.done();
  }

  #receiveRequest(incoming: IncomingMessage, meta: Meta, replies: Replies): Receipt {
    if (this.#draining) return 'draining';
    const registered = this.#handlers.requests.get(meta.pattern);
    const sender = this.#node.find(incoming.from);
    if (registered === undefined || sender === undefined) return 'no-receiver';
    registered.queue.push({ incoming, meta, sender, replies });
    return 'held';
  }

  #answerWith(handler: RequestHandler, registered: RegisteredHandler<Asked>, asked: Asked): unknown {
    const message = this.#readable(registered, asked);
    if (message === undefined) return undefined;
    try {
      const result = handler(message.data, message);
      if (!isPromiseLike(result)) return this.#answerAtOnce(registered, asked, false, result);
      // Its answer is part of it: it holds its place until that has arrived.
      return result.then(
        (value) => new Promise<void>((sent) => this.#answer(registered, asked, false, value, sent)),
        (error: unknown) =>
          new Promise<void>((sent) =>
            this.#answer(registered, asked, true, this.#failure(registered, error), sent),
          ),
      );
    } catch (error) {
      return this.#answerAtOnce(registered, asked, true, this.#failure(registered, error));
    }
  }

  /** Undefined: what the peer sent is no value, or goes over a limit. No handler is at fault, so none has failed. */
  #readable(registered: RegisteredHandler<Asked>, asked: Asked): ClusterMessage | undefined {
    try {
      return (asked.message = this.#message(asked.sender, asked.incoming, asked.meta, asked.replies, true));
    } catch (error) {
      this.#node.unreadable(asked.sender.id, error);
      this.#answerAtOnce(registered, asked, true, ['UNREADABLE', 'The request cannot be read here']);
      return undefined;
    }
  }

  /** The handler is done and has no promise that could stand for its answer: a drain counts it instead. */
  #answerAtOnce(registered: RegisteredHandler<Asked>, asked: Asked, failure: boolean, value: unknown): void {
    this.#answers++;
    this.#answer(registered, asked, failure, value, this.#answered);
  }

  #answer(
    registered: RegisteredHandler<Asked>,
    asked: Asked,
    failure: boolean,
    value: unknown,
    sent: () => void,
  ): void {
    const { sender, incoming, replies, message } = asked;
    const meta = message === undefined ? NO_HEADERS : ClusterMessage.replyMetaOf(message);
    const settled = (error?: Error): void => {
      if (error !== undefined) return this.#unanswered(registered, asked, failure, error, sent);
      incoming.release();
      sent();
    };
    try {
      replies.reply(sender, incoming.correlation, incoming.stream, failure, value, meta, settled);
    } catch (error) {
      this.#unanswered(registered, asked, failure, error, sent);
    }
  }

  #unanswered(
    registered: RegisteredHandler<Asked>,
    asked: Asked,
    failure: boolean,
    error: unknown,
    sent: () => void,
  ): void {
    if (!failure && isAboutTheValue(error))
      return this.#answer(registered, asked, true, this.#failure(registered, error), sent);
    this.#node.debug(`An answer to ${asked.sender.id} was not delivered: ${String(error)}`);
    asked.incoming.release();
    sent();
  }

  #receiveReply(incoming: IncomingMessage, { headers }: Meta, replies: Replies): Receipt {
    if (!replies.expects(incoming.from, incoming.correlation)) {
      this.#node.debug(`An answer from ${incoming.from} came too late, or was not asked for`);
      incoming.release();
      return 'held';
    }
    let failure = (incoming.kind & ~Kind.bytes) === Kind.failure;
    let value: unknown;
    try {
      value = replies.decode(incoming.kind, incoming.payload);
    } catch (error) {
      failure = true;
      this.#node.unreadable(incoming.from, error);
    }
    replies.settle(incoming.from, incoming.correlation, failure, value, headers);
    incoming.release();
    return 'held';
  }

  #message(
    sender: Member,
    incoming: IncomingMessage,
    meta: Meta,
    replies: Replies,
    isRequest: boolean,
  ): ClusterMessage {
    return ClusterMessage.of({
      sender,
      pattern: meta.pattern,
      data: replies.decode(incoming.kind, incoming.payload),
      payload: incoming.payload,
      headers: meta.headers,
      receivedAtMs: this.#node.epochMs(),
      isRequest,
    });
  }

  /** What a caller may know of an error: all of a `ReplyError`, of any other only where to find it in our log. */
  #failure(
    registered: RegisteredHandler<Asked>,
    error: unknown,
  ): readonly [string, string, unknown, string | undefined] {
    if (error instanceof ReplyError) return [error.replyCode, error.message, error.response, undefined];
    registered.errors++;
    const id = this.#node.correlationId();
    this.#node.handlerFailed(`${registered.name} [${id}]`, error);
    return ['INTERNAL', 'The handler failed', undefined, id];
  }
}

/** Whether an answer failed because of what it is, so that the caller can be told instead. */
function isAboutTheValue(error: unknown): boolean {
  return error instanceof SerializationError || error instanceof PayloadTooLargeError;
}
