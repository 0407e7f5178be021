import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  Kind,
  Patterns,
  decodeMeta,
  encodePatternMeta,
  encodeRawMeta,
} from '../../../src/cluster/messaging/envelope.js';
import { InvalidOptionError, ProtocolViolationError } from '../../../src/errors.js';

const patternText = fc
  .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  .filter((text) => !/[*>]/.test(text));
const headers = fc.option(
  fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 40 }), { maxKeys: 8 }),
  {
    nil: undefined,
  },
);

/** Lone surrogates cannot travel as UTF-8; what arrives is the replacement character. */
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
const plain = (given: Record<string, string> | undefined) =>
  Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => [wellFormed(name), wellFormed(value)]),
  );

describe('the header of a message', () => {
  it('tells patterns apart that look alike', () => {
    // The same length, first and last letter: what is remembered of one must not be taken for the other.
    for (const pattern of ['price', 'prose', 'price', 'prune']) {
      const { bytes } = new Patterns().of(pattern);
      expect(decodeMeta(Kind.event, encodePatternMeta(bytes, undefined)).pattern).toBe(pattern);
    }
  });

  it('comes back as it went, for every kind', () => {
    fc.assert(
      fc.property(patternText, headers, (pattern, given) => {
        const { bytes } = new Patterns().of(pattern);
        const expected = { pattern: wellFormed(pattern), headers: plain(given) };
        for (const kind of [Kind.event, Kind.request])
          expect({ ...decodeMeta(kind, encodePatternMeta(bytes, given)) }).toEqual(expected);
        for (const kind of [Kind.raw, Kind.reply, Kind.failure])
          expect({ ...decodeMeta(kind, encodeRawMeta(given)) }).toEqual({ ...expected, pattern: '' });
      }),
    );
  });

  it('refuses bytes that are no header with a protocol violation and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (kind, bytes) => {
        try {
          decodeMeta(kind, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolationError);
        }
      }),
    );
  });

  it('carries a header named __proto__ as a header', () => {
    const decoded = decodeMeta(Kind.raw, encodeRawMeta({ ['__proto__']: 'x', a: 'b' }));
    expect(Object.getPrototypeOf(decoded.headers)).toBe(Object.prototype);
    expect(Object.keys(decoded.headers)).toEqual(['__proto__', 'a']);
  });

  it.each([
    ['', 'must be a non-empty string'],
    ['prices.*', 'must not contain * or >'],
    ['prices.>', 'must not contain * or >'],
    ['x'.repeat(1025), 'at most 1024 bytes'],
  ])('refuses the pattern %j', (pattern, problem) => {
    expect(() => new Patterns().of(pattern)).toThrow(InvalidOptionError);
    expect(() => new Patterns().of(pattern)).toThrow(problem);
  });

  it('refuses headers over their limits', () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`h${i}`, '']));
    expect(() => encodeRawMeta(many)).toThrow('at most 32');
    expect(() => encodeRawMeta({ big: 'x'.repeat(4096) })).toThrow('4096');
    expect(() => encodeRawMeta({ bad: 1 as unknown as string })).toThrow('must be a string');
  });

  it('keeps the messages of one pattern in one of 64 streams', () => {
    const patterns = new Patterns();
    const streams = new Set(Array.from({ length: 500 }, (_, i) => patterns.of(`pattern-${i}`).stream));
    expect(Math.min(...streams)).toBe(0);
    expect(Math.max(...streams)).toBe(63);
    expect(patterns.of('pattern-7').stream).toBe(new Patterns().of('pattern-7').stream);
  });
});
