import {
  InvalidHandlerError,
  PayloadTooLargeError,
  ProtocolViolationError,
  ReplyError,
  SerializationError,
  clip,
} from '../../errors.js';
import { Message, type Member } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { IncomingMessage, Receipt } from '../../transport/transport.js';
import { ClusterMessage } from './cluster-message.js';
import { Kind, checkPattern, decodeMeta, type Meta } from './envelope.js';
import { HandlerQueue, isPromiseLike } from './handler-queue.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from './handlers.js';
import { MessageReaders } from './message-readers.js';

/** Where the dispatcher sends answers, and how it decodes. The messenger is one. */
export interface Replies {
  reply(
    to: Member,
    requestId: number,
    requestStream: number,
    failure: boolean,
    value: unknown,
  ): Promise<void>;
  /** Whether this node waits for an answer from that one. */
  expects(from: NodeId, requestId: number): boolean;
  settle(from: NodeId, requestId: number, failure: boolean, value: unknown): void;
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

interface Registered<H> {
  readonly handler: H;
  readonly name: string;
  readonly queue: HandlerQueue;
}

/** Takes incoming payloads to readers and handlers, and handlers' results back to their callers. */
export class Dispatcher {
  readonly readers = new MessageReaders();
  readonly #node: DispatcherNode;
  readonly #concurrency: number;
  readonly #raw = new Set<Registered<MessageHandler>>();
  readonly #events = new Map<string, Set<Registered<MessageHandler>>>();
  readonly #requests = new Map<string, Registered<RequestHandler>>();
  #draining = false;

  /** @param concurrency how many calls of one handler run at once, unless it says otherwise */
  constructor(node: DispatcherNode, concurrency: number) {
    this.#node = node;
    this.#concurrency = concurrency;
  }

  onMessage(pattern: string | undefined, handler: MessageHandler, options: HandlerOptions = {}): () => void {
    if (pattern !== undefined) checkPattern(pattern);
    const registered = this.#register(handler, options, pattern ?? 'raw messages');
    const handlers = pattern === undefined ? this.#raw : (this.#events.get(pattern) ?? new Set());
    if (pattern !== undefined) this.#events.set(pattern, handlers);
    handlers.add(registered);
    return () => {
      handlers.delete(registered);
      if (pattern !== undefined && handlers.size === 0) this.#events.delete(pattern);
    };
  }

  /** @throws InvalidHandlerError when the pattern has one already */
  onRequest(pattern: string, handler: RequestHandler, options: HandlerOptions = {}): () => void {
    checkPattern(pattern);
    const other = this.#requests.get(pattern);
    if (other !== undefined) {
      throw new InvalidHandlerError(
        `The request pattern "${pattern}" has a handler already (${other.name}); exactly one answers a request`,
      );
    }
    const registered = this.#register(handler, options, pattern);
    this.#requests.set(pattern, registered);
    return () => {
      if (this.#requests.get(pattern) === registered) this.#requests.delete(pattern);
    };
  }

  /** Refuses new requests; resolves when the handlers that run have finished. */
  async drain(): Promise<void> {
    this.#draining = true;
    const all = [
      ...this.#raw,
      ...this.#requests.values(),
      ...[...this.#events.values()].flatMap((set) => [...set]),
    ];
    await Promise.all(all.map((registered) => registered.queue.whenIdle()));
  }

  close(): void {
    this.readers.end();
  }

  /** Handlers that run and calls that wait, for metrics. */
  get load(): { readonly running: number; readonly waiting: number } {
    let running = 0;
    let waiting = 0;
    const all = [this.#raw, this.#requests.values(), ...this.#events.values()];
    for (const group of all) {
      for (const { queue } of group) {
        running += queue.running;
        waiting += queue.waiting;
      }
    }
    return { running, waiting };
  }

  /** Never throws. */
  receive(incoming: IncomingMessage, replies: Replies): Receipt {
    try {
      const meta = decodeMeta(incoming.kind, incoming.meta);
      switch (incoming.kind & ~Kind.bytes) {
        case Kind.raw:
          return this.#raw.size + this.readers.size === 0 ? 'no-receiver' : this.#receiveRaw(incoming, meta);
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

  #register<H>(handler: H, options: HandlerOptions, what: string): Registered<H> {
    const queue = new HandlerQueue(options.concurrency ?? this.#concurrency);
    return { handler, name: options.name ?? `the handler of "${clip(what)}"`, queue };
  }

  #receiveRaw(incoming: IncomingMessage, meta: Meta): Receipt {
    const sender = this.#node.find(incoming.from);
    if (sender === undefined) return 'no-receiver';
    const receivedAtMs = this.#node.epochMs();
    const groups = (this.readers.size > 0 ? 1 : 0) + (this.#raw.size > 0 ? 1 : 0);
    const release = countdown(groups, incoming);
    if (this.readers.size > 0) {
      this.readers.push(Message.of(sender, incoming.payload, meta.headers, receivedAtMs), release);
    }
    if (this.#raw.size > 0) {
      const { payload } = incoming;
      const fields = { sender, pattern: undefined, data: payload, payload, receivedAtMs, isRequest: false };
      this.#runAll(this.#raw, ClusterMessage.of({ ...fields, headers: meta.headers }), release);
    }
    return 'held';
  }

  #receiveEvent(incoming: IncomingMessage, meta: Meta, replies: Replies): Receipt {
    const handlers = this.#events.get(meta.pattern);
    const sender = this.#node.find(incoming.from);
    if (handlers === undefined || sender === undefined) return 'no-receiver';
    const message = this.#message(sender, incoming, meta, replies, false);
    this.#runAll(handlers, message, () => incoming.release());
    return 'held';
  }

  /** Starts every handler in turn; `release` is called once, when the last has finished. */
  #runAll(
    handlers: ReadonlySet<Registered<MessageHandler>>,
    message: ClusterMessage,
    release: () => void,
  ): void {
    let left = handlers.size;
    const done = (): void => {
      if (--left === 0) release();
    };
    for (const registered of handlers) {
      registered.queue.push(() => {
        try {
          const result = registered.handler(message.data, message);
          if (!isPromiseLike(result)) return done();
          return result.then(done, (error: unknown) => {
            this.#node.handlerFailed(registered.name, error);
            done();
          });
        } catch (error) {
          this.#node.handlerFailed(registered.name, error);
          return done();
        }
      });
    }
  }

  #receiveRequest(incoming: IncomingMessage, meta: Meta, replies: Replies): Receipt {
    if (this.#draining) return 'draining';
    const registered = this.#requests.get(meta.pattern);
    const sender = this.#node.find(incoming.from);
    if (registered === undefined || sender === undefined) return 'no-receiver';
    const answer = async (failure: boolean, value: unknown): Promise<void> => {
      try {
        await replies.reply(sender, meta.requestId, incoming.stream, failure, value);
      } catch (error) {
        if (!failure && isAboutTheValue(error)) await answer(true, this.#failure(registered.name, error));
        else this.#node.debug(`An answer to ${sender.id} was not delivered: ${String(error)}`);
      } finally {
        incoming.release();
      }
    };
    registered.queue.push(() => {
      try {
        const message = this.#message(sender, incoming, meta, replies, true);
        const result = registered.handler(message.data, message);
        if (!isPromiseLike(result)) return void answer(false, result);
        return result.then(
          (value) => answer(false, value),
          (error: unknown) => answer(true, this.#failure(registered.name, error)),
        );
      } catch (error) {
        return void answer(true, this.#failure(registered.name, error));
      }
    });
    return 'held';
  }

  #receiveReply(incoming: IncomingMessage, meta: Meta, replies: Replies): Receipt {
    if (!replies.expects(incoming.from, meta.requestId)) {
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
    replies.settle(incoming.from, meta.requestId, failure, value);
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
  #failure(name: string, error: unknown): readonly [string, string, unknown, string | undefined] {
    if (error instanceof ReplyError) return [error.replyCode, error.message, error.response, undefined];
    const id = this.#node.correlationId();
    this.#node.handlerFailed(`${name} [${id}]`, error);
    return ['INTERNAL', 'The handler failed', undefined, id];
  }
}

/** Whether an answer failed because of what it is, so that the caller can be told instead. */
function isAboutTheValue(error: unknown): boolean {
  return error instanceof SerializationError || error instanceof PayloadTooLargeError;
}

/** Releases a message when `groups` of takers have taken it. */
function countdown(groups: number, incoming: IncomingMessage): () => void {
  let left = groups;
  return () => {
    if (--left === 0) incoming.release();
  };
}
