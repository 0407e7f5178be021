import { ProtocolViolationError } from '../../errors.js';
import {
  bodyLength,
  decodeFrame,
  FRAME_HEAD_BYTES,
  frameType,
  HANDSHAKE_FRAME_LIMIT,
  VIEW_FROM_BYTES,
} from './codec.js';
import { Slab } from './copies.js';
import type { Frame } from './frame.js';

/** Of all links: it holds what small payloads lie in. */
const slab = new Slab();

/** Makes room for a frame that comes in pieces; the bytes need not be zero. */
export type Allocate = (bytes: number) => Uint8Array;

/** Buffers for parts of larger payloads, which are copied on at once: new ones cost more than all that is done to them. */
const spare: Uint8Array[] = [];
const MAX_SPARE = 4;
/** Smaller ones are not worth it. */
const SPARE_FROM_BYTES = 32 * 1024;

/**
 * Cuts a stream of bytes, as it comes, into frames. A frame that lies whole in one piece is decoded in place; one
 * that spans pieces is put together in a buffer of its own, once its length has been found within the limit.
 */
export class FrameSplitter {
  /** The longest body that is taken now. May be changed from within `onFrame`, for the very next frame. */
  limitBytes = HANDSHAKE_FRAME_LIMIT;

  private readonly head = new Uint8Array(FRAME_HEAD_BYTES);
  private headFilled = 0;
  private body: Uint8Array | undefined;
  private bodyFilled = 0;
  private anyFrame = false;
  private stopped = false;

  /** @param onFrame the chunk of a part of a payload is valid only until it returns: its buffer is used again */
  constructor(
    private readonly onFrame: (frame: Frame) => void,
    private readonly allocate: Allocate = (bytes) => new Uint8Array(bytes),
  ) {}

  /** Whether the bytes so far end within a frame. */
  get midFrame(): boolean {
    return this.headFilled > 0;
  }

  /** Nothing is given to `onFrame` from now on; may be called from within it. */
  stop(): void {
    this.stopped = true;
    this.body = undefined;
  }

  /**
   * Takes the next piece.
   *
   * @throws ProtocolViolationError: the stream cannot be read on; `stop` is implied
   */
  push(piece: Uint8Array): void {
    try {
      // One plain view keeps the decoder's accesses monomorphic, whatever kind of buffer a socket gives.
      this.split(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  private split(piece: Uint8Array): void {
    let at = this.headFilled > 0 ? this.resume(piece) : 0;
    let copied = piece;
    let copiedTo = 0;
    let shift = 0;
    while (at < piece.length && !this.stopped) {
      const type = frameType(piece[at]!, !this.anyFrame);
      if (piece.length - at < FRAME_HEAD_BYTES) {
        this.begin(piece, at);
        return;
      }
      const start = at + FRAME_HEAD_BYTES;
      const end = start + this.checkedLength(piece, at);
      if (end > piece.length) {
        this.begin(piece, at);
        return;
      }
      if (type !== 'data' || end - start >= VIEW_FROM_BYTES) {
        at = end;
        this.give(decodeFrame(type, piece, start, end, false));
        continue;
      }
      if (end > copiedTo) {
        slab.add(piece, at, end);
        copied = slab.buffer;
        copiedTo = at + slab.length;
        shift = slab.offset - at;
      }
      at = end;
      this.give(decodeFrame(type, copied, start + shift, end + shift, true));
    }
  }

  /** Keeps the first part of a frame, which ends with the piece. */
  private begin(piece: Uint8Array, at: number): void {
    this.headFilled = 0;
    this.resume(piece.subarray(at));
  }

  /** Goes on with the frame that is incomplete; returns where the next one begins. */
  private resume(piece: Uint8Array): number {
    let at = 0;
    while (this.headFilled < FRAME_HEAD_BYTES) {
      if (at === piece.length) return at;
      this.head[this.headFilled++] = piece[at++]!;
    }
    if (this.body === undefined) {
      this.body = this.room(this.checkedLength(this.head, 0));
      this.bodyFilled = 0;
    }
    const body = this.body;
    const taken = Math.min(body.length - this.bodyFilled, piece.length - at);
    body.set(piece.subarray(at, at + taken), this.bodyFilled);
    this.bodyFilled += taken;
    at += taken;
    if (this.bodyFilled < body.length) return at;
    this.body = undefined;
    this.headFilled = 0;
    const frame = decodeFrame(frameType(this.head[0]!, !this.anyFrame), body, 0, body.length, true);
    const isPart = frame.type === 'data' && !(frame.first && frame.last);
    this.give(frame);
    if (isPart && body.length >= SPARE_FROM_BYTES && spare.length < MAX_SPARE)
      spare.push(new Uint8Array(body.buffer));
    return at;
  }

  private room(bytes: number): Uint8Array {
    if (bytes < SPARE_FROM_BYTES) return this.allocate(bytes);
    const free = spare.pop();
    return free !== undefined && free.length >= bytes ? free.subarray(0, bytes) : this.allocate(bytes);
  }

  private give(frame: Frame): void {
    this.anyFrame = true;
    if (!this.stopped) this.onFrame(frame);
  }

  private checkedLength(source: Uint8Array, at: number): number {
    const length = bodyLength(source, at);
    if (length === 0) throw new ProtocolViolationError('frame-empty', 'A frame has no body');
    if (length <= this.limitBytes) return length;
    throw new ProtocolViolationError(
      'frame-too-long',
      `A frame has ${length} bytes, the limit is ${this.limitBytes}`,
    );
  }
}
