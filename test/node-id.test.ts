import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { InvalidNodeIdError } from '../src/errors.js';
import {
  NODE_ID_BYTES,
  createNodeId,
  isNodeId,
  parseNodeId,
  readNodeId,
  writeNodeId,
} from '../src/node-id.js';

const epochMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const randomBytes = fc.uint8Array({ minLength: 10, maxLength: 16 });

describe('a node id', () => {
  it('is 32 lowercase hexadecimal digits: the time, then the random bytes', () => {
    expect(createNodeId(0x0123456789ab, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 99))).toBe(
      '0123456789ab000102030405060708ff',
    );
    fc.assert(
      fc.property(epochMs, randomBytes, (time, bytes) =>
        expect(isNodeId(createNodeId(time, bytes))).toBe(true),
      ),
    );
  });

  it('takes a time with a fraction', () => {
    expect(createNodeId(1.9, new Uint8Array(10))).toBe(createNodeId(1, new Uint8Array(10)));
  });

  it('sorts by the time of its creation', () => {
    fc.assert(
      fc.property(epochMs, epochMs, randomBytes, randomBytes, (a, b, ofA, ofB) => {
        fc.pre(a < b);
        expect(createNodeId(a, ofA) < createNodeId(b, ofB)).toBe(true);
      }),
    );
  });

  it('comes back from its bytes, and sorts as they do', () => {
    fc.assert(
      fc.property(epochMs, randomBytes, epochMs, randomBytes, fc.nat(5), (t, r, t2, r2, offset) => {
        const id = createNodeId(t, r);
        const other = createNodeId(t2, r2);
        const bytes = new Uint8Array(offset + NODE_ID_BYTES * 2);
        const middle = writeNodeId(id, bytes, offset);
        expect(middle).toBe(offset + NODE_ID_BYTES);
        expect(writeNodeId(other, bytes, middle)).toBe(bytes.length);
        expect(readNodeId(bytes, offset)).toBe(id);
        expect(readNodeId(bytes, middle)).toBe(other);
        const order = Buffer.compare(bytes.subarray(offset, middle), bytes.subarray(middle));
        expect(Math.sign(order)).toBe(id < other ? -1 : id > other ? 1 : 0);
      }),
    );
  });

  it('is taken from text only when it is written exactly so', () => {
    const id = '0123456789abcdef0123456789abcdef';
    expect(parseNodeId(id)).toBe(id);
    for (const wrong of [
      '',
      id.slice(1),
      `${id}0`,
      id.toUpperCase(),
      `${id.slice(1)}g`,
      ` ${id.slice(1)}`,
      `${id}\n`,
    ]) {
      expect(() => parseNodeId(wrong)).toThrow(InvalidNodeIdError);
    }
    for (const wrong of [undefined, null, 7, {}, [id]]) expect(isNodeId(wrong)).toBe(false);
  });
});
