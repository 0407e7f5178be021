import { ProtocolViolationError } from '../../errors.js';
import type { ProtocolCodec } from '../protocol.js';
import { decodeMember, encodeMember, nodeIdBytes, packr, unpack } from './member-codec.js';
import {
  MAX_PAGE_MEMBERS,
  MAX_UPDATES,
  MAX_WITNESSES,
  SYNC_BUCKETS,
  type Digest,
  type Page,
  type PingReqReason,
  type RelayOutcome,
  type SuspicionKind,
  type SwimMessage,
  type Update,
} from './messages.js';
import { scanWhole } from './msgpack-scan.js';
import { Tuple } from './tuple.js';
import type { Member } from '../membership.js';

/**
 * SWIM's messages as msgpack tuples `[type, …fields]`, in the order in which `messages.ts` declares the fields.
 *
 * NodeIds are 16 bytes, enumerations their index, absent values nil, members byte strings of their own (so that
 * fields of a newer version travel on untouched), the buckets of a sync 512 bytes. Tuples only grow at the end.
 */
export const swimCodec: ProtocolCodec<SwimMessage> = {
  encode: (message) => packr.pack(toTuple(message)),
  decode,
  encodeMember,
  decodeMember,
};

/** First element of the tuple. Never reused, append only. */
const TYPES = {
  ping: 1,
  ack: 2,
  pingReq: 3,
  relayed: 4,
  dialRequest: 5,
  gossip: 6,
  join: 7,
  joinWait: 8,
  joinRefused: 9,
  syncStart: 10,
  syncBusy: 11,
  page: 12,
  pageTaken: 13,
  leaving: 14,
  leaveTaken: 15,
} as const satisfies Record<Exclude<SwimMessage['type'], 'unknown'>, number>;

const UPDATE_TYPES = { alive: 1, suspect: 2, unreachable: 3, left: 4 } as const satisfies Record<
  Update['type'],
  number
>;

// On the wire each of these is its index: append only.
const KINDS: readonly SuspicionKind[] = ['soft', 'hard'];
const REASONS: readonly PingReqReason[] = ['silent', 'refused', 'replaced', 'no-route'];
const OUTCOMES: readonly RelayOutcome[] = ['ack', 'silent', 'refused', 'replaced', 'local'];
const SIDES: readonly Page['side'][] = ['answer', 'push'];

const MAX_REASON_LENGTH = 1024;
const MAX_RETRY_MS = 3_600_000;
const MAX_DIGEST_VERSION = 0xffff;
const BUCKETS_BYTES = SYNC_BUCKETS * 2 * 4;

// --- encoding ---

function toTuple(message: SwimMessage): unknown[] {
  if (message.type === 'unknown') return [message.code];
  const type = TYPES[message.type];
  switch (message.type) {
    case 'ping':
      return [
        type,
        message.seq,
        nodeIdBytes(message.to),
        digestTuple(message.digest),
        message.updates.map(updateTuple),
      ];
    case 'ack':
      return [
        type,
        message.seq,
        message.incarnation,
        digestTuple(message.digest),
        message.updates.map(updateTuple),
      ];
    case 'pingReq': {
      const { seq, target, address, incarnation, why } = message;
      return [
        type,
        seq,
        nodeIdBytes(target),
        [address.host, address.port],
        incarnation,
        REASONS.indexOf(why),
      ];
    }
    case 'relayed': {
      const by = message.by === undefined ? null : nodeIdBytes(message.by);
      return [type, message.seq, OUTCOMES.indexOf(message.outcome), by, message.incarnation ?? null];
    }
    case 'dialRequest':
      return [type, nodeIdBytes(message.id), [message.address.host, message.address.port]];
    case 'gossip':
      return [type, message.updates.map(updateTuple)];
    case 'join':
      return [type, message.attempt, encodeMember(message.member)];
    case 'joinWait':
      return [type, message.attempt, message.retryAfterMs];
    case 'joinRefused':
      return [type, message.attempt, message.reason.slice(0, MAX_REASON_LENGTH)];
    case 'syncStart':
      return [type, message.sync, bucketBytes(message.buckets)];
    case 'syncBusy':
      return [type, message.sync];
    case 'page': {
      const { sync, side, index, last, maskLow, maskHigh, members } = message;
      return [type, sync, SIDES.indexOf(side), index, last, maskLow, maskHigh, members.map(encodeMember)];
    }
    case 'pageTaken':
      return [type, message.sync, SIDES.indexOf(message.side), message.index];
    case 'leaving':
    case 'leaveTaken':
      return [type, message.incarnation];
  }
}

function digestTuple(digest: Digest): unknown[] {
  return [digest.version, digest.low, digest.high, digest.quiet];
}

function updateTuple(update: Update): unknown[] {
  const type = UPDATE_TYPES[update.type];
  switch (update.type) {
    case 'alive':
      return [type, encodeMember(update.member)];
    case 'suspect': {
      const { id, incarnation, accuser, kind } = update;
      return [type, nodeIdBytes(id), incarnation, nodeIdBytes(accuser), KINDS.indexOf(kind)];
    }
    case 'unreachable': {
      const { id, incarnation, by, kind, witnesses } = update;
      const named = witnesses.map(nodeIdBytes);
      return [type, nodeIdBytes(id), incarnation, nodeIdBytes(by), KINDS.indexOf(kind), named];
    }
    case 'left':
      return [type, nodeIdBytes(update.id), update.incarnation];
  }
}

function bucketBytes(buckets: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(BUCKETS_BYTES);
  const view = new DataView(bytes.buffer);
  buckets.forEach((sum, index) => view.setUint32(index * 4, sum));
  return bytes;
}

// --- decoding ---

/** A type that this version does not have is no violation. @throws ProtocolViolationError */
function decode(bytes: Uint8Array): SwimMessage {
  scanWhole(bytes);
  const fields = new Tuple(unpack(bytes), 'message');
  const type = fields.uint32('type');
  const read = readers.get(type);
  return read === undefined ? { type: 'unknown', code: type } : read(fields);
}

// Object literals are evaluated in the order in which they are written: each reader takes its fields in wire order.
const readers: ReadonlyMap<number, (fields: Tuple) => SwimMessage> = new Map<
  number,
  (fields: Tuple) => SwimMessage
>([
  [
    TYPES.ping,
    (fields) => ({
      type: 'ping',
      seq: fields.uint32('seq'),
      to: fields.nodeId('to'),
      digest: readDigest(fields),
      updates: readUpdates(fields),
    }),
  ],
  [
    TYPES.ack,
    (fields) => ({
      type: 'ack',
      seq: fields.uint32('seq'),
      incarnation: fields.incarnation(),
      digest: readDigest(fields),
      updates: readUpdates(fields),
    }),
  ],
  [
    TYPES.pingReq,
    (fields) => ({
      type: 'pingReq',
      seq: fields.uint32('seq'),
      target: fields.nodeId('target'),
      address: fields.address(),
      incarnation: fields.incarnation(),
      why: fields.choice('why', REASONS),
    }),
  ],
  [
    TYPES.relayed,
    (fields) => ({
      type: 'relayed',
      seq: fields.uint32('seq'),
      outcome: fields.choice('outcome', OUTCOMES),
      by: fields.optional(() => fields.nodeId('by')),
      incarnation: fields.optional(() => fields.incarnation()),
    }),
  ],
  [
    TYPES.dialRequest,
    (fields) => ({ type: 'dialRequest', id: fields.nodeId('id'), address: fields.address() }),
  ],
  [TYPES.gossip, (fields) => ({ type: 'gossip', updates: readUpdates(fields) })],
  [
    TYPES.join,
    (fields) => ({
      type: 'join',
      attempt: fields.uint32('attempt'),
      member: readAlive(fields.bytes('member')),
    }),
  ],
  [
    TYPES.joinWait,
    (fields) => ({
      type: 'joinWait',
      attempt: fields.uint32('attempt'),
      retryAfterMs: Math.min(MAX_RETRY_MS, fields.milliseconds('retryAfterMs')),
    }),
  ],
  [
    TYPES.joinRefused,
    (fields) => ({
      type: 'joinRefused',
      attempt: fields.uint32('attempt'),
      reason: fields.text('reason', MAX_REASON_LENGTH),
    }),
  ],
  [
    TYPES.syncStart,
    (fields) => ({
      type: 'syncStart',
      sync: fields.uint32('sync'),
      buckets: readBuckets(fields.bytes('buckets')),
    }),
  ],
  [TYPES.syncBusy, (fields) => ({ type: 'syncBusy', sync: fields.uint32('sync') })],
  [
    TYPES.page,
    (fields) => ({
      type: 'page',
      sync: fields.uint32('sync'),
      side: fields.choice('side', SIDES),
      index: fields.uint32('index'),
      last: fields.boolean('last'),
      maskLow: fields.uint32('maskLow'),
      maskHigh: fields.uint32('maskHigh'),
      members: fields.list('members', MAX_PAGE_MEMBERS).map(readMember),
    }),
  ],
  [
    TYPES.pageTaken,
    (fields) => ({
      type: 'pageTaken',
      sync: fields.uint32('sync'),
      side: fields.choice('side', SIDES),
      index: fields.uint32('index'),
    }),
  ],
  [TYPES.leaving, (fields) => ({ type: 'leaving', incarnation: fields.incarnation() })],
  [TYPES.leaveTaken, (fields) => ({ type: 'leaveTaken', incarnation: fields.incarnation() })],
]);

function readDigest(fields: Tuple): Digest {
  const digest = fields.tuple('digest');
  return {
    version: digest.integer('version', MAX_DIGEST_VERSION),
    low: digest.uint32('low'),
    high: digest.uint32('high'),
    quiet: digest.boolean('quiet'),
  };
}

/** Updates of a type that a newer version has are left out; the rest of the message is good. */
function readUpdates(fields: Tuple): readonly Update[] {
  const updates: Update[] = [];
  for (const value of fields.list('updates', MAX_UPDATES)) {
    const update = readUpdate(new Tuple(value, 'update'));
    if (update !== undefined) updates.push(update);
  }
  return updates;
}

function readUpdate(fields: Tuple): Update | undefined {
  switch (fields.uint32('type')) {
    case UPDATE_TYPES.alive:
      return { type: 'alive', member: readAlive(fields.bytes('member')) };
    case UPDATE_TYPES.suspect:
      return {
        type: 'suspect',
        id: fields.nodeId('id'),
        incarnation: fields.incarnation(),
        accuser: fields.nodeId('accuser'),
        kind: fields.choice('kind', KINDS),
      };
    case UPDATE_TYPES.unreachable:
      return {
        type: 'unreachable',
        id: fields.nodeId('id'),
        incarnation: fields.incarnation(),
        by: fields.nodeId('by'),
        kind: fields.choice('kind', KINDS),
        witnesses: fields.nodeIds('witnesses', MAX_WITNESSES),
      };
    case UPDATE_TYPES.left:
      return { type: 'left', id: fields.nodeId('id'), incarnation: fields.incarnation() };
    default:
      return undefined;
  }
}

function readMember(value: unknown): Member {
  if (!(value instanceof Uint8Array)) throw new ProtocolViolationError('malformed', 'A member is not bytes');
  return decodeMember(value);
}

function readAlive(bytes: Uint8Array): Member {
  const member = decodeMember(bytes);
  if (member.state !== 'alive')
    throw new ProtocolViolationError('malformed', 'A member describes itself as not alive');
  return member;
}

function readBuckets(bytes: Uint8Array): readonly number[] {
  if (bytes.length !== BUCKETS_BYTES)
    throw new ProtocolViolationError('malformed', 'syncStart: buckets have a wrong size');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: SYNC_BUCKETS * 2 }, (_, index) => view.getUint32(index * 4));
}
