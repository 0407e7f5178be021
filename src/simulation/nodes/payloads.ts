import type { Random } from '../random.js';

const KIB = 1024;
const MAX_BYTES = 4 * 1024 * 1024;
const PERIOD = 251;

let pattern: Uint8Array | undefined;

/** A message's payload: a piece of one pattern, at a place that its number gives, so that no bytes need to be made. */
export function piece(number: number, bytes: number): Uint8Array {
  pattern ??= repeated(MAX_BYTES + PERIOD);
  const start = number % PERIOD;
  return pattern.subarray(start, start + bytes);
}

function repeated(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < PERIOD; at++) all[at] = at;
  for (let done = PERIOD; done < bytes; done *= 2) all.copyWithin(done, 0, Math.min(done, bytes - done));
  return all;
}

/** Whether bytes are that piece: all of a small one, samples of a large one. */
export function isPiece(bytes: Uint8Array, number: number, length: number): boolean {
  if (bytes.length !== length) return false;
  const step = Math.max(1, Math.floor(length / 64));
  for (let at = 0; at < length; at += step) if (bytes[at] !== (number + at) % PERIOD) return false;
  return length === 0 || bytes[length - 1] === (number + length - 1) % PERIOD;
}

/** Draws a size: small ones mostly, none, a few over a chunk, and up to 3 MiB for the given share. */
export function payloadBytes(random: Random, largeShare: number): number {
  if (random.chance(largeShare)) return random.int(3 * KIB * KIB);
  const dice = random.next();
  if (dice < 0.05) return 0;
  if (dice < 0.92) return random.int(400);
  return random.int(dice < 0.99 ? 32 * KIB : 300 * KIB);
}
