import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { swimCodec } from '../../src/membership/swim/codec.js';
import { Member } from '../../src/membership/membership.js';
import type { NodeId } from '../../src/node-id.js';
import { createNodeId } from '../../src/node-id.js';
import { HOST, ID, idBytes, PORT } from './play.js';

/** Bytes and values that are out to hurt a decoder, and the protocol's messages with fields from the edges. */

const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true });
export const pack = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value));

export const U48_MAX = 2 ** 48 - 1;
const MAX_INCARNATION = 2 ** 40;

/** Where counters end, in bytes, in the protocol and in JavaScript. */
export const edgeNumber = fc.constantFrom<number>(
  ...[0, 1, 2, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32],
  ...[MAX_INCARNATION - 1, MAX_INCARNATION, MAX_INCARNATION + 1, U48_MAX, 2 ** 48, 2 ** 53 - 1, 2 ** 53],
  ...[-1, -(2 ** 31), 0.5, Number.NaN, Number.POSITIVE_INFINITY],
);
export const u48 = fc.oneof(
  fc.constantFrom(0, 1, 2, 255, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47, U48_MAX - 1, U48_MAX),
  fc.integer({ min: 0, max: 70_000 }),
);

/** Containers in containers: far deeper than anything may be, and around the limits. */
const nested = fc
  .tuple(fc.constantFrom(14, 15, 16, 17, 63, 64, 65, 1000, 60_000, 200_000), fc.constantFrom(0x91, 0x81))
  .map(([depth, container]) => {
    const level = container === 0x91 ? [0x91] : [0x81, 0xa1, 0x61];
    const bytes = new Uint8Array(depth * level.length + 1);
    for (let i = 0; i < depth; i++) bytes.set(level, i * level.length);
    bytes[bytes.length - 1] = 0xc0;
    return bytes;
  });

/** Headers that promise more than comes: arrays, maps, strings, binaries and extensions. */
const promises = fc
  .tuple(
    fc.constantFrom(0xc6, 0xc9, 0xdb, 0xdd, 0xdf, 0xdc, 0xde, 0xc5, 0xda, 0xc8),
    fc.constantFrom(0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 0x00ff_ffff, 0),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([type, length, rest]) =>
    Uint8Array.from([
      type,
      length >>> 24,
      (length >>> 16) & 255,
      (length >>> 8) & 255,
      length & 255,
      ...rest,
    ]),
  );

/** Many small values, which are cheap to send and expensive to hold. */
const wide = fc
  .tuple(fc.constantFrom(1000, 65_535, 65_537, 250_000), fc.constantFrom(0xc0, 0x90, 0x80, 0xa0, 0x01))
  .map(([count, filler]) => {
    const bytes = new Uint8Array(5 + count).fill(filler);
    bytes.set([0xdd, count >>> 24, (count >>> 16) & 255, (count >>> 8) & 255, count & 255]);
    return bytes;
  });

/** Extension types: those that make msgpackr define records, structures, references, errors, dates, bigints. */
const extensions = fc
  .tuple(
    fc.constantFrom(0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xc7, 0xc8, 0xc9, 0xc1),
    fc.constantFrom(0x72, 0x69, 0x70, 0x65, 0x73, 0x78, 0x74, 0x62, 0xff, 0x00, 0x42),
    fc.uint8Array({ minLength: 1, maxLength: 30 }),
  )
  .map(([form, name, rest]) => Uint8Array.from([0x92, form, name, ...rest]));

/** Keys that are something else than data in JavaScript. */
export const trapKeys = fc.constantFrom(
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'toJSON', ''],
);
const traps = fc.tuple(trapKeys, trapKeys, edgeNumber).map(([outer, inner, value]) => {
  const entry = (key: string, content: Uint8Array): Uint8Array =>
    Uint8Array.from([0x81, ...pack(key), ...content]);
  return entry(outer, entry(inner, pack(value)));
});

const longText = fc.constantFrom(256, 1025, 65_536, 200_000).map((length) => pack('ä'.repeat(length >> 1)));

/** MessagePack, or nearly. */
export const hostileValue: fc.Arbitrary<Uint8Array> = fc.oneof(
  nested,
  promises,
  wide,
  extensions,
  traps,
  longText,
  fc.uint8Array({ minLength: 1, maxLength: 500 }),
  fc.anything({ maxDepth: 3, withBigInt: false }).map((value) => {
    try {
      return pack(value);
    } catch {
      return pack(String(value));
    }
  }),
);

// --- members and messages ---

export const freshId = fc
  .tuple(fc.nat(), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([time, random]) => createNodeId(time, random));
const liveId = fc.constantFrom<NodeId>(ID.target, ID.second, ID.third);
export const anyId = fc.oneof(liveId, freshId, fc.constant<NodeId>(ID.insider));

/** Nobody there, oneself, a member, the attacker; and what is no address. */
export const address = fc.oneof(
  fc
    .constantFrom(9, 1, 65_535, PORT.attacker, PORT.second, PORT.target)
    .map((port) => ({ host: HOST, port })),
  fc.integer({ min: 2, max: 250 }).map((n) => ({ host: `127.3.0.${n}`, port: 9 })),
  fc.constantFrom('::1', 'localhost', 'nowhere.invalid').map((host) => ({ host, port: 9 })),
);
const oddAddress = fc.oneof(
  address,
  fc.record(
    {
      host: fc.constantFrom('', '0.0.0.0', '::', 'a b', '../x', 'x'.repeat(253), '255.255.255.255'),
      port: edgeNumber,
    },
    { noNullPrototype: true },
  ),
);

const incarnation = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.constantFrom(999, 1000, 1001, 5000, MAX_INCARNATION - 1, MAX_INCARNATION, MAX_INCARNATION + 1, 2 ** 53),
);

export interface MemberChoice {
  readonly id: fc.Arbitrary<NodeId>;
  readonly state?: fc.Arbitrary<number>;
  readonly incarnation?: fc.Arbitrary<number>;
}

/** A member record as its tuple; the metadata is spliced in as raw bytes. */
export function memberRecord(choice: MemberChoice): fc.Arbitrary<Uint8Array> {
  const metadata = fc.oneof(
    { weight: 4, arbitrary: fc.constant(pack({ zone: 'x' })) },
    { weight: 2, arbitrary: traps },
    { weight: 1, arbitrary: hostileValue },
  );
  const name = fc.constantFrom(
    'mallory',
    '',
    'x'.repeat(255),
    'x'.repeat(256),
    '\u0000\u001b[31m\n',
    '🦊'.repeat(60),
  );
  return fc
    .tuple(
      choice.id,
      name,
      fc.oneof({ weight: 5, arbitrary: address }, { weight: 1, arbitrary: oddAddress }),
      choice.state ?? fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 3, 4, 255)),
      choice.incarnation ?? incarnation,
      metadata,
      fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, edgeNumber),
      fc.oneof({ weight: 8, arbitrary: fc.constant(1_700_000_000_000) }, edgeNumber),
      fc.oneof({ weight: 8, arbitrary: fc.constant([1, 1]) }, fc.tuple(edgeNumber, edgeNumber)),
      fc.oneof({ weight: 8, arbitrary: fc.constantFrom(null, 'disk full') }, name, edgeNumber),
    )
    .map(([id, label, { host, port }, state, raised, data, health, started, versions, reason]) =>
      joined(0x9a, [
        pack(idBytes(id)),
        pack(label),
        pack([host, port]),
        pack(state),
        pack(raised),
        data,
        pack(health),
        pack(started),
        pack(versions),
        pack(reason),
      ]),
    );
}

/** A member that nothing is wrong with. */
export function plainRecord(id: NodeId, port: number, name = 'mallory'): Uint8Array {
  return Uint8Array.from(
    swimCodec.encodeMember(
      Member.of({
        id,
        name,
        address: { host: HOST, port },
        state: 'alive',
        incarnation: 0,
        metadata: {},
        health: 'ok',
        startedAtMs: 1_700_000_000_000,
        minVersion: 1,
        maxVersion: 1,
      }),
    ),
  );
}

function joined(header: number, parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat([Uint8Array.of(header), ...parts]));
}

export const aliveUpdate = (choice: MemberChoice): fc.Arbitrary<unknown> =>
  memberRecord(choice).map((record) => [1, Buffer.from(record)]);
export const suspectUpdate = (id: fc.Arbitrary<NodeId> = liveId): fc.Arbitrary<unknown> =>
  fc
    .tuple(id, incarnation, anyId, fc.constantFrom(0, 1))
    .map(([subject, raised, accuser, kind]) => [2, idBytes(subject), raised, idBytes(accuser), kind]);
export const unreachableUpdate = (id: fc.Arbitrary<NodeId> = liveId): fc.Arbitrary<unknown> =>
  fc
    .tuple(id, incarnation, anyId, fc.constantFrom(0, 1), fc.array(anyId, { maxLength: 9 }))
    .map(([subject, raised, by, kind, witnesses]) => [
      3,
      idBytes(subject),
      raised,
      idBytes(by),
      kind,
      witnesses.map(idBytes),
    ]);
export const leftUpdate = (id: fc.Arbitrary<NodeId> = liveId): fc.Arbitrary<unknown> =>
  fc.tuple(id, incarnation).map(([subject, raised]) => [4, idBytes(subject), raised]);

export const anyUpdate = fc.oneof(
  aliveUpdate({ id: anyId }),
  suspectUpdate(anyId),
  unreachableUpdate(anyId),
  leftUpdate(anyId),
  fc.constantFrom<unknown>([], [0], [5, 1, 2], null, 'x', [1], [2, 3], [1, Buffer.alloc(20_000)]),
);

export const gossip = (update: fc.Arbitrary<unknown>, atMost = 30): fc.Arbitrary<Uint8Array> =>
  fc.array(update, { minLength: 1, maxLength: atMost }).map((updates) => pack([6, updates]));

const seq = fc.oneof(fc.integer({ min: 0, max: 20 }), edgeNumber);
const digest = fc
  .tuple(fc.constantFrom(1, 2, 65_535), seq, seq, fc.boolean())
  .map(([version, low, high, quiet]) => [version, low, high, quiet]);
const updates = fc.array(anyUpdate, { maxLength: 5 });

/** Asks a node to dial somewhere. */
export const errand: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc
    .tuple(seq, anyId, address, incarnation, fc.constantFrom(0, 1, 2, 3, 4))
    .map(([n, target, { host, port }, raised, why]) =>
      pack([3, n, idBytes(target), [host, port], raised, why]),
    ),
  fc.tuple(anyId, address).map(([id, { host, port }]) => pack([5, idBytes(id), [host, port]])),
);

/** Parts of a sync: of views that never end, and of none at all. */
export const syncPart: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc
    .tuple(seq, fc.uint8Array({ minLength: 512, maxLength: 512 }))
    .map(([n, sums]) => pack([10, n, Buffer.from(sums)])),
  fc.tuple(seq, fc.uint8Array({ maxLength: 600 })).map(([n, sums]) => pack([10, n, Buffer.from(sums)])),
  seq.map((n) => pack([11, n])),
  fc
    .tuple(
      seq,
      fc.constantFrom(0, 1, 2),
      seq,
      fc.boolean(),
      seq,
      seq,
      fc.array(memberRecord({ id: freshId }), { maxLength: 12 }),
    )
    .map(([n, side, index, last, low, high, members]) =>
      pack([12, n, side, index, last, low, high, members.map((bytes) => Buffer.from(bytes))]),
    ),
  fc.tuple(seq, fc.constantFrom(0, 1, 2), seq).map(([n, side, index]) => pack([13, n, side, index])),
);

/** A request to be admitted, with a record that is about the sender or about somebody else. */
export const joinOf = (id: NodeId, port: number): Uint8Array =>
  pack([7, 1, Buffer.from(plainRecord(id, port))]);

/** Any message of the protocol, with fields from the edges. */
export const anyMessage: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(seq, anyId, digest, updates).map(([n, to, sums, news]) => pack([1, n, idBytes(to), sums, news])),
  fc
    .tuple(seq, incarnation, digest, updates)
    .map(([n, raised, sums, news]) => pack([2, n, raised, sums, news])),
  errand,
  fc
    .tuple(seq, fc.constantFrom(0, 1, 2, 3, 4, 5), fc.option(anyId), fc.option(incarnation))
    .map(([n, outcome, by, raised]) => pack([4, n, outcome, by === null ? null : idBytes(by), raised])),
  gossip(anyUpdate),
  fc.tuple(seq, memberRecord({ id: anyId })).map(([n, record]) => pack([7, n, Buffer.from(record)])),
  fc.tuple(seq, edgeNumber).map(([n, ms]) => pack([8, n, ms])),
  fc.tuple(seq, fc.constantFrom('', 'no', 'x'.repeat(1025))).map(([n, reason]) => pack([9, n, reason])),
  syncPart,
  incarnation.map((raised) => pack([15, raised])),
  fc
    .tuple(fc.oneof(fc.constantFrom(0, 16, 200, 2 ** 32), edgeNumber), hostileValue)
    .map(([type, rest]) => joined(0x92, [pack(type), rest])),
  hostileValue,
);
