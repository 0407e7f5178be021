import type { ClusterError } from '../../errors.js';
import type { DataFrame } from './frame.js';
import type { OutgoingSession } from './outgoing-session.js';

const NOTHING = new Uint8Array(0);

/** How far a message has come. */
export const enum Progress {
  /** Waits in its stream's queue; no frame of it exists. */
  Queued,
  /** Some frames were given to a link, the last one was not: it cannot have been delivered. */
  Started,
  /** Its last frame was given to a link: it may have been delivered. */
  Written,
  /** Its promise is settled. What still travels of it does so only to keep the sequence whole. */
  Settled,
}

/** A data frame that this node made. */
export interface OutgoingFrame extends DataFrame {
  readonly message: OutgoingMessage;
  chunk: Uint8Array;
}

/**
 * A message on its way. A small one is its own, only data frame, so that it costs one object; the shell adds its
 * promise in a subclass.
 */
export abstract class OutgoingMessage implements OutgoingFrame {
  readonly type = 'data';
  seq = 0;
  readonly first = true;
  readonly last = true;
  readonly totalBytes: number;
  chunk: Uint8Array;

  progress: Progress = Progress.Queued;
  /** Payload bytes that are in frames. */
  framedBytes = 0;
  /** The session that has taken it over. */
  session: OutgoingSession | undefined;

  constructor(
    payload: Uint8Array,
    readonly stream: number,
    readonly kind: number,
    readonly meta: Uint8Array,
    readonly correlation: number,
    readonly free: boolean,
  ) {
    this.chunk = payload;
    this.totalBytes = payload.length;
  }

  get message(): this {
    return this;
  }

  /** What it costs in credit, permits and queues. */
  get cost(): number {
    return this.totalBytes + this.meta.length;
  }

  /** Whether it goes into one frame of the session that has taken it over. */
  get small(): boolean {
    return this.totalBytes <= this.#chunkBytes;
  }

  /** Called once. No error: the remote side has it in its inbox. */
  abstract settled(error: ClusterError | undefined): void;

  settle(error: ClusterError | undefined): void {
    if (this.progress === Progress.Settled) return;
    this.progress = Progress.Settled;
    this.settled(error);
  }

  /** The frame that comes next; the caller gives it its sequence number. */
  nextFrame(seq: number): OutgoingFrame {
    if (this.small) {
      this.seq = seq;
      this.framedBytes = this.totalBytes;
      this.progress = Progress.Written;
      return this;
    }
    // A settled message that has begun ends with an empty last chunk: it stays short of its total, which tells the
    // receiver to throw it away.
    const abandoned = this.progress === Progress.Settled;
    const start = this.framedBytes;
    const end = abandoned ? start : Math.min(this.totalBytes, start + this.#chunkBytes);
    const last = abandoned || end === this.totalBytes;
    this.framedBytes = end;
    if (!abandoned) this.progress = last ? Progress.Written : Progress.Started;
    return new Chunk(this, seq, start === 0, last, this.chunk.subarray(start, end));
  }

  /** Starts again from its first byte, for a receiver that has forgotten the rest. */
  rewind(): void {
    this.framedBytes = 0;
    this.progress = Progress.Queued;
  }

  get #chunkBytes(): number {
    return this.session!.limits.chunkBytes;
  }

  /** Lets go of the caller's buffer, which it may change once the promise is settled. */
  dropPayload(): void {
    this.chunk = NOTHING;
  }
}

/** A piece of a message that does not fit into one frame. */
class Chunk implements OutgoingFrame {
  readonly type = 'data';
  readonly stream: number;
  readonly free: boolean;
  readonly kind: number;
  readonly meta: Uint8Array;
  readonly correlation: number;
  readonly totalBytes: number;

  constructor(
    readonly message: OutgoingMessage,
    readonly seq: number,
    readonly first: boolean,
    readonly last: boolean,
    public chunk: Uint8Array,
  ) {
    this.stream = message.stream;
    this.free = message.free;
    this.kind = message.kind;
    this.meta = first ? message.meta : NOTHING;
    this.correlation = first ? message.correlation : 0;
    this.totalBytes = first ? message.totalBytes : 0;
  }
}
