import { describe, expect, it } from '@jest/globals';
import { EventHub } from '../../src/cluster/event-hub.js';
import { MembershipEvent } from '../../src/membership/membership.js';
import { View } from '../../src/membership/view.js';
import { memberOf } from '../support/members.js';

const joined = (name: string): MembershipEvent => {
  const member = memberOf(name);
  return MembershipEvent.of('joined', member, undefined, View.empty.put(member), 0);
};

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

/** A hub, what its listeners were told, and what failed. */
function hub() {
  const seen: string[] = [];
  const failed: string[] = [];
  const events = new EventHub(
    8,
    () => [],
    (what, error) => failed.push(`${what}: ${(error as Error).message}`),
    () => 0,
  );
  return { events, seen, failed };
}

describe('the end of events', () => {
  it('is told after the last event, once, and at once to who asks later', async () => {
    const { events, seen } = hub();
    events.onEnd(() => seen.push('end'));
    events.add(({ member }) => seen.push(member.name), []);
    events.push(joined('a'));
    events.end();
    expect(seen).toEqual([]);
    await settle();
    expect(seen).toEqual(['a', 'end']);
    events.end();
    await settle();
    events.onEnd(() => seen.push('late'));
    expect(seen).toEqual(['a', 'end', 'late']);
  });

  it('is not told to a listener that was removed, nor held up by one that throws', async () => {
    const { events, seen, failed } = hub();
    events.onEnd(() => {
      throw new RangeError('bad');
    });
    const remove = events.onEnd(() => seen.push('removed'));
    events.onEnd(() => seen.push('end'));
    remove();
    events.end();
    await settle();
    expect(seen).toEqual(['end']);
    expect(failed).toEqual(['A listener of the end: bad']);
  });
});
