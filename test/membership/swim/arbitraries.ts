import fc from 'fast-check';
import type { Address } from '../../../src/address.js';
import type { NodeId } from '../../../src/node-id.js';
import { Member, type MemberState } from '../../../src/membership/membership.js';
import {
  MAX_INCARNATION,
  SYNC_BUCKETS,
  type Digest,
  type SwimMessage,
  type Update,
} from '../../../src/membership/swim/messages.js';

/** Values that travel: what the door lets in. Shared by the property tests of the wire. */

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const incarnation = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: MAX_INCARNATION }));

export const nodeId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex') as NodeId);

export const address: fc.Arbitrary<Address> = fc.record({
  host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
  port: fc.integer({ min: 1, max: 65535 }),
});

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
// JSON writes -0 as 0, and `__proto__` has a test of its own.
const number = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => value + 0);
const key = text.filter((name) => name !== '__proto__');

export const plainData = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    tie('record'),
  ),
  record: fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
}));

/** Raw msgpack values that a newer version might append: an integer, a string, an extension, an array of both. */
const extraField = fc.constantFrom(
  Uint8Array.of(7),
  Uint8Array.of(0xa2, 0x68, 0x69),
  Uint8Array.of(0xd4, 0x72, 0x40),
  Uint8Array.of(0x92, 0xcd, 0x01, 0x02, 0xc7, 0x02, 0x05, 0x01, 0x02),
);

export function member(
  states: readonly MemberState[] = ['alive', 'suspect', 'unreachable', 'left'],
): fc.Arbitrary<Member> {
  return fc
    .record({
      id: nodeId,
      name: text,
      address,
      state: fc.constantFrom(...states),
      incarnation,
      metadata: plainData.record,
      health: fc.constantFrom('ok' as const, 'degraded' as const, 'draining' as const),
      healthReason: fc.option(text, { nil: undefined }),
      startedAtMs: fc.oneof(fc.nat(), fc.constant(1_763_878_272_123.456)),
      minVersion: fc.integer({ min: 0, max: 3 }),
      maxVersion: fc.integer({ min: 3, max: 0xffff }),
      extra: fc.option(fc.array(extraField, { minLength: 1, maxLength: 12 }), { nil: undefined }),
    })
    .map((fields) => Member.of(fields));
}

const digest: fc.Arbitrary<Digest> = fc.record({
  version: fc.nat(0xffff),
  low: uint32,
  high: uint32,
  quiet: fc.boolean(),
});

const kind = fc.constantFrom('soft' as const, 'hard' as const);

export const update: fc.Arbitrary<Update> = fc.oneof(
  fc.record({ type: fc.constant('alive' as const), member: member(['alive']) }),
  fc.record({ type: fc.constant('suspect' as const), id: nodeId, incarnation, accuser: nodeId, kind }),
  fc.record({
    type: fc.constant('unreachable' as const),
    id: nodeId,
    incarnation,
    by: nodeId,
    kind,
    witnesses: fc.array(nodeId, { maxLength: 8 }),
  }),
  fc.record({ type: fc.constant('left' as const), id: nodeId, incarnation }),
);

const updates = fc.array(update, { maxLength: 6 });
const side = fc.constantFrom('answer' as const, 'push' as const);
const type = <T extends SwimMessage['type']>(name: T) => fc.constant(name);

/** One arbitrary per message type: a new type does not compile without its own. */
export const messages: {
  readonly [T in SwimMessage['type']]: fc.Arbitrary<Extract<SwimMessage, { type: T }>>;
} = {
  unknown: fc.record({
    type: fc.constant('unknown' as const),
    code: fc.integer({ min: 1000, max: 2 ** 32 - 1 }),
  }),
  ping: fc.record({ type: type('ping'), seq: uint32, to: nodeId, digest, updates }),
  ack: fc.record({ type: type('ack'), seq: uint32, incarnation, digest, updates }),
  pingReq: fc.record({
    type: type('pingReq'),
    seq: uint32,
    target: nodeId,
    address,
    incarnation,
    why: fc.constantFrom('silent' as const, 'refused' as const, 'replaced' as const, 'no-route' as const),
  }),
  relayed: fc.record({
    type: type('relayed'),
    seq: uint32,
    outcome: fc.constantFrom(
      'ack' as const,
      'silent' as const,
      'refused' as const,
      'replaced' as const,
      'local' as const,
    ),
    by: fc.option(nodeId, { nil: undefined }),
    incarnation: fc.option(incarnation, { nil: undefined }),
  }),
  dialRequest: fc.record({ type: type('dialRequest'), id: nodeId, address }),
  gossip: fc.record({ type: type('gossip'), updates }),
  join: fc.record({ type: type('join'), attempt: uint32, member: member(['alive']) }),
  joinWait: fc.record({ type: type('joinWait'), attempt: uint32, retryAfterMs: fc.nat(3_600_000) }),
  joinRefused: fc.record({ type: type('joinRefused'), attempt: uint32, reason: text }),
  syncStart: fc.record({
    type: type('syncStart'),
    sync: uint32,
    buckets: fc.array(uint32, { minLength: SYNC_BUCKETS * 2, maxLength: SYNC_BUCKETS * 2 }),
  }),
  syncBusy: fc.record({ type: type('syncBusy'), sync: uint32 }),
  page: fc.record({
    type: type('page'),
    sync: uint32,
    side,
    index: uint32,
    last: fc.boolean(),
    maskLow: uint32,
    maskHigh: uint32,
    members: fc.array(member(), { maxLength: 5 }),
  }),
  pageTaken: fc.record({ type: type('pageTaken'), sync: uint32, side, index: uint32 }),
  leaving: fc.record({ type: type('leaving'), incarnation }),
  leaveTaken: fc.record({ type: type('leaveTaken'), incarnation }),
};

export const anyMessage: fc.Arbitrary<SwimMessage> = fc.oneof(
  ...(Object.values(messages) as fc.Arbitrary<SwimMessage>[]),
);
