import { describe, expect, it } from '@jest/globals';
import { NameConflictError } from '../../../src/errors.js';
import type { Member } from '../../../src/membership/membership.js';
import type { Join } from '../../../src/membership/swim/messages.js';
import { Alone, memberOf, peerOf } from './alone.js';

/** Member `i`, as a peer whose certificate proves a name. */
const proven = (i: number, provenName: string) => ({ ...peerOf(i), provenName });
const join = (member: Member): Join => ({ type: 'join', attempt: 7, member });
const named = (i: number, name: string) => memberOf(i, 0, { name });

describe('where certificates prove names', () => {
  it('a joiner whose record has another name than its certificate is refused', () => {
    const node = new Alone();
    node.swim.receive(proven(1, 'liar'), join(named(1, 'mayor')));
    expect(node.sentOf('joinRefused', 1)[0]!.message.reason).toMatch(/another name than the certificate/);
    expect(node.swim.member(peerOf(1).id)).toBeUndefined();
  });

  it('so is its record on the payload lane, and what it gossips of itself is not heard', () => {
    const node = new Alone().with(1);
    expect(node.swim.introduce(named(1, 'mayor'), 'liar')).toBe('refuse');
    const renamed = memberOf(1, 5, { name: 'mayor' });
    node.swim.receive(proven(1, memberOf(1).name), {
      type: 'gossip',
      updates: [{ type: 'alive', member: renamed }],
    });
    expect(node.swim.member(peerOf(1).id)!.name).toBe(memberOf(1).name);
    expect(node.swim.counters['misnamed']).toBe(1);
  });

  it('a second node of a name is refused while the first has a link, and both sides hear why', () => {
    const node = new Alone().with(1);
    node.swim.link(peerOf(1), 'up');
    const { name, id } = memberOf(1);
    node.swim.receive(proven(2, name), join(named(2, name)));
    expect(node.sentOf('joinRefused', 2)[0]!.message.reason).toMatch(
      new RegExp(`live member \\(${id} at .* same name`),
    );
    const [notice] = node.notices;
    expect(notice).toMatchObject({
      type: 'name-conflict',
      error: { nodeName: name, ids: [id, peerOf(2).id] },
    });
    expect((notice as { error: Error }).error).toBeInstanceOf(NameConflictError);
  });

  it('it waits while the first may have died, which is looked after, and is admitted then', () => {
    const node = new Alone().with(1);
    const { name } = memberOf(1);
    node.swim.receive(proven(2, name), join(named(2, name)));
    expect(node.sentOf('joinWait', 2)).toHaveLength(1);
    node.run(1000);
    expect(node.sentOf('ping', 1).length).toBeGreaterThan(0);
    expect(node.swim.introduce(named(2, name), name)).toBe('wait');
    expect(node.sentOf('ping', 2)).toEqual([]);
    node.hear(1, { type: 'left', id: peerOf(1).id, incarnation: 1 });
    node.swim.receive(proven(2, name), join(named(2, name)));
    node.answer(2);
    expect(node.eventsAbout(2)).toEqual(['joined']);
  });
});

describe('two of one name that started at the same moment', () => {
  it('are heard of when the second enters the view, whoever admitted it', () => {
    const node = new Alone().with(2);
    const { name, id } = memberOf(1);
    node.swim.receive(proven(2, memberOf(2).name), {
      type: 'gossip',
      updates: [{ type: 'alive', member: named(3, name) }],
    });
    expect(node.notices).toMatchObject([{ type: 'name-conflict', error: { ids: [id, peerOf(3).id] } }]);
    expect(node.state(3)).toBe('alive');
  });

  it('have credit with each other all the same: a member is no rival', () => {
    const node = new Alone().with(2);
    node.hear(1, { type: 'alive', member: named(3, memberOf(1).name) });
    expect(node.swim.introduce(named(3, memberOf(1).name), memberOf(1).name)).toBe('grant');
  });

  it('of which this node is one: the other is refused', () => {
    const node = new Alone();
    const { name, id } = node.swim.local;
    node.swim.receive(proven(1, name), join(named(1, name)));
    expect(node.sentOf('joinRefused', 1)[0]!.message.reason).toMatch(
      new RegExp(`live member \\(${id} .* same name`),
    );
  });
});

describe('where nothing proves names', () => {
  it('two nodes may have the same one', () => {
    const node = new Alone().with(1);
    node.swim.link(peerOf(1), 'up');
    node.receive(2, join(named(2, memberOf(1).name)));
    node.answer(2);
    expect(node.eventsAbout(2)).toEqual(['joined']);
  });
});
