import { describe, expect, it } from '@jest/globals';
import { Readers } from '../../src/cluster/readers.js';

async function take<T>(reader: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for (let i = 0; i < count; i++) {
    const { done, value } = await reader.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

describe('readers of a sequence', () => {
  const gap = (missed: number): string => `missed ${missed}`;

  it('each get every item from the moment they were opened', async () => {
    const readers = new Readers<string>(8, gap);
    const early = readers[Symbol.asyncIterator]();
    readers.push('a');
    const late = readers[Symbol.asyncIterator]();
    readers.push('b');
    expect(await take(early, 2)).toEqual(['a', 'b']);
    expect(await take(late, 1)).toEqual(['b']);
  });

  it('wake up when an item comes', async () => {
    const readers = new Readers<string>(8, gap);
    const reader = readers[Symbol.asyncIterator]();
    const next = reader.next();
    readers.push('a');
    expect(await next).toEqual({ done: false, value: 'a' });
  });

  it('get a gap that counts what they missed when they are too slow, and go on behind it', async () => {
    const readers = new Readers<string>(2, gap);
    const slow = readers[Symbol.asyncIterator]();
    for (const item of ['a', 'b', 'c', 'd']) readers.push(item);
    expect(await take(slow, 1)).toEqual(['missed 4']);
    readers.push('e');
    expect(await take(slow, 1)).toEqual(['e']);
  });

  it('do not slow each other down', async () => {
    const readers = new Readers<string>(2, gap);
    readers[Symbol.asyncIterator]();
    const quick = readers[Symbol.asyncIterator]();
    const seen: string[] = [];
    for (const item of ['a', 'b', 'c', 'd']) {
      readers.push(item);
      seen.push(...(await take(quick, 1)));
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  it('end after what they have not read, and a later one ends at once', async () => {
    const readers = new Readers<string>(8, gap);
    const reader = readers[Symbol.asyncIterator]();
    readers.push('a');
    readers.end();
    expect(await take(reader, 2)).toEqual(['a']);
    expect(await readers[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });

  it('stop getting items when their loop is left', async () => {
    const readers = new Readers<string>(8, gap);
    readers.push('unseen');
    const seen: string[] = [];
    const loop = (async () => {
      for await (const item of readers) {
        seen.push(item);
        break;
      }
    })();
    readers.push('a');
    await loop;
    readers.push('b');
    expect(seen).toEqual(['a']);
  });
});
