import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { InvalidMetadataError, ProtocolViolationError } from '../../../src/errors.js';
import type { NodeId } from '../../../src/node-id.js';
import { Member } from '../../../src/membership/membership.js';
import { swimCodec } from '../../../src/membership/swim/codec.js';
import { MAX_INCARNATION, type SwimMessage } from '../../../src/membership/swim/messages.js';
import { Alone } from './alone.js';
import { anyMessage, member, messages } from './arbitraries.js';

const wire = new Packr({ useRecords: false });
const ID = '0123456789abcdef0123456789abcdef' as NodeId;
const ID_BYTES = Uint8Array.from(Buffer.from(ID, 'hex'));

function someMember(changes: Partial<Member> = {}): Member {
  return Member.of({
    id: ID,
    name: 'a',
    address: { host: '10.0.0.1', port: 7946 },
    state: 'alive',
    incarnation: 3,
    metadata: { zone: 'eu' },
    health: 'ok',
    startedAtMs: 1,
    minVersion: 1,
    maxVersion: 1,
    extra: undefined,
    ...changes,
  });
}

/** What a peer's bytes lead to: the message, or the violation's word. Anything else thrown fails the test. */
function outcome(bytes: Uint8Array): SwimMessage | string {
  try {
    return swimCodec.decode(bytes);
  } catch (error) {
    if (error instanceof ProtocolViolationError) return error.violation;
    throw error;
  }
}

const fields = (bytes: Uint8Array): unknown[] => wire.unpack(bytes) as unknown[];

describe('the codec of SWIM', () => {
  for (const [type, message] of Object.entries(messages)) {
    it(`brings ${type} back as it was`, () => {
      fc.assert(
        fc.property(message as fc.Arbitrary<SwimMessage>, (sent) => {
          expect(swimCodec.decode(Uint8Array.from(swimCodec.encode(sent)))).toEqual(sent);
        }),
      );
    });
  }

  it('brings a member record back as it was, and frozen', () => {
    fc.assert(
      fc.property(member(), (sent) => {
        const received = swimCodec.decodeMember(swimCodec.encodeMember(sent));
        expect(received).toEqual(sent);
        expect(Object.isFrozen(received.metadata)).toBe(true);
      }),
    );
  });

  it('decodes a message that lies in the middle of a larger buffer', () => {
    const sent: SwimMessage = { type: 'gossip', updates: [{ type: 'alive', member: someMember() }] };
    const bytes = swimCodec.encode(sent);
    const read = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]);
    const received = swimCodec.decode(read.subarray(6, 6 + bytes.length));
    read.fill(0xff);
    expect(received).toEqual(sent);
  });

  it('leaves fields of a newer version at the end of a message alone', () => {
    fc.assert(
      fc.property(anyMessage, (sent) => {
        const longer = wire.pack([...fields(swimCodec.encode(sent)), 'new', [1, 2]]);
        expect(swimCodec.decode(longer)).toEqual(sent);
      }),
    );
  });

  it('forwards fields of a newer version of a member byte for byte', () => {
    fc.assert(
      fc.property(member(), (sent) => {
        const bytes = swimCodec.encodeMember(sent);
        const forwarded = swimCodec.encodeMember(swimCodec.decodeMember(bytes).with({ state: 'alive' }));
        expect(forwarded).toEqual(swimCodec.encodeMember(sent.with({ state: 'alive' })));
      }),
    );
  });

  it('leaves out updates of a type that it does not know and keeps the others', () => {
    const left = [4, ID_BYTES, 9];
    expect(outcome(wire.pack([6, [[77, 'from the future'], left]]))).toEqual({
      type: 'gossip',
      updates: [{ type: 'left', id: ID, incarnation: 9 }],
    });
  });

  it('encodes a member once, however often it is gossiped', () => {
    const alive = someMember();
    expect(swimCodec.encodeMember(alive)).toBe(swimCodec.encodeMember(alive));
  });
});

describe('bytes that are no message', () => {
  it('lead to nothing but a violation, if they are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void outcome(bytes)),
      { numRuns: 5000 },
    );
  });

  it('lead to nothing but a violation, if bits of a message flip or its end is missing', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 });
    fc.assert(
      fc.property(anyMessage, flips, fc.nat(), (sent, where, cut) => {
        const bytes = Uint8Array.from(swimCodec.encode(sent));
        for (const [at, bit] of where) bytes[at % bytes.length]! ^= 1 << bit;
        outcome(bytes);
        outcome(bytes.subarray(0, cut % bytes.length));
      }),
      { numRuns: 3000 },
    );
  });

  it('lead to nothing but a violation, if any field has any other value', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.anything({ withBigInt: true }), (sent, at, value) => {
        const tuple = fields(swimCodec.encode(sent));
        tuple[at % tuple.length] = value;
        let bytes: Uint8Array;
        try {
          bytes = wire.pack(tuple);
        } catch {
          return;
        }
        outcome(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('do not overflow the stack, however deep they nest', () => {
    expect(outcome(new Uint8Array(60_000).fill(0x91))).toBe('too-deep');
    expect(outcome(new Uint8Array(60_000).fill(0x81))).toBe('malformed');
  });

  it('do not allocate for elements that are not there, nor for a flood of tiny ones', () => {
    expect(outcome(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))).toBe('truncated');
    expect(outcome(Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff))).toBe('truncated');
    expect(outcome(wire.pack(new Array(100_000).fill(null)))).toBe('too-many-values');
  });

  it('are refused with 257 updates, and taken with 256', () => {
    const gossip = (length: number) => wire.pack([6, Array.from({ length }, () => [4, ID_BYTES, 1])]);
    expect(outcome(gossip(257))).toBe('malformed');
    expect(outcome(gossip(256))).toMatchObject({ type: 'gossip' });
  });

  it('are refused with a record over 16 KiB, fields of later versions included', () => {
    const sized = (bytes: number) => gossiped((record) => record.push(new Uint8Array(bytes)));
    expect(outcome(sized(15_000))).toMatchObject({ type: 'gossip' });
    expect(outcome(sized(16_384))).toBe('member-too-long');
  });

  it('are refused with extension types, which could define records and references', () => {
    expect(outcome(wire.pack([6, [], new Date(0)]))).toBe('extension');
    expect(outcome(Uint8Array.of(0xd4, 0x72, 0x40))).toBe('extension');
  });

  it('of an unknown type are a message of a later version, no violation', () => {
    expect(outcome(wire.pack([200, 'from the future']))).toEqual({ type: 'unknown', code: 200 });
    const node = new Alone().receive(1, swimCodec.decode(wire.pack([200, 'from the future'])));
    expect(node.count('unknownMessages')).toBe(1);
    expect(node.sent).toEqual([]);
  });

  it('that are no tuple with a type are refused', () => {
    expect(outcome(wire.pack([]))).toBe('malformed');
    expect(outcome(wire.pack('ping'))).toBe('malformed');
    expect(outcome(new Uint8Array(0))).toBe('truncated');
    expect(outcome(Buffer.concat([wire.pack([6, []]), Buffer.of(0)]))).toBe('malformed');
  });

  const accused = (incarnation: unknown) => wire.pack([6, [[2, ID_BYTES, incarnation, ID_BYTES, 0]]]);

  it.each([2 ** 40 + 1, 2 ** 53, -1, 1.5, Number.NaN, Infinity, '1', null, true, 2n ** 63n])(
    'are refused with %p for an incarnation',
    (incarnation) => expect(outcome(accused(incarnation))).toBe('malformed'),
  );

  it('may name the highest incarnation', () => {
    expect(outcome(accused(MAX_INCARNATION))).toMatchObject({
      type: 'gossip',
      updates: [{ incarnation: MAX_INCARNATION }],
    });
  });

  const gossiped = (change: (record: unknown[]) => void) => {
    const record = fields(swimCodec.encodeMember(someMember()));
    change(record);
    return wire.pack([6, [[1, wire.pack(record)]]]);
  };

  it.each<[string, (record: unknown[]) => void]>([
    ['an id of 15 bytes', (record) => (record[0] = new Uint8Array(15))],
    ['an id as text', (record) => (record[0] = ID)],
    ['a name of 256 characters', (record) => (record[1] = 'x'.repeat(256))],
    ['a host with a space', (record) => (record[2] = ['a b', 1])],
    ['port 0', (record) => (record[2] = ['10.0.0.1', 0])],
    ['port 65536', (record) => (record[2] = ['10.0.0.1', 65536])],
    ['a state that it does not have', (record) => (record[3] = 4)],
    ['a state that is not its own to say', (record) => (record[3] = 1)],
    ['metadata that is a list', (record) => (record[5] = [])],
    ['metadata that is nothing', (record) => (record[5] = null)],
    ['bytes in its metadata', (record) => (record[5] = { key: Uint8Array.of(1) })],
    ['NaN in its metadata', (record) => (record[5] = { load: Number.NaN })],
    ['a health that it does not have', (record) => (record[6] = 3)],
    ['a start before 1970', (record) => (record[7] = -1)],
    ['a version range upside down', (record) => (record[8] = [2, 1])],
    ['a health reason that is no text', (record) => (record[9] = 1)],
    ['a health reason over 256 bytes', (record) => (record[9] = `${'€'.repeat(85)}xy`)],
    ['a health reason over 256 characters', (record) => (record[9] = 'x'.repeat(257))],
    ['a missing field', (record) => record.pop()],
  ])('are refused with a member with %s', (_, change) => {
    expect(outcome(gossiped(change))).toBe('malformed');
  });

  it('may give a reason of 256 bytes for a health', () => {
    const healthReason = `${'€'.repeat(85)}x`;
    expect(outcome(gossiped((record) => (record[9] = healthReason)))).toMatchObject({
      updates: [{ member: { healthReason } }],
    });
  });

  it('are refused with a member that is too long', () => {
    expect(outcome(gossiped((record) => record.push('x'.repeat(20_000))))).toBe('member-too-long');
  });

  it('cannot reach a prototype through metadata', () => {
    const metadata = JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}',
    ) as object;
    const received = outcome(gossiped((record) => (record[5] = metadata))) as Extract<
      SwimMessage,
      { type: 'gossip' }
    >;
    const update = received.updates[0]!;
    expect(update.type).toBe('alive');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const { member } = update as { member: Member };
    expect(Object.getPrototypeOf(member.metadata)).toBe(Object.prototype);
    expect((member.metadata as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('metadata that peers would refuse', () => {
  const deep = (levels: number): unknown => (levels === 0 ? {} : { inner: deep(levels - 1) });

  it.each<[string, unknown]>([
    ['a date', new Date(0)],
    ['bytes', Uint8Array.of(1)],
    ['a map', new Map()],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['Infinity', Infinity],
    ['15 levels', deep(14)],
  ])('does not leave: %s', (_, value) => {
    expect(() => swimCodec.encodeMember(someMember({ metadata: { value } }))).toThrow(InvalidMetadataError);
  });

  it('travels at the deepest level that is allowed', () => {
    const sent = someMember({ metadata: { value: deep(13) } });
    expect(swimCodec.decodeMember(swimCodec.encodeMember(sent))).toEqual(sent);
  });
});
