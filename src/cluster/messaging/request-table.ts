import type { Clock, Timer } from '../../clock.js';
import { ClosedError, RequestTimeoutError, SendQueueFullError, type ClusterError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';

/** A request that waits for its answer. */
export interface PendingRequest {
  readonly id: number;
  readonly to: NodeId;
  readonly pattern: string;
  resolve(reply: unknown): void;
  reject(error: ClusterError): void;
}

interface Entry extends PendingRequest {
  readonly deadlineMs: number;
  readonly timeoutMs: number;
}

/** Answers are late by at most this; one timer then serves all requests. */
const SWEEP_MS = 20;

/**
 * Requests in flight. Each settles once: by its answer, its deadline, its recipient's death, its caller's signal,
 * or the node's end.
 */
export class RequestTable {
  /** Per timeout, in the order of their deadlines, so that a sweep looks at the oldest only. */
  readonly #byTimeout = new Map<number, Map<number, Entry>>();
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
    const entry: Entry = {
      id: this.#takeId(),
      to,
      pattern,
      timeoutMs,
      deadlineMs: this.clock.now() + timeoutMs,
      resolve,
      reject,
    };
    this.#byId.set(entry.id, entry);
    let queue = this.#byTimeout.get(timeoutMs);
    if (queue === undefined) this.#byTimeout.set(timeoutMs, (queue = new Map()));
    queue.set(entry.id, entry);
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
    entry.reject(error);
  }

  /** Rejects everything that waits for a node that is gone. */
  failAllTo(to: NodeId, error: () => ClusterError): void {
    for (const entry of this.#byId.values()) {
      if (entry.to !== to) continue;
      this.#remove(entry);
      entry.reject(error());
    }
  }

  /** Rejects everything. */
  close(): void {
    for (const entry of this.#byId.values()) entry.reject(new ClosedError());
    this.#byId.clear();
    this.#byTimeout.clear();
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
    this.#byId.delete(entry.id);
    const queue = this.#byTimeout.get(entry.timeoutMs);
    queue?.delete(entry.id);
    if (queue?.size === 0) this.#byTimeout.delete(entry.timeoutMs);
  }

  #expire(): void {
    this.#sweep = undefined;
    const now = this.clock.now();
    for (const queue of this.#byTimeout.values()) {
      for (const entry of queue.values()) {
        if (entry.deadlineMs > now) break;
        this.#remove(entry);
        entry.reject(new RequestTimeoutError(entry.pattern, entry.timeoutMs));
      }
    }
    if (this.#byId.size > 0) this.#sweep = this.clock.setTimer(SWEEP_MS, () => this.#expire());
  }
}
