import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import type { MemberState } from '../../../src/membership/membership.js';
import { supersedes } from '../../../src/membership/swim/transitions.js';

interface Known {
  readonly state: MemberState;
  readonly incarnation: number;
}

const known: fc.Arbitrary<Known> = fc.record({
  state: fc.constantFrom<MemberState>('alive', 'suspect', 'unreachable', 'left'),
  incarnation: fc.nat(4),
});

const merge = (held: Known, claim: Known): Known => (supersedes(claim, held) ? claim : held);
/** All departures are one: after `left` nothing changes, whatever its incarnation. */
const normal = (value: Known): Known => (value.state === 'left' ? { state: 'left', incarnation: 0 } : value);

describe('the merge of what is held and what is claimed (invariant 7)', () => {
  it('does not depend on the order', () => {
    fc.assert(fc.property(known, known, (a, b) => expect(normal(merge(a, b))).toEqual(normal(merge(b, a)))));
  });

  it('does not depend on the grouping', () => {
    fc.assert(
      fc.property(known, known, known, (a, b, c) =>
        expect(normal(merge(merge(a, b), c))).toEqual(normal(merge(a, merge(b, c)))),
      ),
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(known, known, (a, b) => {
        expect(merge(a, a)).toBe(a);
        expect(merge(merge(a, b), b)).toEqual(merge(a, b));
      }),
    );
  });

  it('leaves the same after any history in any order', () => {
    fc.assert(
      fc.property(
        fc
          .array(known, { minLength: 1, maxLength: 8 })
          .chain((claims) =>
            fc.tuple(
              fc.constant(claims),
              fc.shuffledSubarray(claims, { minLength: claims.length, maxLength: claims.length }),
            ),
          ),
        ([claims, shuffled]) => {
          expect(normal(claims.reduce(merge))).toEqual(normal(shuffled.reduce(merge)));
        },
      ),
    );
  });
});
