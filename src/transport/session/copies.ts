/** Up to here a loop copies faster than a call, and V8 keeps an array on its own heap. */
const SMALL_BYTES = 64;

/**
 * Larger copies share buffers of this size, since one of its own costs ten times as much as the copy. Who keeps one
 * keeps no more than this alive.
 */
const SLAB_BYTES = 8 * 1024;

let slab = new Uint8Array(0);
let filled = 0;

/** Copies bytes into a buffer that has room for them; fast for few of them. */
export function copy(source: Uint8Array, target: Uint8Array, at: number): void {
  if (source.length > SMALL_BYTES) target.set(source, at);
  else for (let i = 0; i < source.length; i++) target[at + i] = source[i]!;
}

/** The bytes from `start` to before `end`, as they are now. At most a slab's worth. */
export function copyOf(source: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length <= SMALL_BYTES) {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = source[start + i]!;
    return bytes;
  }
  if (filled + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    filled = 0;
  }
  const bytes = slab.subarray(filled, filled + length);
  bytes.set(source.subarray(start, end));
  filled += length;
  return bytes;
}
