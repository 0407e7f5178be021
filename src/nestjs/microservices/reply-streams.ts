import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import { ReplyError } from '../../errors.js';
import type { MembershipEvent } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { Observable } from 'rxjs';
import { ReplyStream, type Batch, type ReplyStreamLimits } from './reply-stream.js';

/** What bounds the streams of a server. */
export interface ReplyStreamsLimits extends ReplyStreamLimits {
  readonly open: number;
  readonly idleMs: number;
}

interface Open {
  readonly stream: ReplyStream;
  readonly to: NodeId;
  askedAtMs: number;
}

/** The answers of several values that a server has under way. */
export class ReplyStreams {
  readonly #open = new Map<string, Open>();
  #nextId = 1;

  constructor(private readonly limits: ReplyStreamsLimits) {}

  get size(): number {
    return this.#open.size;
  }

  /**
   * Subscribes to a handler's Observable and gives the first values of it, once there are any.
   *
   * @returns `id` where to ask for more; undefined when the batch is the last
   * @throws ReplyError when too many are open · what the source fails with
   */
  async begin(
    source: Observable<unknown>,
    message: ClusterMessage,
  ): Promise<Batch & { readonly id: string | undefined }> {
    const { sender, receivedAtMs } = message;
    this.#sweep(receivedAtMs);
    if (this.#open.size >= this.limits.open) {
      throw new ReplyError(
        'TOO_MANY_STREAMS',
        `${this.limits.open} streams of replies are open here (streams.open): try again, or ask another member`,
      );
    }
    const id = String(this.#nextId++);
    const stream = new ReplyStream(source, this.limits);
    this.#open.set(id, { stream, to: sender.id, askedAtMs: receivedAtMs });
    return this.#take(id, stream, 0);
  }

  /** Answers a caller that wants more. @throws ReplyError when there is no such stream · what the source failed with */
  async next(message: ClusterMessage): Promise<Batch & { readonly id: string | undefined }> {
    const [id, received] = Array.isArray(message.data) ? (message.data as unknown[]) : [];
    const open = this.#of(id, message.sender.id);
    if (open === undefined || !Number.isSafeInteger(received)) {
      throw new ReplyError(
        'NO_STREAM',
        'There is no such stream of replies here (any more): it was given up, or not read for too long',
      );
    }
    open.askedAtMs = message.receivedAtMs;
    this.#sweep(message.receivedAtMs);
    return this.#take(id as string, open.stream, received as number);
  }

  /** A caller wants no more. */
  cancel(message: ClusterMessage): void {
    const [id] = Array.isArray(message.data) ? (message.data as unknown[]) : [];
    if (this.#of(id, message.sender.id) !== undefined) this.#close(id as string, gone());
  }

  /** Gives up what nobody will read. */
  changed({ type, member }: MembershipEvent): void {
    if (type !== 'left' && type !== 'unreachable') return;
    for (const [id, { to }] of this.#open) if (to === member.id) this.#close(id, gone());
  }

  closeAll(code: string, why: string): void {
    for (const id of this.#open.keys()) this.#close(id, new ReplyError(code, why));
  }

  #of(id: unknown, sender: NodeId): Open | undefined {
    const open = typeof id === 'string' ? this.#open.get(id) : undefined;
    return open?.to === sender ? open : undefined;
  }

  async #take(
    id: string,
    stream: ReplyStream,
    received: number,
  ): Promise<Batch & { readonly id: string | undefined }> {
    try {
      const batch = await stream.next(received);
      if (batch.isLast) this.#open.delete(id);
      return { ...batch, id: batch.isLast ? undefined : id };
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  /** By the messages' time: nobody who still reads is ever this late. */
  #sweep(nowMs: number): void {
    for (const [id, { askedAtMs }] of this.#open)
      if (nowMs - askedAtMs > this.limits.idleMs) this.#close(id, gone());
  }

  #close(id: string, error: ReplyError): void {
    this.#open.get(id)?.stream.close(error);
    this.#open.delete(id);
  }
}

function gone(): ReplyError {
  return new ReplyError('NO_STREAM', 'The stream of replies was given up');
}
