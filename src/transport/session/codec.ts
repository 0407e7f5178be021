import { ProtocolViolationError, SerializationError } from '../../errors.js';
import { isAt, readU16, readU32, readU48, writeU16, writeU32, writeU48 } from './binary.js';
import { copy } from './copies.js';
import type { DataFrame, Frame, RejectFrame } from './frame.js';
import { decodeHandshake, encodeHandshake } from './handshake-codec.js';
import { META_BYTES } from './limits.js';

/**
 * Frames as bytes: type (1 byte), length of the body (4), body. All numbers are big-endian.
 *
 * A frame is a *head* and, for data and protocol frames, a *tail*: the payload's bytes, which always come last, so
 * that a large one can be written by reference behind its head.
 */

/** Type and length. */
export const FRAME_HEAD_BYTES = 5;
/** Limit of a body before the handshake is done. */
export const HANDSHAKE_FRAME_LIMIT = 16 * 1024;

/**
 * Every type is 0x80 or above: TLS records begin with 0x14–0x17 and text protocols with ASCII, so the first byte
 * of a connection tells what the peer speaks (decisions 11).
 */
const TYPE = {
  hello: 0x80,
  welcome: 0x81,
  ready: 0x82,
  refuse: 0x83,
  goodbye: 0x84,
  protocol: 0x88,
  data: 0x90,
  ack: 0x91,
  reject: 0x92,
  credit: 0x93,
  'permit-request': 0x94,
  permit: 0x95,
} as const satisfies Record<Frame['type'], number>;

const NAMES = new Map<number, Frame['type']>(
  Object.entries(TYPE).map(([name, type]) => [type, name as Frame['type']]),
);

const FIRST = 1;
const LAST = 2;
const FREE = 4;
/** The first chunk has a correlation. */
const CORRELATED = 8;

/** Flags, stream, sequence. */
const DATA_BYTES = 1 + 1 + 6;
/** Kind and length of meta, on the first chunk. */
const FIRST_BYTES = 1 + 2;
const CORRELATION_BYTES = 4;
/** Bytes of the whole payload, on a first chunk that is not the last. */
const TOTAL_BYTES = 6;
const ACK_BYTES = 6;
/** Sequence, reason, limit. */
const REJECT_BYTES = 6 + 1 + 6;
const CREDIT_BYTES = 1 + 6 + 6;
const PERMIT_BYTES = 1 + 1 + 6;

const REJECTIONS: readonly RejectFrame['reason'][] = ['no-receiver', 'draining', 'too-large'];
const NOTHING = new Uint8Array(0);

/** A payload of this size or more is given as a view of the bytes that came; a smaller one is copied (decisions 13). */
export const VIEW_FROM_BYTES = 4 * 1024;

/** Bytes that come behind the head. */
export function tailOf(frame: Frame): Uint8Array {
  if (frame.type === 'data') return frame.chunk;
  if (frame.type !== 'protocol') return NOTHING;
  if (frame.body instanceof Uint8Array) return frame.body;
  throw new SerializationError('The body of a protocol message must be bytes on links that have wires');
}

/** Bytes of the head of a frame, type and length included. */
export function headBytes(frame: Frame): number {
  switch (frame.type) {
    case 'data':
      return FRAME_HEAD_BYTES + DATA_BYTES + (frame.first ? firstBytes(frame) : 0);
    case 'protocol':
      return FRAME_HEAD_BYTES;
    case 'ack':
      return FRAME_HEAD_BYTES + ACK_BYTES;
    case 'reject':
      return FRAME_HEAD_BYTES + REJECT_BYTES;
    case 'credit':
      return FRAME_HEAD_BYTES + CREDIT_BYTES;
    case 'permit-request':
    case 'permit':
      return FRAME_HEAD_BYTES + PERMIT_BYTES;
    default:
      return FRAME_HEAD_BYTES + encodeHandshake(frame).length;
  }
}

/** Writes the head of a frame at an offset; returns the offset behind it. `headBytes` have to be free there. */
export function writeHead(frame: Frame, target: Uint8Array, offset: number): number {
  target[offset] = TYPE[frame.type];
  const start = offset + FRAME_HEAD_BYTES;
  const end = writeFields(frame, target, start);
  const length = end - start + tailOf(frame).length;
  if (length === 0) throw new SerializationError('A frame cannot be empty');
  writeU32(length, target, offset + 1);
  return end;
}

/** A frame in a buffer of its own; links with arenas use `writeHead` instead. */
export function encodeFrame(frame: Frame): Uint8Array {
  const tail = tailOf(frame);
  const bytes = new Uint8Array(headBytes(frame) + tail.length);
  bytes.set(tail, writeHead(frame, bytes, 0));
  return bytes;
}

/**
 * Reads the type of a frame.
 *
 * @param first whether it is the first byte of a connection, which tells other protocols
 * @throws ProtocolViolationError `tls`, `not-clusterpack` or `unknown-type`
 */
export function frameType(byte: number, first: boolean): Frame['type'] {
  const type = NAMES.get(byte);
  if (type !== undefined) return type;
  if (first && byte >= 0x14 && byte <= 0x17) {
    throw new ProtocolViolationError(
      'tls',
      'The peer speaks TLS, this node does not: give both the same "security" option',
    );
  }
  if (first && byte < 0x80) {
    throw new ProtocolViolationError(
      'not-clusterpack',
      'The peer does not speak this protocol: its first bytes look like text',
    );
  }
  throw new ProtocolViolationError('unknown-type', `A frame has the unknown type 0x${byte.toString(16)}`);
}

/**
 * Reads a frame's body, which lies at `start`–`end`.
 *
 * @param owned the bytes belong to this frame alone, so that views of them keep nothing else alive
 * @throws ProtocolViolationError `malformed`, and the handshake's words
 */
export function decodeFrame(
  type: Frame['type'],
  source: Uint8Array,
  start: number,
  end: number,
  owned: boolean,
): Frame {
  switch (type) {
    case 'data':
      return decodeData(source, start, end, owned);
    case 'protocol':
      return { type, body: keep(source, start, end, owned) };
    case 'ack':
      exactly(ACK_BYTES, end - start, type);
      return { type, expected: readU48(source, start) };
    case 'reject': {
      exactly(REJECT_BYTES, end - start, type);
      const reason = REJECTIONS[source[start + 6]!];
      if (reason === undefined) throw malformed(type, 'names no reason');
      return { type, seq: readU48(source, start), reason, limitBytes: readU48(source, start + 7) };
    }
    case 'credit':
      exactly(CREDIT_BYTES, end - start, type);
      return {
        type,
        stream: source[start]!,
        messages: readU48(source, start + 1),
        bytes: readU48(source, start + 7),
      };
    case 'permit-request':
      return { type, ...decodePermit(type, source, start, end) };
    case 'permit':
      return { type, ...decodePermit(type, source, start, end) };
    default:
      return decodeHandshake(type, source.subarray(start, end));
  }
}

function writeFields(frame: Frame, target: Uint8Array, at: number): number {
  switch (frame.type) {
    case 'data':
      return writeData(frame, target, at);
    case 'protocol':
      return at;
    case 'ack':
      return writeU48(frame.expected, target, at);
    case 'reject':
      target[at + 6] = REJECTIONS.indexOf(frame.reason);
      return writeU48(frame.limitBytes, target, writeU48(frame.seq, target, at) + 1);
    case 'credit':
      target[at] = frame.stream;
      return writeU48(frame.bytes, target, writeU48(frame.messages, target, at + 1));
    case 'permit-request':
    case 'permit':
      target[at] = frame.stream;
      target[at + 1] = frame.free ? 1 : 0;
      return writeU48(frame.bytes, target, at + 2);
    default: {
      const body = encodeHandshake(frame);
      target.set(body, at);
      return at + body.length;
    }
  }
}

function writeData(frame: DataFrame, target: Uint8Array, at: number): number {
  const { first, correlation } = frame;
  const isCorrelated = first && correlation !== 0;
  target[at] =
    (first ? FIRST : 0) | (frame.last ? LAST : 0) | (frame.free ? FREE : 0) | (isCorrelated ? CORRELATED : 0);
  target[at + 1] = frame.stream;
  let next = writeU48(frame.seq, target, at + 2);
  if (!first) return next;
  if (frame.meta.length > META_BYTES)
    throw new SerializationError(`"meta" has more than ${META_BYTES} bytes`);
  target[next] = frame.kind;
  next = writeU16(frame.meta.length, target, next + 1);
  if (isCorrelated) next = writeU32(correlation, target, next);
  if (!frame.last) next = writeU48(frame.totalBytes, target, next);
  copy(frame.meta, target, next);
  return next + frame.meta.length;
}

function decodeData(source: Uint8Array, start: number, end: number, owned: boolean): DataFrame {
  if (end - start < DATA_BYTES) throw malformed('data', 'ends within its fields');
  const flags = source[start]!;
  if (flags > (FIRST | LAST | FREE | CORRELATED)) throw malformed('data', 'has unknown flags');
  const first = (flags & FIRST) !== 0;
  const last = (flags & LAST) !== 0;
  const free = (flags & FREE) !== 0;
  const stream = source[start + 1]!;
  const seq = readU48(source, start + 2);
  let at = start + DATA_BYTES;
  if (!first) {
    if (flags >= CORRELATED) throw malformed('data', 'has flags of a first chunk, and is a later one');
    const chunk = keep(source, at, end, owned);
    return {
      type: 'data',
      seq,
      stream,
      first,
      last,
      free,
      kind: 0,
      meta: NOTHING,
      correlation: 0,
      totalBytes: 0,
      chunk,
    };
  }
  const isCorrelated = flags >= CORRELATED;
  const correlationAt = at + FIRST_BYTES;
  const totalAt = correlationAt + (isCorrelated ? CORRELATION_BYTES : 0);
  const metaAt = totalAt + (last ? 0 : TOTAL_BYTES);
  if (metaAt > end) throw malformed('data', 'ends within its fields');
  const kind = source[at]!;
  const metaEnd = metaAt + readU16(source, at + 1);
  if (metaEnd > end || metaEnd - metaAt > META_BYTES)
    throw malformed('data', 'has a meta over its limit or its end');
  at = metaEnd;
  const correlation = isCorrelated ? readU32(source, correlationAt) : 0;
  if (isCorrelated && correlation === 0) throw malformed('data', 'has a correlation of 0');
  const totalBytes = last ? end - at : readU48(source, totalAt);
  return {
    type: 'data',
    seq,
    stream,
    first,
    last,
    free,
    kind,
    meta: metas.of(source, metaAt, metaEnd),
    correlation,
    totalBytes,
    chunk: keep(source, at, end, owned),
  };
}

function decodePermit(type: Frame['type'], source: Uint8Array, start: number, end: number) {
  exactly(PERMIT_BYTES, end - start, type);
  const free = source[start + 1]!;
  if (free > 1) throw malformed(type, 'has a flag that is neither 0 nor 1');
  return { stream: source[start]!, free: free === 1, bytes: readU48(source, start + 2) };
}

function firstBytes(frame: DataFrame): number {
  const { meta, correlation, last } = frame;
  return FIRST_BYTES + (correlation === 0 ? 0 : CORRELATION_BYTES) + (last ? 0 : TOTAL_BYTES) + meta.length;
}

/**
 * Most metas say the same again and again: one that came lately is given once more, instead of another copy. They are
 * never written to, and keep nothing else alive.
 */
class Metas {
  static readonly #slots = 64;
  static readonly #maxBytes = 128;
  readonly #kept = Array.from({ length: Metas.#slots }, () => NOTHING);

  of(source: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (length === 0) return NOTHING;
    if (length > Metas.#maxBytes) return source.slice(start, end);
    const slot = (length * 31 + source[start]! * 7 + source[end - 1]!) % Metas.#slots;
    const kept = this.#kept[slot]!;
    if (isAt(kept, source, start, end)) return kept;
    return (this.#kept[slot] = source.slice(start, end));
  }
}

const metas = new Metas();

function keep(source: Uint8Array, start: number, end: number, owned: boolean): Uint8Array {
  return owned || end - start >= VIEW_FROM_BYTES ? source.subarray(start, end) : source.slice(start, end);
}

function exactly(expected: number, actual: number, type: string): void {
  if (actual !== expected) throw malformed(type, `has ${actual} bytes instead of ${expected}`);
}

function malformed(type: string, problem: string): ProtocolViolationError {
  return new ProtocolViolationError('malformed', `A frame of type ${type} ${problem}`);
}

/** Reads the length of a body from a head that lies at `offset`. */
export function bodyLength(source: Uint8Array, offset: number): number {
  return readU32(source, offset + 1);
}
