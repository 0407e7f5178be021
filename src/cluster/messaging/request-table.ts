import type { Clock, Timer } from '../../clock.js';
import { ClosedError, RequestTimeoutError, SendQueueFullError, type ClusterError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Posted } from '../../transport/transport.js';
import { Fifo } from '../../transport/session/fifo.js';
import type { Headers } from './envelope.js';

/** A request that waits for its answer. */
export interface PendingRequest {
  readonly id: number;
  readonly to: NodeId;
  readonly pattern: string;
  /** The message that carries it; given up when the request fails, so that its bytes are the caller's again. */
  posted: Posted | undefined;
  /** Told the answer's headers before it settles; must not throw. */
  onReplyHeaders: ((headers: Headers) => void) | undefined;
  resolve(reply: unknown): void;
  reject(error: ClusterError): void;
}

class Entry implements PendingRequest {
  isSettled = false;
  posted: Posted | undefined;
  onReplyHeaders: ((headers: Headers) => void) | undefined;

  constructor(
    readonly id: number,
    readonly to: NodeId,
    readonly pattern: string,
    readonly deadlineMs: number,
    readonly queue: Queue,
    readonly resolve: (reply: unknown) => void,
    readonly reject: (error: ClusterError) => void,
  ) {}
}

/** Requests with one timeout, in the order of their deadlines: a sweep looks at the oldest only. */
class Queue {
  readonly #entries = new Fifo<Entry>();
  /** Settled ones that still stand in it. */
  #settled = 0;

  constructor(readonly timeoutMs: number) {}

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** The oldest that waits. */
  head(): Entry | undefined {
    for (let head = this.#entries.peek(); head !== undefined; head = this.#entries.peek()) {
      if (!head.isSettled) return head;
      this.#entries.shift();
      this.#settled--;
    }
    return undefined;
  }

  /** An entry was settled. Mostly it is the oldest; behind one that is not, settled ones are cleared away by halves. */
  settled(): void {
    this.#settled++;
    this.head();
    if (this.#settled * 2 <= this.#entries.length) return;
    this.#entries.retain((entry) => !entry.isSettled);
    this.#settled = 0;
  }
}

/** Answers are late by at most this; one timer then serves all requests. */
const SWEEP_MS = 20;

/**
 * Requests in flight. Each settles once: by its answer, its deadline, its recipient's death, its caller's signal,
 * or the node's end.
 */
export class RequestTable {
  readonly #queues = new Map<number, Queue>();
  readonly #byId = new Map<number, Entry>();
  #nextId = 1;
  #sweep: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly limit: number,
  ) {}

  get size(): number {
    return this.#byId.size;
  }

  /** @throws SendQueueFullError when `limits.requestsInFlight` wait already */
  add(
    to: NodeId,
    pattern: string,
    timeoutMs: number,
    resolve: (reply: unknown) => void,
    reject: (error: ClusterError) => void,
  ): PendingRequest {
    if (this.#byId.size >= this.limit) {
      throw new SendQueueFullError(
        `${this.limit} requests wait for an answer (limits.requestsInFlight): await some first`,
      );
    }
    let queue = this.#queues.get(timeoutMs);
    if (queue === undefined) this.#queues.set(timeoutMs, (queue = new Queue(timeoutMs)));
    const deadlineMs = this.clock.now() + timeoutMs;
    const entry = new Entry(this.#takeId(), to, pattern, deadlineMs, queue, resolve, reject);
    this.#byId.set(entry.id, entry);
    queue.push(entry);
    this.#sweep ??= this.clock.setTimer(SWEEP_MS, () => this.#expire());
    return entry;
  }

  /** Whether a request to this node waits under this id. */
  has(id: number, from: NodeId): boolean {
    return this.#byId.get(id)?.to === from;
  }

  /** Removes and gives the request that an answer from this node belongs to; undefined when it is too late. */
  take(id: number, from: NodeId): PendingRequest | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.to !== from) return undefined;
    this.#remove(entry);
    return entry;
  }

  /** Rejects one request, unless it has settled. */
  fail(id: number, error: ClusterError): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#remove(entry);
    reject(entry, error);
  }

  /** Rejects everything that waits for a node that is gone. */
  failAllTo(to: NodeId, error: () => ClusterError): void {
    for (const entry of this.#byId.values()) {
      if (entry.to !== to) continue;
      this.#remove(entry);
      reject(entry, error());
    }
  }

  /** Rejects everything. */
  close(): void {
    for (const entry of this.#byId.values()) reject(entry, new ClosedError());
    this.#byId.clear();
    this.#queues.clear();
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  #takeId(): number {
    do {
      this.#nextId = this.#nextId >= 0xffff_ffff ? 1 : this.#nextId + 1;
    } while (this.#byId.has(this.#nextId));
    return this.#nextId;
  }

  #remove(entry: Entry): void {
    const { id, queue } = entry;
    this.#byId.delete(id);
    entry.isSettled = true;
    queue.settled();
    if (queue.isEmpty) this.#queues.delete(queue.timeoutMs);
  }

  #expire(): void {
    this.#sweep = undefined;
    const now = this.clock.now();
    for (const queue of this.#queues.values()) {
      for (let head = queue.head(); head !== undefined && head.deadlineMs <= now; head = queue.head()) {
        this.#remove(head);
        reject(head, new RequestTimeoutError(head.pattern, queue.timeoutMs));
      }
    }
    if (this.#byId.size > 0) this.#sweep = this.clock.setTimer(SWEEP_MS, () => this.#expire());
  }
}

/** Its message goes no further than it has come. */
function reject(entry: Entry, error: ClusterError): void {
  entry.reject(error);
  entry.posted?.abort(error);
}
