import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { messagePack } from '../../../src/cluster/messaging/msgpack-serializer.js';
import { SerializationError } from '../../../src/errors.js';

const { serialize, deserialize } = messagePack();
const roundTrip = (value: unknown): unknown => deserialize(serialize(value));

class Money {
  constructor(readonly cents: number) {}
}

describe('the default serializer', () => {
  it.each([
    [undefined],
    [null],
    [true],
    [0],
    [-1.5],
    [2 ** 53],
    ['text'],
    [new Date('2026-01-01T00:00:00.123Z')],
    [[1, [2, { three: 3 }]]],
    [{ a: { b: undefined } }],
    [2n ** 62n],
  ])('carries %p', (value) => {
    expect(roundTrip(value)).toEqual(value);
  });

  it('carries bytes inside of values', () => {
    expect(
      Buffer.from((roundTrip({ bytes: new Uint8Array([1, 2]) }) as { bytes: Uint8Array }).bytes),
    ).toEqual(Buffer.from([1, 2]));
  });

  it('gives bytes inside of values that stay as they are', () => {
    const first = roundTrip({ bytes: new Uint8Array([1, 2]) }) as { bytes: Uint8Array };
    roundTrip({ other: new Uint8Array([3, 4, 5]) });
    expect([...first.bytes]).toEqual([1, 2]);
  });

  it('carries the fields of a class instance', () => {
    expect(roundTrip(new Money(5))).toEqual({ cents: 5 });
  });

  it('carries any plain data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__":'));
        expect(roundTrip(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  it.each([
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['an Error', new Error('x')],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a promise', Promise.resolve()],
    ['a regular expression', /x/],
    ['another typed array', new Float32Array(1)],
    ['a cycle', cyclic],
    ['a bigint of more than 64 bits', 2n ** 65n],
    ['a key that cannot travel', JSON.parse('{"__proto__":1}')],
  ])('refuses %s rather than mangle it', (_, value) => {
    expect(() => serialize({ nested: [value] })).toThrow(SerializationError);
  });

  it('refuses bytes that would overflow the stack, define a record, or are cut', () => {
    const bad = [
      Buffer.alloc(60_000, 0x91),
      Buffer.from('d4720140', 'hex'),
      Buffer.from('c7', 'hex'),
      Buffer.alloc(0),
    ];
    for (const bytes of bad) expect(() => deserialize(bytes)).toThrow(SerializationError);
  });

  it('throws nothing but its own error for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          deserialize(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
        }
      }),
    );
  });

  it('never touches a prototype', () => {
    const value = deserialize(Buffer.from('81a95f5f70726f746f5f5f81a17801', 'hex')) as { x?: number };
    expect(value.x).toBeUndefined();
  });
});
