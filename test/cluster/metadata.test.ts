import { describe, expect, it } from '@jest/globals';
import { freezeMetadata, mergeMetadata } from '../../src/cluster/metadata.js';
import { InvalidMetadataError } from '../../src/errors.js';

describe('metadata', () => {
  it('is merged key by key, and null removes a key', () => {
    expect(mergeMetadata({ a: 1, b: 2 }, { b: 3, c: 4, a: null })).toEqual({ b: 3, c: 4 });
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
    [{ bad: Number.NaN }, 'metadata.bad is a number'],
    [{ list: [new Map()] }, 'metadata.list[0] is a Map'],
  ])('that is not plain data is refused: %p', (metadata, problem) => {
    expect(() => freezeMetadata(metadata, 1024)).toThrow(problem);
  });

  it('that looks like a prototype is data', () => {
    const frozen = freezeMetadata(
      JSON.parse('{"__proto__":{"admin":true}}') as Record<string, unknown>,
      1024,
    );
    expect((frozen as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.keys(frozen)).toEqual(['__proto__']);
  });
});
