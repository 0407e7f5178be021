/** Up to here a loop copies faster than a call. */
const LOOP_BYTES = 8;

/** Small frames share buffers of this size. Who keeps a payload keeps no more than this alive. */
const SLAB_BYTES = 8 * 1024;

/** Copies bytes into a buffer that has room for them; fast for few of them. */
export function copy(source: Uint8Array, target: Uint8Array, at: number): void {
  if (source.length > LOOP_BYTES) target.set(source, at);
  else for (let i = 0; i < source.length; i++) target[at + i] = source[i]!;
}

/**
 * Copies of what came in, which outlive it. A typed array of its own costs ten times as much as the bytes in it, so as
 * many frames as fit are copied at a time.
 */
export class Slab {
  buffer = new Uint8Array(0);
  /** Where in `buffer` the latest copy begins, and how long it is. */
  offset = 0;
  length = 0;
  #filled = 0;

  /** Copies from `start` on, up to `end` (at most a slab) and as much behind it as fits. */
  add(source: Uint8Array, start: number, end: number): void {
    if (this.#filled + end - start > this.buffer.length) {
      this.buffer = new Uint8Array(SLAB_BYTES);
      this.#filled = 0;
    }
    this.offset = this.#filled;
    this.length = Math.min(source.length - start, this.buffer.length - this.#filled);
    this.buffer.set(source.subarray(start, start + this.length), this.offset);
    this.#filled += this.length;
  }
}
