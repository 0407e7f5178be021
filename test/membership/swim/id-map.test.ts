import { describe, it, expect } from '@jest/globals';
import { IdDirectory, IdMap } from '../../../src/membership/swim/id-map.js';
import { peerOf } from './alone.js';

const [a, b, c] = [peerOf(1).id, peerOf(2).id, peerOf(3).id];
const one = { id: a };
const two = { id: b };

describe('a map by NodeId', () => {
  it('holds one value an id, the latest', () => {
    const map = new IdMap<object>(new IdDirectory());
    map.set(a, one);
    map.set(b, two);
    map.set(a, two);
    expect([map.get(a), map.get(b), map.get(c), map.size]).toEqual([two, two, undefined, 2]);
  });

  it('forgets what is deleted, and all when it is cleared', () => {
    const map = new IdMap<object>(new IdDirectory());
    for (const id of [a, b, c]) map.set(id, one);
    map.delete(b);
    map.delete(b);
    expect([map.get(b), map.get(c), map.size]).toEqual([undefined, one, 2]);
    map.clear();
    expect([map.get(a), map.get(c), map.size]).toEqual([undefined, undefined, 0]);
  });

  it('is not disturbed by another one over the same directory', () => {
    const directory = new IdDirectory();
    const [mine, yours] = [new IdMap<object>(directory), new IdMap<object>(directory)];
    mine.set(a, one);
    yours.set(b, two);
    yours.set(a, two);
    mine.delete(a);
    expect([mine.get(a), mine.get(b), yours.get(a), yours.get(b)]).toEqual([undefined, undefined, two, two]);
  });

  it('puts what is listed beside what it holds: the last where an id is listed twice', () => {
    const map = new IdMap<object>(new IdDirectory());
    map.set(b, two);
    map.set(a, one);
    const again = { id: a };
    const listed = map.arrange([{ id: c }, one, again]);
    const seen: unknown[] = [];
    map.each((value, number) => seen.push([value, listed[number]]));
    expect(seen).toEqual([
      [two, undefined],
      [one, again],
    ]);
    expect((seen[1] as unknown[])[1]).toBe(again);
  });
});

describe('a directory of ids', () => {
  it('gives a number away again when nobody remembers its id any more', () => {
    const directory = new IdDirectory();
    const [mine, yours] = [new IdMap<object>(directory), new IdMap<object>(directory)];
    mine.set(a, one);
    yours.set(a, one);
    const number = directory.numberOf(a);
    mine.delete(a);
    expect(directory.numberOf(a)).toBe(number);
    yours.clear();
    expect([directory.numberOf(a), directory.size]).toEqual([undefined, 0]);
    yours.set(b, two);
    expect([directory.numberOf(b), mine.get(b), yours.get(b)]).toEqual([number, undefined, two]);
  });
});
