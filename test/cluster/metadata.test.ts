import { describe, expect, it } from '@jest/globals';
import { freezeMetadata, mergeMetadata, sameMetadata } from '../../src/cluster/metadata.js';
import { InvalidMetadataError } from '../../src/errors.js';

describe('metadata', () => {
  it('is merged key by key; null removes a key, undefined leaves it', () => {
    expect(mergeMetadata({ a: 1, b: 2, d: 5 }, { b: 3, c: 4, a: null, d: undefined })).toEqual({
      b: 3,
      c: 4,
      d: 5,
    });
  });

  it('is a deep, frozen copy', () => {
    const given = { zone: { name: 'eu' }, tags: ['a'] };
    const frozen = freezeMetadata(given, 1024);
    given.zone.name = 'us';
    expect(frozen).toEqual({ zone: { name: 'eu' }, tags: ['a'] });
    expect(
      Object.isFrozen(frozen) && Object.isFrozen(frozen['zone']) && Object.isFrozen(frozen['tags']),
    ).toBe(true);
  });

  it('over the limit is refused with size and limit', () => {
    expect(() => freezeMetadata({ big: 'x'.repeat(2000) }, 1024)).toThrow(InvalidMetadataError);
    expect(() => freezeMetadata({ big: 'x'.repeat(2000) }, 1024)).toThrow(/20\d\d bytes, the limit is 1024/);
  });

  it.each([
    [{ at: new Date() }, 'metadata.at is a Date'],
    [{ nested: { fn: () => 1 } }, 'metadata.nested.fn is a function'],
    [{ bad: Number.NaN }, 'metadata.bad is NaN'],
    [{ list: [new Map()] }, 'metadata.list[0] is a Map'],
    [JSON.parse('{"a":'.repeat(9) + '1' + '}'.repeat(9)), 'nested deeper than 8 levels'],
  ])('that is not plain data is refused: %p', (metadata, problem) => {
    expect(() => freezeMetadata(metadata, 1024)).toThrow(problem);
  });

  it('with a key that cannot travel is refused', () => {
    const hostile = JSON.parse('{"deep":{"__proto__":{"admin":true}}}') as Record<string, unknown>;
    expect(() => freezeMetadata(hostile, 1024)).toThrow('metadata.deep has the key "__proto__"');
  });

  it('says whether it is over the limit or wrong in another way', () => {
    const refused = (metadata: Record<string, unknown>): unknown => {
      try {
        return freezeMetadata(metadata, 1024);
      } catch (error) {
        return (error as InvalidMetadataError).limitBytes;
      }
    };
    expect(refused({ big: 'x'.repeat(2000) })).toBe(1024);
    expect(refused({ infinite: Number.POSITIVE_INFINITY })).toBeUndefined();
  });

  it('is the same when it says the same', () => {
    expect(sameMetadata({ a: 1, b: [1] }, { b: [1], a: 1 })).toBe(true);
    expect(sameMetadata({ a: 1 }, { a: 2 })).toBe(false);
    expect(sameMetadata({ a: 1 }, { b: 1 })).toBe(false);
  });
});
