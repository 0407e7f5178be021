import fc from 'fast-check';
import { createNodeId } from '../../../src/node-id.js';
import type { Frame } from '../../../src/transport/session/frame.js';

/** Frames of every type, as fast-check generates them, and one plain example of each. */

/** Objects as the decoder makes them, so that strict comparison holds. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

const u48 = fc.oneof(
  fc.nat(),
  fc.maxSafeNat().map((n) => n % 2 ** 48),
  fc.constantFrom(0, 2 ** 32, 2 ** 48 - 1),
);
const byte = fc.integer({ min: 0, max: 255 });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const nodeId = fc
  .tuple(fc.nat(), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([time, random]) => createNodeId(time, random));
const address = record({
  host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
  port: fc.integer({ min: 1, max: 65_535 }),
});
const text = (maxLength: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const offer = maybe(record({ epoch: u48, firstUnacked: u48 }));
const answer = maybe(record({ known: fc.boolean(), expected: u48 }));
const type = <T extends string>(name: T) => fc.constant(name);
const versions = fc
  .tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 65_535 }))
  .map(([a, b]) => ({ minVersion: Math.min(a, b), maxVersion: Math.max(a, b) }));

const hello = fc
  .tuple(
    versions,
    record({
      type: type('hello'),
      purpose: fc.constantFrom('protocol', 'payload', 'verify'),
      clusterName: text(20),
      id: nodeId,
      address,
      wanted: maybe(nodeId),
      serializer: fc.string({ maxLength: 20 }),
      record: bytes(2000),
      offer,
      name: text(20),
    }),
  )
  .map(([range, rest]) => ({ ...rest, ...range }));

const chunk = fc.oneof(
  { weight: 4, arbitrary: bytes(300) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 4000, max: 70_000 }).map((n) => new Uint8Array(n).fill(n & 255)),
  },
);
const dataBase = { type: type('data'), seq: u48, stream: byte, last: fc.boolean(), free: fc.boolean() };
const firstData = record({
  ...dataBase,
  first: fc.constant(true),
  kind: byte,
  meta: bytes(200),
  correlation: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_ffff })),
  totalBytes: u48,
  chunk,
}).map((frame) => (frame.last ? { ...frame, totalBytes: frame.chunk.length } : frame));
const laterData = record({
  ...dataBase,
  first: fc.constant(false),
  kind: fc.constant(0),
  meta: fc.constant(new Uint8Array(0)),
  correlation: fc.constant(0),
  totalBytes: fc.constant(0),
  chunk,
});

const permit = { stream: byte, free: fc.boolean(), bytes: u48 };

export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  hello,
  record({
    type: type('welcome'),
    version: fc.integer({ min: 0, max: 65_535 }),
    id: nodeId,
    address,
    record: bytes(2000),
    answer,
    offer,
    name: text(20),
  }),
  record({ type: type('ready'), answer }),
  record({
    type: type('refuse'),
    reason: fc.constantFrom(
      'cluster-name',
      'version',
      'identity',
      'security',
      'serializer',
      'limit',
      'malformed',
    ),
    detail: fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
  }),
  record({
    type: type('goodbye'),
    reason: fc.constantFrom('idle', 'left', 'shutdown', 'replaced', 'reset'),
  }),
  record({ type: type('protocol'), body: fc.uint8Array({ minLength: 1, maxLength: 5000 }) }),
  firstData,
  laterData,
  record({ type: type('ack'), expected: u48 }),
  record({
    type: type('reject'),
    seq: u48,
    reason: fc.constantFrom('no-receiver', 'draining', 'too-large'),
    limitBytes: u48,
  }),
  record({ type: type('credit'), stream: byte, messages: u48, bytes: u48 }),
  record({ type: type('permit-request'), ...permit }),
  record({ type: type('permit'), ...permit }),
) as fc.Arbitrary<Frame>;

const id = createNodeId(1_700_000_000_000, new Uint8Array(10).fill(7));
const here = { host: '127.0.0.1', port: 7946 };

/** One of each type. */
export const EXAMPLES: { readonly [T in Frame['type']]: Extract<Frame, { type: T }> } = {
  hello: {
    type: 'hello',
    purpose: 'payload',
    minVersion: 1,
    maxVersion: 1,
    clusterName: 'test',
    id,
    address: here,
    wanted: id,
    serializer: 'msgpackr',
    record: Uint8Array.of(1, 2, 3),
    offer: { epoch: 1, firstUnacked: 0 },
    name: 'böse-7',
  },
  welcome: {
    type: 'welcome',
    version: 1,
    id,
    address: here,
    record: Uint8Array.of(4, 5),
    answer: { known: true, expected: 9 },
    offer: { epoch: 2, firstUnacked: 3 },
    name: 'orders-1',
  },
  ready: { type: 'ready', answer: { known: false, expected: 0 } },
  refuse: { type: 'refuse', reason: 'cluster-name', detail: 'another cluster' },
  goodbye: { type: 'goodbye', reason: 'idle' },
  protocol: { type: 'protocol', body: Uint8Array.of(1) },
  data: {
    type: 'data',
    seq: 5,
    stream: 1,
    first: true,
    last: false,
    free: false,
    kind: 2,
    meta: Uint8Array.of(9),
    correlation: 7,
    totalBytes: 100,
    chunk: Uint8Array.of(1, 2, 3, 4),
  },
  ack: { type: 'ack', expected: 77 },
  reject: { type: 'reject', seq: 12, reason: 'too-large', limitBytes: 1000 },
  credit: { type: 'credit', stream: 3, messages: 10, bytes: 1000 },
  'permit-request': { type: 'permit-request', stream: 3, free: true, bytes: 1_000_000 },
  permit: { type: 'permit', stream: 3, free: false, bytes: 1_000_000 },
};
