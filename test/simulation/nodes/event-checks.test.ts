import { describe, expect, it } from '@jest/globals';
import type { ClusterNode } from '../../../src/cluster/node.js';
import { MembershipEvent, type MembershipEventType } from '../../../src/membership/membership.js';
import { View } from '../../../src/membership/view.js';
import { EventChecks } from '../../../src/simulation/nodes/event-checks.js';
import { Findings } from '../../../src/simulation/nodes/findings.js';
import { memberOf } from '../../support/members.js';

const self = memberOf('a');
const other = memberOf('b');
const third = memberOf('c');

/** What is found when a node tells these things of another one, each with the view that follows. */
function found(...told: readonly (readonly [MembershipEventType, View])[]): string[] {
  const findings = new Findings(() => 0);
  const checks = new EventChecks('a', { local: self } as ClusterNode, findings);
  for (const [type, view] of told) checks.event(MembershipEvent.of(type, other, undefined, view, 0));
  return findings.all.map(({ invariant }) => invariant);
}

const alone = View.empty.put(self);
const both = alone.put(other);

describe('the events of a node', () => {
  it('may tell the whole life of a member', () => {
    const life = [
      ['joined', both],
      ['updated', both],
      ['suspected', both],
      ['updated', both],
      ['recovered', both],
      ['unreachable', alone],
      ['joined', both],
      ['left', alone],
    ] as const;
    expect(found(...life)).toEqual([]);
  });

  it.each<readonly MembershipEventType[]>([
    ['updated'],
    ['suspected'],
    ['joined', 'joined'],
    ['joined', 'recovered'],
    ['joined', 'suspected', 'suspected'],
    ['joined', 'left', 'joined'],
    ['joined', 'unreachable', 'left'],
    ['joined', 'unreachable', 'recovered'],
    ['joined', 'unreachable', 'suspected'],
  ])('break the grammar with %s %s %s', (...types) => {
    const told = types.map(
      (type) => [type, type === 'left' || type === 'unreachable' ? alone : both] as const,
    );
    expect(found(...told)).toContain('grammar');
  });

  it('have to add up to the view', () => {
    expect(found(['joined', alone])).toEqual(['view-is-fold']);
    expect(found(['joined', both.put(third)])).toEqual(['view-is-fold']);
    expect(found(['joined', both], ['left', both])).toEqual(['view-is-fold']);
  });

  it('begin before the first message', () => {
    const findings = new Findings(() => 0);
    const checks = new EventChecks('a', { local: self } as ClusterNode, findings);
    checks.message(self.id);
    checks.event(MembershipEvent.of('joined', other, undefined, both, 0));
    checks.message(other.id);
    expect(findings.first).toBeUndefined();
    checks.message(third.id);
    expect(findings.first?.invariant).toBe('joined-first');
  });
});
