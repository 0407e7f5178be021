import { describe, it, expect } from '@jest/globals';
import { Entry } from '../../../src/membership/swim/entry.js';
import { ProbeOrder } from '../../../src/membership/swim/probe-order.js';
import { memberOf } from './alone.js';

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('the probe order', () => {
  it('visits each member once a traversal, so that two turns lie at most 2n − 1 apart', () => {
    const order = new ProbeOrder(seeded(1));
    for (let i = 1; i <= 10; i++) order.insert(new Entry(memberOf(i)));
    const last = new Map<Entry, number>();
    let longest = 0;
    for (let turn = 0; turn < 5000; turn++) {
      const entry = order.next()!;
      longest = Math.max(longest, turn - (last.get(entry) ?? turn));
      last.set(entry, turn);
    }
    expect(longest).toBeLessThanOrEqual(2 * 10 - 1);
    expect(last.size).toBe(10);
  });

  it('passes nobody over when others come and go in the middle of it', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seeded(seed);
      const order = new ProbeOrder(random);
      const lasting = [1, 2, 3, 4, 5].map((i) => new Entry(memberOf(i)));
      for (const entry of lasting) order.insert(entry);
      const guests: Entry[] = [];
      const last = new Map(lasting.map((entry) => [entry, 0]));
      let longest = 0;
      for (let turn = 1; turn < 500; turn++) {
        if (random() < 0.3 && guests.length < 5) {
          const guest = new Entry(memberOf(100 + turn));
          guests.push(guest);
          order.insert(guest);
        }
        if (random() < 0.3 && guests.length > 0)
          order.remove(guests.splice(Math.floor(random() * guests.length), 1)[0]!);
        const entry = order.next()!;
        if (last.has(entry)) last.set(entry, turn);
        longest = Math.max(longest, ...[...last.values()].map((seen) => turn - seen));
      }
      expect(longest).toBeLessThanOrEqual(3 * 10);
    }
  });

  it('has nobody when it is empty', () => {
    const order = new ProbeOrder(seeded(1));
    const entry = new Entry(memberOf(1));
    order.insert(entry);
    order.remove(entry);
    expect(order.next()).toBeUndefined();
  });
});
