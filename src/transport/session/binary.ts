import { ProtocolViolationError } from '../../errors.js';

/** Big-endian integers and text in byte arrays: the alphabet of the codecs. */

/** One above the largest 48-bit number: sequences, epochs and totals travel in 6 bytes. */
export const U48_LIMIT = 2 ** 48;

const U32 = 2 ** 32;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function writeU16(value: number, target: Uint8Array, at: number): number {
  target[at] = value >>> 8;
  target[at + 1] = value;
  return at + 2;
}

export function writeU32(value: number, target: Uint8Array, at: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}

export function writeU48(value: number, target: Uint8Array, at: number): number {
  return writeU32(value, target, writeU16(value / U32, target, at));
}

export function readU16(source: Uint8Array, at: number): number {
  return (source[at]! << 8) | source[at + 1]!;
}

export function readU32(source: Uint8Array, at: number): number {
  return ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0;
}

export function readU48(source: Uint8Array, at: number): number {
  return readU16(source, at) * U32 + readU32(source, at + 2);
}

/** Whether these bytes stand at `start`–`end` of the source. */
export function isAt(bytes: Uint8Array, source: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== source[start + i]) return false;
  return true;
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws ProtocolViolationError when the bytes are not UTF-8 */
export function readUtf8(source: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(source.subarray(start, end));
  } catch {
    throw new ProtocolViolationError('malformed', 'A text in a frame is not UTF-8');
  }
}
