import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import type { NodeId } from '../../src/node-id.js';
import { Member } from '../../src/membership/membership.js';
import { View } from '../../src/membership/view.js';

function member(number: number, incarnation: number): Member {
  return Member.of({
    id: number.toString(16).padStart(32, '0') as NodeId,
    name: `n${number}`,
    address: { host: '10.0.0.1', port: 1 },
    state: 'alive',
    incarnation,
    metadata: {},
    health: 'ok',
    startedAtMs: 0,
    minVersion: 1,
    maxVersion: 1,
  });
}

type Change = { readonly kind: 'put' | 'without'; readonly number: number; readonly look: boolean };

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('put' as const, 'put' as const, 'without' as const),
  number: fc.nat(20),
  look: fc.boolean(),
});

const sorted = (model: ReadonlyMap<NodeId, Member>) =>
  [...model.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

describe('a view', () => {
  it('is what a map of its changes would be, sorted, at every moment and ever after', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const model = new Map<NodeId, Member>();
        let view = View.empty;
        const past: [View, readonly Member[]][] = [];
        changes.forEach(({ kind, number, look }, index) => {
          const one = member(number, index);
          if (kind === 'put') model.set(one.id, one);
          else model.delete(one.id);
          view = kind === 'put' ? view.put(one) : view.without(one.id);
          past.push([view, sorted(model)]);
          if (look) expect(view.members).toEqual(sorted(model));
        });
        for (const [then, expected] of past) expect(then.members).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('is frozen, and the same array each time', () => {
    const view = View.empty.put(member(1, 0));
    expect(Object.isFrozen(view.members)).toBe(true);
    expect(view.members).toBe(view.members);
  });

  it('does not change when a newer one is made of it', () => {
    const before = View.empty.put(member(1, 0));
    const after = before.put(member(1, 1)).without(member(1, 0).id);
    expect(after.members).toEqual([]);
    expect(before.members).toEqual([member(1, 0)]);
    expect(View.empty.members).toEqual([]);
  });

  it('costs little to make when nobody looks', () => {
    let view = View.empty;
    for (let number = 0; number < 5000; number++) view = view.put(member(number, 0));
    expect(view.members).toHaveLength(5000);
  });
});
