import { Packr } from 'msgpackr/pack';
import { InvalidMetadataError, ProtocolViolationError } from '../../errors.js';
import { NODE_ID_BYTES, writeNodeId, type NodeId } from '../../node-id.js';
import { HEALTHS, MAX_HEALTH_REASON_BYTES, utf8Bytes } from '../health.js';
import { Member, type MemberState } from '../membership.js';
import { scanArrayHeader, scanValue } from './msgpack-scan.js';
import { freezePlainData, isPlainData } from './plain-data.js';
import { Tuple } from './tuple.js';

/** A name is for people; a longer one is no name. */
const MAX_NAME_LENGTH = 255;
/** Metadata has at most 8 KiB (`limits.metadataBytes`); the rest leaves room for fields of newer versions. */
const MAX_MEMBER_BYTES = 16_384;
const MAX_EXTRA_FIELDS = 64;
const MAX_VERSION = 0xffff;

/** Fields of the tuple that this version knows; what follows is `extra`. */
const FIELDS = 10;
const MAX_FIXARRAY = 15;

/** On the wire each is its index: append only. */
const STATES: readonly MemberState[] = ['alive', 'suspect', 'unreachable', 'left'];

/**
 * Plain msgpack: no records and no shared structures (each message stands alone), no references, no strings kept
 * apart, 64-bit integers as numbers (a bigint would break JSON at the reader's), undefined as nil.
 */
export const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  structuredClone: false,
  moreTypes: false,
  bundleStrings: false,
  int64AsType: 'number',
  encodeUndefinedAsNil: true,
  variableMapSize: true,
});

/** Members are immutable and gossiped many times: each is encoded once. */
const encoded = new WeakMap<Member, Uint8Array>();

/**
 * A member's tuple: `[id, name, [host, port], state, incarnation, metadata, health, startedAtMs, [minVersion,
 * maxVersion], healthReason, …extra]`.
 *
 * @throws InvalidMetadataError when a peer would refuse the metadata
 */
export function encodeMember(member: Member): Uint8Array {
  const known = encoded.get(member);
  if (known !== undefined) return known;
  const bytes = withExtra(packFields(member), member.extra ?? []);
  encoded.set(member, bytes);
  return bytes;
}

/** @throws ProtocolViolationError */
export function decodeMember(bytes: Uint8Array): Member {
  if (bytes.length > MAX_MEMBER_BYTES) {
    throw new ProtocolViolationError(
      'member-too-long',
      `A member record has more than ${MAX_MEMBER_BYTES} bytes`,
    );
  }
  const { fields, extra } = split(bytes);
  const tuple = new Tuple(unpack(fields), 'member');
  const id = tuple.nodeId('id');
  const name = tuple.text('name', MAX_NAME_LENGTH);
  const address = Object.freeze(tuple.address());
  const state = tuple.choice('state', STATES);
  const incarnation = tuple.incarnation();
  const metadata = tuple.record('metadata');
  if (!isPlainData(metadata))
    throw new ProtocolViolationError('malformed', 'member: metadata is not plain data');
  const health = tuple.choice('health', HEALTHS);
  const startedAtMs = tuple.milliseconds('startedAtMs');
  const versions = tuple.tuple('versions');
  const minVersion = versions.integer('minVersion', MAX_VERSION);
  const maxVersion = versions.integer('maxVersion', MAX_VERSION);
  if (minVersion > maxVersion)
    throw new ProtocolViolationError('malformed', 'member: versions are not a range');
  const healthReason = tuple.optional(() => reasonIn(tuple));
  return Member.of({
    id,
    name,
    address,
    state,
    incarnation,
    metadata: freezePlainData(metadata),
    health,
    healthReason,
    startedAtMs,
    minVersion,
    maxVersion,
    extra,
  });
}

/** What msgpackr throws (it should find nothing, since the bytes were scanned) is the peer's fault all the same. */
export function unpack(scanned: Uint8Array): unknown {
  try {
    return packr.unpack(scanned);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ProtocolViolationError('malformed', `The message cannot be decoded: ${reason}`);
  }
}

export function nodeIdBytes(id: NodeId): Uint8Array {
  const bytes = new Uint8Array(NODE_ID_BYTES);
  writeNodeId(id, bytes, 0);
  return bytes;
}

function packFields(member: Member): Uint8Array {
  if (!isPlainData(member.metadata)) {
    throw new InvalidMetadataError(
      'Metadata must be plain data (what JSON can carry), nested at most 15 deep',
    );
  }
  return packr.pack([
    nodeIdBytes(member.id),
    member.name,
    [member.address.host, member.address.port],
    STATES.indexOf(member.state),
    member.incarnation,
    member.metadata,
    HEALTHS.indexOf(member.health),
    member.startedAtMs,
    [member.minVersion, member.maxVersion],
    member.healthReason,
  ]);
}

function reasonIn(tuple: Tuple): string {
  const reason = tuple.text('healthReason', MAX_HEALTH_REASON_BYTES);
  if (utf8Bytes(reason) > MAX_HEALTH_REASON_BYTES)
    throw new ProtocolViolationError('malformed', 'member: healthReason is too long');
  return reason;
}

/** The same tuple, longer by the raw fields. Always a copy, since msgpackr's result is a piece of its large buffer. */
function withExtra(fields: Uint8Array, extra: readonly Uint8Array[]): Uint8Array {
  const count = FIELDS + extra.length;
  const header = count <= MAX_FIXARRAY ? [0x90 | count] : [0xdc, count >> 8, count & 0xff];
  const body = fields.subarray(1);
  const length = extra.reduce((sum, field) => sum + field.length, header.length + body.length);
  const bytes = new Uint8Array(length);
  bytes.set(header);
  let at = header.length;
  for (const part of [body, ...extra]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The fields that this version knows, as a tuple of their own, and the raw ones behind them. */
function split(bytes: Uint8Array): { fields: Uint8Array; extra: readonly Uint8Array[] | undefined } {
  const { count, offset } = scanArrayHeader(bytes);
  if (count < FIELDS) throw new ProtocolViolationError('malformed', 'member: fields are missing');
  if (count > FIELDS + MAX_EXTRA_FIELDS)
    throw new ProtocolViolationError('malformed', 'member: too many fields');
  let at = offset;
  for (let field = 0; field < FIELDS; field++) at = scanValue(bytes, at);
  const fields = new Uint8Array(1 + at - offset);
  fields[0] = 0x90 | FIELDS;
  fields.set(bytes.subarray(offset, at), 1);
  const extra: Uint8Array[] = [];
  for (let field = FIELDS; field < count; field++) {
    const end = scanValue(bytes, at, { allowExtensions: true });
    extra.push(new Uint8Array(bytes.subarray(at, end)));
    at = end;
  }
  if (at !== bytes.length) throw new ProtocolViolationError('malformed', 'member: bytes behind the end');
  return { fields, extra: extra.length > 0 ? Object.freeze(extra) : undefined };
}
