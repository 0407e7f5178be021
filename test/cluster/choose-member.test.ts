import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { oldest, ownerOf } from '../../src/cluster/choose-member.js';
import { InvalidOptionError } from '../../src/errors.js';
import type { Member } from '../../src/membership/membership.js';
import { createNodeId } from '../../src/node-id.js';
import { memberOf } from '../support/members.js';

/** A member with an id as a process makes it. */
const member = fc
  .tuple(
    fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
    fc.uint8Array({ minLength: 10, maxLength: 10 }),
  )
  .map(([atMs, random]) => memberOf('m', { id: createNodeId(atMs, random), startedAtMs: atMs }));

const view = (minLength: number, maxLength = 12) =>
  fc.uniqueArray(member, { selector: ({ id }) => id, minLength, maxLength });

/** Members as they are named, each started later than the one before. */
function started(...names: string[]): Member[] {
  return names.map((name, i) =>
    memberOf(name, { id: createNodeId(1_700_000_000_000 + i, Buffer.alloc(10, i + 1)) }),
  );
}

const keys = Array.from({ length: 6000 }, (_, i) => `key ${i}`);

function shares(members: readonly Member[]): Map<string, number> {
  const shares = new Map<string, number>(members.map(({ id }) => [id, 0]));
  for (const key of keys) {
    const { id } = ownerOf(key, members)!;
    shares.set(id, shares.get(id)! + 1);
  }
  return shares;
}

describe('the oldest member', () => {
  it('is the one that came into being first, whatever the order of the view', () => {
    const [a, b, c] = started('a', 'b', 'c');
    expect(oldest([c!, a!, b!])).toBe(a);
    expect(oldest([c!, b!])).toBe(b);
    expect(oldest([])).toBeUndefined();
  });

  it('is not changed by what a member tells of itself later', () => {
    const [a, b] = started('a', 'b');
    const boasts = b!.with({ startedAtMs: 0, incarnation: 7, metadata: { oldest: true } });
    expect(oldest([a!, boasts])).toBe(a);
  });

  it('stays until it is gone, and is the same for all who have the same view', () => {
    fc.assert(
      fc.property(view(2), (members) => {
        const first = oldest(members)!;
        expect(oldest([...members].reverse())).toBe(first);
        for (const gone of members) {
          const rest = members.filter((other) => other !== gone);
          if (gone === first) expect(oldest(rest)!.id > first.id).toBe(true);
          else expect(oldest(rest)).toBe(first);
        }
      }),
    );
  });
});

describe('the owner of a key', () => {
  it('is a member of the view, and nobody in an empty one', () => {
    expect(ownerOf('x', [])).toBeUndefined();
    const [a] = started('a');
    expect(ownerOf('', [a!])).toBe(a);
  });

  it('is the same in every process and version: these are fixed for good, and any SHA-256 gives them', () => {
    const members = started('a', 'b', 'c', 'd', 'e');
    const owners = ['', 'orders', 'user:1', 'user:2', 'ключ', '🔑'].map((key) => ownerOf(key, members)!.name);
    expect(owners).toEqual(['a', 'd', 'a', 'b', 'a', 'c']);
  });

  it('does not depend on the order of the view, nor on anything of a member but its id', () => {
    fc.assert(
      fc.property(view(1), fc.string({ unit: 'binary' }), fc.nat(), (members, key, shift) => {
        const owner = ownerOf(key, members)!;
        const at = shift % members.length;
        const other = [...members.slice(at), ...members.slice(0, at)].map((one) =>
          one.with({
            state: 'suspect',
            health: 'draining',
            metadata: { a: 1 },
            startedAtMs: 1,
            incarnation: 9,
          }),
        );
        expect(ownerOf(key, other)!.id).toBe(owner.id);
      }),
    );
  });

  it('changes for the keys of a member that goes, and for no other; and back when it comes again', () => {
    fc.assert(
      fc.property(view(2), fc.array(fc.string(), { minLength: 1, maxLength: 30 }), (members, some) => {
        for (const gone of members) {
          const rest = members.filter((other) => other !== gone);
          for (const key of some) {
            const owner = ownerOf(key, members)!;
            if (owner === gone) expect(rest).toContain(ownerOf(key, rest));
            else expect(ownerOf(key, rest)).toBe(owner);
          }
        }
      }),
    );
  });

  it('is each member for about its share of the keys', () => {
    fc.assert(
      fc.property(view(2, 8), (members) => {
        const fair = keys.length / members.length;
        // Six standard deviations of a binomial distribution.
        const room = 6 * Math.sqrt(fair * (1 - 1 / members.length));
        for (const share of shares(members).values()) expect(Math.abs(share - fair)).toBeLessThan(room);
      }),
      { numRuns: 5 },
    );
  });

  it('is a new member for about one key in n, taken evenly from the others', () => {
    const members = started('a', 'b', 'c', 'd', 'e', 'f');
    const before = members.slice(0, 5);
    const moved = keys.filter((key) => ownerOf(key, members) !== ownerOf(key, before));
    expect(moved.every((key) => ownerOf(key, members) === members[5])).toBe(true);
    expect(moved.length / keys.length).toBeGreaterThan(1 / 6 - 0.03);
    expect(moved.length / keys.length).toBeLessThan(1 / 6 + 0.03);
    for (const { id } of before) {
      const lost = moved.filter((key) => ownerOf(key, before)!.id === id).length;
      expect(lost).toBeGreaterThan(moved.length / 5 / 2);
    }
  });

  it.each([undefined, null, 5, {}])('is refused for a key that is no string: %p', (key) => {
    expect(() => ownerOf(key as string, [])).toThrow(InvalidOptionError);
    expect(() => ownerOf(key as string, [])).toThrow('Option "key" is');
  });
});
