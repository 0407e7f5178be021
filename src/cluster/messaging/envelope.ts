import { InvalidOptionError, ProtocolViolationError } from '../../errors.js';
import { isAt, readU16 } from '../../transport/session/binary.js';

/**
 * What travels beside a payload: what it is, its pattern and its headers.
 *
 * The transport carries one byte (`kind`), a number (`correlation`: the request's id, with it and with its answer) and
 * a few bytes of `meta` without reading them; this file is the layout of those. Numbers are big-endian.
 *
 * ```
 * raw, reply, failure: headers
 * event, request:      u16 length, pattern, headers
 * headers:             nothing at all, or u8 count, then per header u16 length, name, u16 length, value
 * ```
 */
export const Kind = {
  raw: 0,
  event: 1,
  request: 2,
  reply: 3,
  failure: 4,
  /** Set beside one of the above when the payload is the user's bytes, which skip the serializer. */
  bytes: 0x80,
} as const;

/** Headers of a message: names and values are text. */
export type Headers = Readonly<Record<string, string>>;

/** What `decodeMeta` found. */
export interface Meta {
  readonly pattern: string;
  readonly headers: Headers;
}

/** Headers of one message. */
export const MAX_HEADERS = 32;
/** Names and values of the headers of one message, in UTF-8. */
export const MAX_HEADER_BYTES = 4096;
const MAX_PATTERN_BYTES = 1024;
const EVENT_STREAMS = 64;
const NO_BYTES = new Uint8Array(0);
const NO_HEADERS: Headers = Object.freeze({});
const NO_META: Meta = { pattern: '', headers: NO_HEADERS };

/** A pattern as it travels. */
export interface EncodedPattern {
  /** `u16 length, pattern`. */
  readonly bytes: Buffer;
  /** 0–63: messages of one pattern share a stream, so they keep their order. */
  readonly stream: number;
}

/** Encodes each pattern once: patterns are few, messages many. */
export class Patterns {
  static readonly #maxKept = 1024;
  readonly #kept = new Map<string, EncodedPattern>();

  /** @throws InvalidOptionError for a pattern that cannot be one */
  of(pattern: string): EncodedPattern {
    const kept = this.#kept.get(pattern);
    if (kept !== undefined) return kept;
    checkPattern(pattern);
    const text = Buffer.from(pattern, 'utf8');
    const bytes = Buffer.alloc(2 + text.length);
    bytes.writeUInt16BE(text.length, 0);
    text.copy(bytes, 2);
    const encoded = { bytes, stream: hash(text) % EVENT_STREAMS };
    if (this.#kept.size < Patterns.#maxKept) this.#kept.set(pattern, encoded);
    return encoded;
  }
}

/** Replies have streams of their own, behind those of events and requests. */
export function replyStream(requestStream: number): number {
  return EVENT_STREAMS + (requestStream % EVENT_STREAMS);
}

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** @throws InvalidOptionError that says what a pattern may be */
export function checkPattern(pattern: unknown): asserts pattern is string {
  if (typeof pattern !== 'string' || pattern === '') {
    throw new InvalidOptionError('pattern', 'must be a non-empty string');
  }
  if (Buffer.byteLength(pattern) > MAX_PATTERN_BYTES) {
    throw new InvalidOptionError('pattern', `must be at most ${MAX_PATTERN_BYTES} bytes long`);
  }
  if (pattern.includes('*') || pattern.includes('>')) {
    throw new InvalidOptionError('pattern', `must not contain * or > (reserved), but is "${pattern}"`);
  }
}

/** Of raw messages and of answers. */
export function encodeRawMeta(headers: Headers | undefined): Uint8Array {
  return headers === undefined ? NO_BYTES : encodeHeaders(headers);
}

/** Of events and requests. */
export function encodePatternMeta(pattern: Buffer, headers: Headers | undefined): Uint8Array {
  return headers === undefined ? pattern : Buffer.concat([pattern, encodeHeaders(headers)]);
}

/** @throws ProtocolViolationError when the bytes are not this kind's layout */
export function decodeMeta(kind: number, meta: Uint8Array): Meta {
  const what = kind & ~Kind.bytes;
  if (what > Kind.failure) throw violation('unknown-kind', `a message of the unknown kind ${what}`);
  if (what !== Kind.event && what !== Kind.request)
    return meta.length === 0 ? NO_META : { pattern: '', headers: decodeHeaders(meta, 0) };
  need(meta, 0, 2);
  const end = 2 + readU16(meta, 0);
  need(meta, 0, end);
  return { pattern: texts.of(meta, 2, end), headers: decodeHeaders(meta, end) };
}

/** Remembers patterns by their bytes, so that one that comes again and again is decoded once. */
class Texts {
  static readonly #slots = 64;
  static readonly #maxBytes = 256;
  readonly #kept: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] =
    new Array<undefined>(Texts.#slots).fill(undefined);

  of(source: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > Texts.#maxBytes) return utf8(source, start, end);
    const slot = (length * 31 + source[start]! * 7 + source[end - 1]!) % Texts.#slots;
    const kept = this.#kept[slot];
    if (kept !== undefined && isAt(kept.bytes, source, start, end)) return kept.text;
    const text = utf8(source, start, end);
    this.#kept[slot] = { bytes: source.slice(start, end), text };
    return text;
  }
}

const texts = new Texts();

function utf8(source: Uint8Array, start: number, end: number): string {
  return Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('utf8');
}

function encodeHeaders(headers: Headers): Uint8Array {
  const names = Object.keys(headers);
  if (names.length === 0) return NO_BYTES;
  if (names.length > MAX_HEADERS) {
    throw new InvalidOptionError(
      'headers',
      `has ${names.length} entries; at most ${MAX_HEADERS} are allowed`,
    );
  }
  const parts: Buffer[] = [Buffer.from([names.length])];
  let size = 0;
  for (const name of names) {
    const value: unknown = headers[name];
    if (typeof value !== 'string') throw new InvalidOptionError(`headers.${name}`, 'must be a string');
    for (const text of [name, value]) {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(2);
      size += bytes.length;
      if (size > MAX_HEADER_BYTES) {
        throw new InvalidOptionError('headers', `is over ${MAX_HEADER_BYTES} bytes of names and values`);
      }
      length.writeUInt16BE(bytes.length, 0);
      parts.push(length, bytes);
    }
  }
  return Buffer.concat(parts);
}

function decodeHeaders(meta: Uint8Array, start: number): Headers {
  if (start === meta.length) return NO_HEADERS;
  const count = meta[start]!;
  if (count > MAX_HEADERS)
    throw violation('too-many-headers', `${count} headers; at most ${MAX_HEADERS} are allowed`);
  const entries: [string, string][] = [];
  let at = start + 1;
  const text = (): string => {
    need(meta, at, 2);
    const end = at + 2 + readU16(meta, at);
    need(meta, at, end - at);
    const value = utf8(meta, at + 2, end);
    at = end;
    return value;
  };
  for (let i = 0; i < count; i++) entries.push([text(), text()]);
  // fromEntries defines own properties, so that a header named __proto__ is a header and nothing else.
  return Object.freeze(Object.fromEntries(entries));
}

function need(meta: Uint8Array, at: number, bytes: number): void {
  if (at + bytes > meta.length) throw violation('short-meta', 'a message whose header is cut short');
}

function violation(word: string, detail: string): ProtocolViolationError {
  return new ProtocolViolationError(word, detail);
}
