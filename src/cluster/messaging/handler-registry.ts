import { InvalidHandlerError, clip } from '../../errors.js';
import type { IncomingMessage } from '../../transport/transport.js';
import type { HandlerStats } from '../node-stats.js';
import { checkPattern } from './envelope.js';
import { checkHandlerOptions } from './handler-options.js';
import { HandlerQueue, type CallQueue } from './handler-queue.js';
import type { HandlerOptions } from './handlers.js';
import { SenderQueue } from './sender-queue.js';

/** What a handler is called for. */
interface Call {
  readonly incoming: IncomingMessage;
}

/** A handler, its calls, and what became of them. */
export class RegisteredHandler<T> implements HandlerStats {
  /** Calls that failed and were logged. */
  errors = 0;

  constructor(
    readonly kind: 'message' | 'request',
    readonly name: string,
    readonly pattern: string | undefined,
    readonly queue: CallQueue<T>,
  ) {}

  get calls(): number {
    return this.queue.calls;
  }

  get running(): number {
    return this.queue.running;
  }

  get waiting(): number {
    return this.queue.waiting;
  }

  whenIdle(): Promise<void> {
    return this.queue.whenIdle();
  }
}

/** A handler, whatever its calls are. */
type Counted = Omit<RegisteredHandler<never>, 'queue'>;

/** Replaced when one comes or goes, never changed: a delivery keeps to those that were there when it began. */
type MessageHandlers<T> = readonly RegisteredHandler<T>[];

type Start<T> = (call: T, handler: RegisteredHandler<T>) => unknown;

const NONE: MessageHandlers<never> = [];

/** Which handlers there are, each with a queue of its own. */
export class HandlerRegistry<Message extends Call, Request extends Call> {
  /** Those of the raw bytes of `send` and `broadcast`. */
  raw: MessageHandlers<Message> = NONE;
  readonly events = new Map<string, MessageHandlers<Message>>();
  readonly requests = new Map<string, RegisteredHandler<Request>>();
  readonly #concurrency: number;
  /** All of them, those included that are removed and not done yet. */
  readonly #all = new Set<Counted>();

  /** @param concurrency how many calls of one handler run at once, unless it says otherwise */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /**
   * @returns removes it; it still gets what had arrived by then
   * @throws InvalidOptionError for a bad pattern, InvalidHandlerError for bad options
   */
  addMessage(
    pattern: string | undefined,
    options: HandlerOptions | undefined,
    start: Start<Message>,
  ): () => void {
    if (pattern !== undefined) checkPattern(pattern);
    const registered = this.#registered('message', pattern, options, start);
    this.#setOf(pattern, [...this.#of(pattern), registered]);
    return () => {
      const others = this.#of(pattern).filter((other) => other !== registered);
      this.#setOf(pattern, others);
      void this.#retire(registered);
    };
  }

  /**
   * @returns removes it; it still answers what had arrived by then
   * @throws InvalidOptionError for a bad pattern, InvalidHandlerError for bad options, or when the pattern has one already
   */
  addRequest(pattern: string, options: HandlerOptions | undefined, start: Start<Request>): () => void {
    checkPattern(pattern);
    const other = this.requests.get(pattern);
    if (other !== undefined) {
      throw new InvalidHandlerError(
        `The request pattern "${pattern}" has a handler already (${other.name}); exactly one answers a request`,
      );
    }
    const registered = this.#registered('request', pattern, options, start);
    this.requests.set(pattern, registered);
    return () => {
      if (this.requests.get(pattern) === registered) this.requests.delete(pattern);
      void this.#retire(registered);
    };
  }

  /** Resolves when each of the handlers has been without a call. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.#all].map((handler) => handler.whenIdle()));
  }

  /** Calls that run and calls that wait, of all of them. */
  get load(): { readonly running: number; readonly waiting: number } {
    let running = 0;
    let waiting = 0;
    for (const handler of this.#all) {
      running += handler.running;
      waiting += handler.waiting;
    }
    return { running, waiting };
  }

  get stats(): readonly HandlerStats[] {
    return [...this.#all].map(({ name, kind, pattern, running, waiting, calls, errors }) => {
      return { name, kind, pattern, running, waiting, calls, errors };
    });
  }

  #registered<T extends Call>(
    kind: 'message' | 'request',
    pattern: string | undefined,
    options: HandlerOptions = {},
    start: Start<T>,
  ): RegisteredHandler<T> {
    const name = options.name ?? `the handler of "${clip(pattern ?? 'raw messages')}"`;
    checkHandlerOptions(name, options);
    const { concurrency = this.#concurrency, order } = options;
    const begin = (call: T): unknown => start(call, registered);
    const queue =
      order === undefined
        ? new HandlerQueue(concurrency, begin)
        : new SenderQueue<T>(concurrency, ({ incoming }) => incoming.from, begin);
    const registered = new RegisteredHandler(kind, name, pattern, queue);
    this.#all.add(registered);
    return registered;
  }

  #of(pattern: string | undefined): MessageHandlers<Message> {
    return pattern === undefined ? this.raw : (this.events.get(pattern) ?? NONE);
  }

  #setOf(pattern: string | undefined, handlers: MessageHandlers<Message>): void {
    if (pattern === undefined) this.raw = handlers;
    else if (handlers.length === 0) this.events.delete(pattern);
    else this.events.set(pattern, handlers);
  }

  /** A handler was removed: it counts until the calls that it has are done, and those of a delivery under way. */
  async #retire(handler: Counted): Promise<void> {
    do await handler.whenIdle();
    while (handler.running > 0);
    this.#all.delete(handler);
  }
}
