import { headBytes, tailOf, writeHead } from '../session/codec.js';
import { copy } from '../session/copies.js';
import type { Frame } from '../session/frame.js';
import { ARENA_BYTES, type Arena, type ArenaPool } from './arena-pool.js';

/** From this size on a payload is written by reference rather than copied: an extra vector costs less. */
const BY_REFERENCE_BYTES = 16 * 1024;

/** What one write takes out of a queue. */
export interface WriteBatch {
  readonly segments: readonly Buffer[];
  readonly arenas: readonly Arena[];
  readonly bytes: number;
  readonly frames: number;
  /** The kernel has all of it. */
  isTaken: boolean;
}

/** Whether two views show the same bytes of memory. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.buffer === other.buffer && one.byteOffset === other.byteOffset && one.length === other.length;
}

/** Frames of one link that wait for the next write, already as bytes. */
export class WriteQueue {
  /** Bytes and frames that wait. */
  bytes = 0;
  frames = 0;

  private segments: Buffer[] = [];
  private arenas: Arena[] = [];
  /** The last arena is being filled: from `start` on, its bytes are not in a segment yet. */
  private current: Arena | undefined;
  private start = 0;
  private end = 0;

  constructor(private readonly pool: ArenaPool) {}

  /** @throws SerializationError when a field is over its limit; the queue is as before */
  add(frame: Frame): void {
    const tail = tailOf(frame);
    const byReference = tail.length >= BY_REFERENCE_BYTES;
    const copied = headBytes(frame) + (byReference ? 0 : tail.length);
    const arena = this.arenaFor(copied);
    const headEnd = writeHead(frame, arena.bytes, this.end);
    if (byReference) {
      this.end = headEnd;
      this.closeSegment();
      this.segments.push(Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength));
    } else {
      copy(tail, arena.bytes, headEnd);
      this.end = headEnd + tail.length;
    }
    this.bytes += byReference ? copied + tail.length : copied;
    this.frames++;
  }

  /** Everything that waits; the queue is empty afterwards. */
  take(): WriteBatch {
    this.closeSegment();
    const { segments, arenas, bytes, frames } = this;
    const batch: WriteBatch = { segments, arenas, bytes, frames, isTaken: false };
    this.segments = [];
    this.arenas = [];
    this.current = undefined;
    this.bytes = 0;
    this.frames = 0;
    return batch;
  }

  /** What waits of these bytes gets bytes of its own. */
  detach(chunk: Uint8Array): void {
    this.segments.forEach((segment, i) => {
      if (isSame(segment, chunk)) this.segments[i] = Buffer.from(segment);
    });
  }

  private arenaFor(bytes: number): Arena {
    if (this.current !== undefined && this.end + bytes <= ARENA_BYTES) return this.current;
    this.closeSegment();
    this.current = this.pool.take();
    this.arenas.push(this.current);
    this.start = 0;
    this.end = 0;
    return this.current;
  }

  private closeSegment(): void {
    if (this.current === undefined || this.end === this.start) return;
    this.segments.push(this.current.buffer.subarray(this.start, this.end));
    this.start = this.end;
  }
}
