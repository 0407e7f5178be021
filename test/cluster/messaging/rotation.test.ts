import { describe, expect, it } from '@jest/globals';
import { Rotation } from '../../../src/cluster/messaging/rotation.js';
import type { Member } from '../../../src/membership/membership.js';
import { memberOf } from '../../support/members.js';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => memberOf(name)) as [Member, Member, Member, Member];

describe('the rotation of requests', () => {
  const turns = (rotation: Rotation, choices: readonly (readonly Member[])[], pattern = 'x') =>
    choices.map((members) => rotation.next(pattern, members)?.name).join('');

  it('gives everybody its turn', () => {
    const all = [a, b, c];
    expect(turns(new Rotation(), [all, all, all, all, all, all])).toBe('abcabc');
  });

  it('is fair among the members of each call, though the calls have others to choose from', () => {
    const calls = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? [a, b] : [c, d]));
    expect(turns(new Rotation(), calls)).toBe('acbdacbd');
  });

  it('is fair for each pattern, though their requests alternate', () => {
    const rotation = new Rotation();
    const seen = { x: '', y: '' };
    for (let i = 0; i < 4; i++) {
      for (const pattern of ['x', 'y'] as const) seen[pattern] += rotation.next(pattern, [a, b])!.name;
    }
    expect(seen).toEqual({ x: 'abab', y: 'abab' });
  });

  it('turns to a new member once, and not until it has caught up', () => {
    const rotation = new Rotation();
    turns(
      rotation,
      Array.from({ length: 10 }, () => [a, b]),
    );
    expect(
      turns(
        rotation,
        Array.from({ length: 6 }, () => [a, b, c]),
      ),
    ).toBe('cabcab');
  });

  it('gives nobody where there is nobody', () => {
    expect(new Rotation().next('x', [])).toBeUndefined();
  });

  it('forgets who is gone, and the turns of the pattern that began first beyond 1,024', () => {
    const rotation = new Rotation();
    expect(turns(rotation, [[a, b]])).toBe('a');
    rotation.forget(a.id);
    expect(turns(rotation, [[a, b]])).toBe('a');
    for (let i = 0; i < 1023; i++) rotation.next(`pattern ${i}`, [a]);
    expect(turns(rotation, [[a, b]])).toBe('b');
    rotation.next('one more', [a]);
    expect(turns(rotation, [[b, a]])).toBe('b');
  });
});
