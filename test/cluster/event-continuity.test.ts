import { describe, expect, it } from '@jest/globals';
import { EventContinuity } from '../../src/cluster/event-continuity.js';
import { MembershipEvent, type MembershipEventType } from '../../src/membership/membership.js';
import { View } from '../../src/membership/view.js';
import { memberOf } from '../support/members.js';

const view = View.empty;
const event = (type: MembershipEventType, name: string, changes = {}): MembershipEvent =>
  MembershipEvent.of(type, memberOf(name, changes), undefined, view, 0);

describe('events across a change of identity', () => {
  it('pass through unchanged while nothing changes', () => {
    const continuity = new EventContinuity();
    const joined = event('joined', 'a');
    expect(continuity.admit(joined, view)).toBe(joined);
  });

  it('do not tell again of a member that is met again as it was', () => {
    const continuity = new EventContinuity();
    continuity.admit(event('joined', 'a'), view);
    continuity.restart();
    expect(continuity.admit(event('joined', 'a'), view)).toBeUndefined();
    expect(continuity.settle(view, 0)).toEqual([]);
  });

  it('tell what differs from before', () => {
    const continuity = new EventContinuity();
    continuity.admit(event('joined', 'a'), view);
    continuity.admit(event('joined', 'b'), view);
    continuity.admit(event('suspected', 'b', { state: 'suspect' }), view);
    continuity.restart();
    expect(continuity.admit(event('joined', 'a', { incarnation: 3 }), view)?.type).toBe('updated');
    expect(continuity.admit(event('joined', 'b', { incarnation: 1 }), view)?.type).toBe('recovered');
  });

  it('end with unreachable for a member that is not met again', () => {
    const continuity = new EventContinuity();
    continuity.admit(event('joined', 'a'), view);
    continuity.restart();
    const [lost] = continuity.settle(view, 5);
    expect(lost).toMatchObject({ type: 'unreachable', member: { name: 'a', state: 'unreachable' }, atMs: 5 });
    expect(continuity.settle(view, 6)).toEqual([]);
  });

  it('tell nothing of a member that has left, whatever the new protocol hears of it', () => {
    const continuity = new EventContinuity();
    continuity.admit(event('joined', 'a'), view);
    continuity.admit(event('left', 'a', { state: 'left' }), view);
    continuity.restart();
    expect(continuity.admit(event('joined', 'a'), view)).toBeUndefined();
    expect(continuity.admit(event('left', 'a', { state: 'left' }), view)).toBeUndefined();
  });

  it('remember the last 4,096 members that have left', () => {
    const continuity = new EventContinuity();
    for (let i = 0; i <= 4096; i++) continuity.admit(event('left', `m${i}`, { state: 'left' }), view);
    expect(continuity.admit(event('joined', 'm1'), view)).toBeUndefined();
    expect(continuity.admit(event('joined', 'm0'), view)?.type).toBe('joined');
  });

  it('give the addresses of the members that have to be met again', () => {
    const continuity = new EventContinuity();
    continuity.admit(event('joined', 'a'), view);
    expect(continuity.restart()).toEqual([memberOf('a').address]);
  });

  it('do not wait for members that were gone before', () => {
    const continuity = new EventContinuity();
    continuity.admit(event('joined', 'a'), view);
    continuity.admit(event('left', 'a', { state: 'left' }), view);
    continuity.restart();
    expect(continuity.settle(view, 0)).toEqual([]);
  });
});
