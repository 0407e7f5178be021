import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import { ReplyError } from '../../errors.js';
import type { MembershipEvent } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { Observable } from 'rxjs';
import { CALL } from './reply-stream-protocol.js';
import { ReplyStream, type Batch, type ReplyStreamLimits } from './reply-stream.js';

/** What bounds the streams of a server. */
export interface ReplyStreamsLimits extends ReplyStreamLimits {
  readonly open: number;
  readonly idleMs: number;
}

interface Open {
  /** Undefined while the handler makes it. */
  stream: ReplyStream | undefined;
  readonly to: NodeId;
  /** The caller's name for it. */
  readonly call: string | undefined;
  askedAtMs: number;
  /** Has given values, and has more. Until then it is a request like any other. */
  isStream: boolean;
}

/** The answers of several values that a server has under way. */
export class ReplyStreams {
  readonly #open = new Map<string, Open>();
  #nextId = 1;
  /** How many of those have given values. */
  #streams = 0;
  #refusal: ReplyError | undefined;

  constructor(private readonly limits: ReplyStreamsLimits) {}

  get size(): number {
    return this.#open.size;
  }

  /**
   * Runs a handler, subscribes to its Observable and gives the first values of it, once there are any.
   *
   * @returns `id` where to ask for more; undefined when the batch is the last
   * @throws ReplyError when too many are open, or the caller has given it up · what the handler or its source fails with
   */
  async begin(
    handler: () => Promise<Observable<unknown>>,
    message: ClusterMessage,
  ): Promise<Batch & { readonly id: string | undefined }> {
    const { sender, receivedAtMs, headers } = message;
    this.#sweep(receivedAtMs);
    const id = String(this.#nextId++);
    const open: Open = {
      stream: undefined,
      to: sender.id,
      call: headers[CALL],
      askedAtMs: receivedAtMs,
      isStream: false,
    };
    this.#open.set(id, open);
    try {
      open.stream = new ReplyStream(await handler(), this.limits);
    } catch (error) {
      this.#forget(id);
      throw error;
    }
    // Given up meanwhile: its source is left at once.
    if (!this.#open.has(id)) open.stream.close(gone());
    const batch = await this.#take(id, open.stream, 0);
    if (batch.id !== undefined) this.#keep(id, open);
    return batch;
  }

  /** Answers a caller that wants more. @throws ReplyError when there is no such stream · what the source failed with */
  async next(message: ClusterMessage): Promise<Batch & { readonly id: string | undefined }> {
    const [id, received] = Array.isArray(message.data) ? (message.data as unknown[]) : [];
    const open = this.#of(id, message.sender.id);
    if (open?.stream === undefined || !Number.isSafeInteger(received)) {
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

  /** A caller wants no answer, and does not know yet where it would be. */
  cancelCall(message: ClusterMessage): void {
    const [call] = Array.isArray(message.data) ? (message.data as unknown[]) : [];
    for (const [id, open] of this.#open)
      if (open.call !== undefined && open.call === call && open.to === message.sender.id)
        this.#close(id, gone());
  }

  /** Gives up what nobody will read. */
  changed({ type, member }: MembershipEvent): void {
    if (type !== 'left' && type !== 'unreachable') return;
    for (const [id, { to }] of this.#open) if (to === member.id) this.#close(id, gone());
  }

  /** Ends all streams, and whatever becomes one from now on; requests that have not answered yet go on. */
  refuse(code: string, why: string): void {
    this.#refusal = new ReplyError(code, why);
    for (const [id, { isStream }] of this.#open) if (isStream) this.#close(id, this.#refusal);
  }

  /** Ends everything. */
  closeAll(code: string, why: string): void {
    for (const id of this.#open.keys()) this.#close(id, new ReplyError(code, why));
  }

  /** @throws ReplyError when it cannot go on */
  #keep(id: string, open: Open): void {
    const refusal =
      this.#refusal ?? (this.#streams >= this.limits.open ? tooMany(this.limits.open) : undefined);
    if (refusal !== undefined) {
      this.#close(id, refusal);
      throw refusal;
    }
    open.isStream = true;
    this.#streams++;
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
      if (batch.isLast) this.#forget(id);
      return { ...batch, id: batch.isLast ? undefined : id };
    } catch (error) {
      this.#forget(id);
      throw error;
    }
  }

  /** By the messages' time: nobody who still reads is ever this late. */
  #sweep(nowMs: number): void {
    for (const [id, { askedAtMs, isStream }] of this.#open)
      if (isStream && nowMs - askedAtMs > this.limits.idleMs) this.#close(id, gone());
  }

  #close(id: string, error: ReplyError): void {
    this.#open.get(id)?.stream?.close(error);
    this.#forget(id);
  }

  #forget(id: string): void {
    if (this.#open.get(id)?.isStream) this.#streams--;
    this.#open.delete(id);
  }
}

function tooMany(limit: number): ReplyError {
  return new ReplyError(
    'TOO_MANY_STREAMS',
    `${limit} streams of replies are open here (streams.open): try again, or ask another member`,
  );
}

function gone(): ReplyError {
  return new ReplyError('NO_STREAM', 'The stream of replies was given up');
}
