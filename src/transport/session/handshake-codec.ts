import { isAddress, type Address } from '../../address.js';
import { ProtocolViolationError, SerializationError, type HandshakeRefusal } from '../../errors.js';
import { NODE_ID_BYTES, readNodeId, writeNodeId, type NodeId } from '../../node-id.js';
import { readU16, readU48, readUtf8, U48_LIMIT, utf8, writeU48 } from './binary.js';
import type {
  GoodbyeFrame,
  HelloFrame,
  LinkPurpose,
  ReadyFrame,
  RefuseFrame,
  SessionAnswer,
  SessionOffer,
  WelcomeFrame,
} from './frame.js';

/**
 * Bodies of the frames that open and close a link. They begin with magic and layout, so that any two versions can
 * tell each other apart; fields are only ever added at the end, and what follows the known ones is ignored.
 */
export type HandshakeFrame = HelloFrame | WelcomeFrame | ReadyFrame | RefuseFrame | GoodbyeFrame;

/** "CLPK": a stray connection of another program is told from another version of this one. */
const MAGIC = [0x43, 0x4c, 0x50, 0x4b] as const;
/** Raised only if the layout of these frames itself must change; the protocol's version is a field in them. */
const LAYOUT = 1;

/** Most characters of a refusal's detail. */
const MAX_DETAIL_CHARACTERS = 200;
/** Most bytes of a member record: with all else it stays below the limit of a frame before the handshake. */
export const MAX_RECORD_BYTES = 14 * 1024;
/** Most bytes of a cluster's name, in UTF-8. */
export const MAX_CLUSTER_NAME_BYTES = 255;
/** Most bytes of a node's name, in UTF-8. */
export const MAX_NODE_NAME_BYTES = 255;
/** Most bytes of a serializer's name, in UTF-8. */
export const MAX_SERIALIZER_NAME_BYTES = 64;

const MAX_HOST_BYTES = 253;
const MAX_WORD_BYTES = 32;
const PURPOSES: readonly LinkPurpose[] = ['protocol', 'payload', 'verify'];
const GOODBYES: readonly GoodbyeFrame['reason'][] = ['idle', 'left', 'shutdown', 'replaced', 'reset'];
const REFUSALS: readonly HandshakeRefusal[] = [
  'cluster-name',
  'version',
  'identity',
  'security',
  'serializer',
  'duplicate-id',
  'self',
  'left',
  'limit',
  'malformed',
];

/** @throws SerializationError when a field is over its limit; options are checked long before */
export function encodeHandshake(frame: HandshakeFrame): Uint8Array {
  const writer = new FieldWriter();
  switch (frame.type) {
    case 'hello':
      writer.layout();
      writer.u8(PURPOSES.indexOf(frame.purpose));
      writer.u16(frame.minVersion);
      writer.u16(frame.maxVersion);
      writer.id(frame.id);
      writer.optional(frame.wanted, (id) => writer.id(id));
      writer.text(frame.clusterName, MAX_CLUSTER_NAME_BYTES);
      writer.address(frame.address);
      writer.text(frame.serializer, MAX_SERIALIZER_NAME_BYTES);
      writer.record(frame.record);
      writer.optional(frame.offer, (offer) => writer.offer(offer));
      writer.text(frame.name, MAX_NODE_NAME_BYTES);
      break;
    case 'welcome':
      writer.layout();
      writer.u16(frame.version);
      writer.id(frame.id);
      writer.address(frame.address);
      writer.record(frame.record);
      writer.optional(frame.answer, (answer) => writer.answer(answer));
      writer.optional(frame.offer, (offer) => writer.offer(offer));
      writer.text(frame.name, MAX_NODE_NAME_BYTES);
      break;
    case 'ready':
      writer.optional(frame.answer, (answer) => writer.answer(answer));
      break;
    case 'refuse':
      writer.layout();
      writer.text(frame.reason, MAX_WORD_BYTES);
      writer.record(utf8(frame.detail.slice(0, MAX_DETAIL_CHARACTERS)));
      break;
    case 'goodbye':
      writer.text(frame.reason, MAX_WORD_BYTES);
      break;
  }
  return writer.finish();
}

/** @throws ProtocolViolationError `not-clusterpack`, `layout` or `malformed` */
export function decodeHandshake(type: HandshakeFrame['type'], body: Uint8Array): HandshakeFrame {
  const reader = new FieldReader(body);
  switch (type) {
    case 'hello':
      return readHello(reader);
    case 'welcome':
      reader.layout();
      return {
        type,
        version: reader.u16(),
        id: reader.id(),
        address: reader.address(),
        record: reader.record(MAX_RECORD_BYTES),
        answer: reader.optional(() => reader.answer()),
        offer: reader.optional(() => reader.offer()),
        name: reader.text(MAX_NODE_NAME_BYTES),
      };
    case 'ready':
      return { type, answer: reader.optional(() => reader.answer()) };
    case 'refuse': {
      reader.layout();
      const word = reader.text(MAX_WORD_BYTES);
      const detail = reader.record(MAX_DETAIL_CHARACTERS * 4);
      // A newer version may have reasons that this one does not know; the detail still says what happened.
      const reason = REFUSALS.find((known) => known === word) ?? 'malformed';
      return { type, reason, detail: readUtf8(detail, 0, detail.length).slice(0, MAX_DETAIL_CHARACTERS) };
    }
    case 'goodbye': {
      const word = reader.text(MAX_WORD_BYTES);
      return { type, reason: GOODBYES.find((known) => known === word) ?? 'shutdown' };
    }
  }
}

function readHello(reader: FieldReader): HelloFrame {
  reader.layout();
  const purpose = PURPOSES[reader.u8()];
  if (purpose === undefined) throw malformed('names no purpose of a link');
  const minVersion = reader.u16();
  const maxVersion = reader.u16();
  if (minVersion > maxVersion) throw malformed('has an empty range of versions');
  const id = reader.id();
  const wanted = reader.optional(() => reader.id());
  const clusterName = reader.text(MAX_CLUSTER_NAME_BYTES);
  return {
    type: 'hello',
    purpose,
    minVersion,
    maxVersion,
    clusterName,
    id,
    address: reader.address(),
    wanted,
    serializer: reader.text(MAX_SERIALIZER_NAME_BYTES),
    record: reader.record(MAX_RECORD_BYTES),
    offer: reader.optional(() => reader.offer()),
    name: reader.text(MAX_NODE_NAME_BYTES),
  };
}

class FieldWriter {
  private readonly bytes: number[] = [];

  layout(): void {
    this.bytes.push(...MAGIC, LAYOUT);
  }

  u8(value: number): void {
    this.bytes.push(inRange(value, 256));
  }

  u16(value: number): void {
    inRange(value, 65_536);
    this.bytes.push(value >>> 8, value & 0xff);
  }

  u48(value: number): void {
    const field = new Uint8Array(6);
    writeU48(inRange(value, U48_LIMIT), field, 0);
    this.raw(field);
  }

  id(id: NodeId): void {
    const field = new Uint8Array(NODE_ID_BYTES);
    writeNodeId(id, field, 0);
    this.raw(field);
  }

  text(text: string, maxBytes: number): void {
    const field = utf8(text);
    if (field.length > maxBytes)
      throw new SerializationError(`A handshake's text has more than ${maxBytes} bytes`);
    this.u8(field.length);
    this.raw(field);
  }

  address(address: Address): void {
    this.text(address.host, MAX_HOST_BYTES);
    this.u16(address.port);
  }

  record(field: Uint8Array): void {
    if (field.length > MAX_RECORD_BYTES) {
      throw new SerializationError(
        `The member's record has ${field.length} bytes, the limit is ${MAX_RECORD_BYTES}`,
      );
    }
    this.u16(field.length);
    this.raw(field);
  }

  offer(offer: SessionOffer): void {
    this.u48(offer.epoch);
    this.u48(offer.firstUnacked);
  }

  answer(answer: SessionAnswer): void {
    this.u8(answer.known ? 1 : 0);
    this.u48(answer.expected);
  }

  optional<T>(value: T | undefined, write: (value: T) => void): void {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) write(value);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }

  private raw(field: Uint8Array): void {
    for (const byte of field) this.bytes.push(byte);
  }
}

class FieldReader {
  private at = 0;

  constructor(private readonly source: Uint8Array) {}

  layout(): void {
    const start = this.take(MAGIC.length + 1);
    if (MAGIC.some((byte, i) => this.source[start + i] !== byte)) {
      throw new ProtocolViolationError(
        'not-clusterpack',
        'The peer does not speak this protocol: its magic is wrong',
      );
    }
    const layout = this.source[start + MAGIC.length]!;
    if (layout !== LAYOUT) {
      throw new ProtocolViolationError(
        'layout',
        `The peer's handshake has layout ${layout}, this node knows ${LAYOUT}: run versions of clusterpack that fit together`,
      );
    }
  }

  u8(): number {
    return this.source[this.take(1)]!;
  }

  u16(): number {
    return readU16(this.source, this.take(2));
  }

  u48(): number {
    return readU48(this.source, this.take(6));
  }

  id(): NodeId {
    return readNodeId(this.source, this.take(NODE_ID_BYTES));
  }

  text(maxBytes: number): string {
    const length = this.u8();
    if (length > maxBytes) throw malformed(`has a text of ${length} bytes, the limit is ${maxBytes}`);
    const start = this.take(length);
    return readUtf8(this.source, start, start + length);
  }

  address(): Address {
    const address = { host: this.text(MAX_HOST_BYTES), port: this.u16() };
    if (!isAddress(address)) throw malformed('has an address that cannot be dialled');
    return address;
  }

  record(maxBytes: number): Uint8Array {
    const length = this.u16();
    if (length > maxBytes) throw malformed(`has a field of ${length} bytes, the limit is ${maxBytes}`);
    const start = this.take(length);
    return Uint8Array.from(this.source.subarray(start, start + length));
  }

  offer(): SessionOffer {
    return { epoch: this.u48(), firstUnacked: this.u48() };
  }

  answer(): SessionAnswer {
    return { known: this.flag(), expected: this.u48() };
  }

  optional<T>(read: () => T): T | undefined {
    return this.flag() ? read() : undefined;
  }

  private flag(): boolean {
    const flag = this.u8();
    if (flag > 1) throw malformed('has a flag that is neither 0 nor 1');
    return flag === 1;
  }

  private take(count: number): number {
    const start = this.at;
    this.at += count;
    if (this.at > this.source.length) throw malformed('ends within a field');
    return start;
  }
}

function inRange(value: number, limit: number): number {
  if (Number.isInteger(value) && value >= 0 && value < limit) return value;
  throw new SerializationError(`${value} does not fit its field in a handshake`);
}

function malformed(problem: string): ProtocolViolationError {
  return new ProtocolViolationError('malformed', `A frame of the handshake ${problem}`);
}
