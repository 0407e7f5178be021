import { AsyncLocalStorage } from 'node:async_hooks';
import { ClusterNode } from '../../cluster/node.js';
import type { EventListener, EventListenerOptions } from '../../cluster/event-hub.js';
import { isPromiseLike } from '../../cluster/messaging/handler-queue.js';
import type { Pattern } from '../../cluster/messaging/contracts.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from '../../cluster/messaging/handlers.js';
import type { ClusterOptions } from '../../cluster/options.js';
import { HandlerError, ReplyError } from '../../errors.js';

/** A handler that was started and has not settled. @publicApi */
export interface RunningHandler {
  /** Which node's. */
  readonly node: string;
  /** `Class.method`. */
  readonly handler: string;
}

/** Counts a node's calls that are under way, the handler's own among them. */
class Run implements RunningHandler {
  #calls = 0;

  constructor(
    readonly node: string,
    readonly handler: string,
  ) {}

  get calls(): number {
    return this.#calls;
  }

  count(change: 1 | -1): void {
    this.#calls += change;
  }
}

/** Which handler the code that runs now belongs to, through all its promises. */
const current = new AsyncLocalStorage<Run>();

/** What a process does at this moment, as far as time has to wait for it. */
export class Activity {
  readonly #running = new Set<Run>();
  #calls = 0;
  #isOver = false;

  constructor(
    private readonly node: string,
    private readonly failed: (error: HandlerError) => void,
  ) {}

  /** Handlers that were started and have not settled, the oldest first. */
  get running(): readonly RunningHandler[] {
    return [...this.#running];
  }

  /** Whether a call of the node is under way, which virtual time brings to an end. */
  get calls(): boolean {
    return this.#calls > 0;
  }

  /** Whether handlers wait for an answer, an acknowledgement and the like, or for another handler that does. */
  get handlersCall(): boolean {
    return [...this.#running].some(({ calls }) => calls > 0);
  }

  /** The process has died: its handlers run no more, and nothing that it waited for comes. */
  end(): void {
    this.#isOver = true;
    this.#running.clear();
    this.#calls = 0;
  }

  /** Counts a call of the node until it settles. */
  async call<T>(called: Promise<T>): Promise<T> {
    const run = current.getStore();
    this.#count(run, 1);
    try {
      return await called;
    } finally {
      this.#count(run, -1);
    }
  }

  /** Runs a handler and keeps it in mind until it settles. In a dead process it does not run. */
  run(handler: string, start: () => unknown): unknown {
    if (this.#isOver) return undefined;
    const run = new Run(this.node, handler);
    let result: unknown;
    try {
      result = current.run(run, start);
    } catch (error) {
      throw this.#told(handler, error);
    }
    if (!isPromiseLike(result)) return result;
    this.#running.add(run);
    return result.then(
      (value) => {
        this.#running.delete(run);
        return value;
      },
      (error: unknown) => {
        this.#running.delete(run);
        throw this.#told(handler, error);
      },
    );
  }

  #count(run: Run | undefined, change: 1 | -1): void {
    run?.count(change);
    if (!this.#isOver) this.#calls += change;
  }

  /** A `ReplyError` is an answer, and no failure. */
  #told(handler: string, error: unknown): unknown {
    if (!(error instanceof ReplyError) && !this.#isOver) this.failed(new HandlerError(handler, error));
    return error;
  }
}

/**
 * What a node does for its application and what may take virtual time. `drain` is none of it: it waits for handlers,
 * which are waited for by themselves.
 */
const calls = [
  'bind',
  'join',
  'whenReady',
  'leave',
  'close',
  'send',
  'broadcast',
  'emit',
  'emitAll',
  'request',
  'requestAny',
  'requestAll',
] as const satisfies readonly (keyof ClusterNode)[];

/** A whole node that tells an {@link Activity} what it runs and waits for. */
export class ObservedNode extends ClusterNode {
  readonly #activity: Activity;

  constructor(options: ClusterOptions, activity: Activity) {
    super(options);
    this.#activity = activity;
    for (const method of calls) {
      const original = this[method].bind(this) as (...given: unknown[]) => Promise<unknown>;
      Object.defineProperty(this, method, {
        value: (...given: unknown[]) => activity.call(original(...given)),
      });
    }
  }

  override onMessage<P extends Pattern | undefined>(
    pattern: P,
    handler: MessageHandler<P>,
    options?: HandlerOptions,
  ): () => void {
    const name = options?.name ?? `the handler of "${pattern ?? 'raw messages'}"`;
    return super.onMessage(pattern, (...given) => this.#activity.run(name, () => handler(...given)), options);
  }

  override onRequest<P extends Pattern>(
    pattern: P,
    handler: RequestHandler<P>,
    options?: HandlerOptions,
  ): () => void {
    const name = options?.name ?? `the handler of "${pattern}"`;
    const observed = (...given: Parameters<RequestHandler<P>>): unknown =>
      this.#activity.run(name, () => handler(...given));
    return super.onRequest(pattern, observed as RequestHandler<P>, options);
  }

  override onEvent(listener: EventListener, options?: EventListenerOptions): () => void {
    const name = options?.name ?? 'a membership event listener';
    return super.onEvent((event) => this.#activity.run(name, () => listener(event)), options);
  }
}
