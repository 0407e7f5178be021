import { describe, it, expect } from '@jest/globals';
import type { Update } from '../../../src/membership/swim/messages.js';
import { Alone, aliveOf, memberOf, peerOf } from './alone.js';

/** Shorter than it takes to doubt the others, who never answer here. */
const CONFLICT_MS = 900;

/** A node with three members, whose dial to the first was answered by another; `linked`: beside a link that is open. */
function replaced(linked: boolean): Alone {
  const node = new Alone({ conflictMs: CONFLICT_MS }).with(3);
  if (linked) node.swim.link(peerOf(1), 'up');
  answeredByAnother(node);
  return node;
}

function answeredByAnother(node: Alone): void {
  node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
}

function notices(node: Alone): string[] {
  return node.notices.map(({ type }) => type);
}

/** Somebody else's verdict on member 1: on refusals where there are witnesses, else because it was replaced. */
function hardVerdict(incarnation: number, witnesses: readonly number[] = []): Update {
  return {
    type: 'unreachable',
    id: peerOf(1).id,
    incarnation,
    by: peerOf(2).id,
    kind: 'hard',
    witnesses: witnesses.map((i) => peerOf(i).id),
  };
}

describe('a member that was replaced at its address and lives', () => {
  it('is in conflict when it answers, though its refutation has ended the suspicion before', () => {
    const node = replaced(true);
    node.run(5).hear(1, aliveOf(1, 0)).hear(2, aliveOf(1, 1));
    expect([node.state(1), notices(node)]).toEqual(['alive', []]);
    node.answer(1);
    expect(notices(node)).toEqual(['address-conflict']);
  });

  it('is in conflict by its own refutation, where no link leads to it', () => {
    const node = replaced(false);
    node.run(100).hear(1, aliveOf(1, 1));
    expect(notices(node)).toEqual(['address-conflict']);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'recovered']);
  });

  it('is in conflict when it comes back after the verdict', () => {
    const node = replaced(false);
    node.run(600).hear(1, aliveOf(1, 1));
    expect(notices(node)).toEqual(['address-conflict']);
    expect(node.eventsAbout(1)).toEqual(['suspected', 'unreachable', 'joined']);
  });

  it('is told of once, whatever it says afterwards', () => {
    const node = replaced(true);
    node.run(5).answer(1);
    node.hear(1, aliveOf(1, 1), aliveOf(1, 2));
    answeredByAnother(node);
    node.hear(1, aliveOf(1, 3));
    expect(notices(node)).toEqual(['address-conflict']);
  });

  it('is not retired by hard evidence of others for a while, and then is', () => {
    const node = replaced(false);
    node
      .run(100)
      .hear(1, aliveOf(1, 1))
      .hear(2, hardVerdict(1, [3]));
    expect(node.state(1)).toBe('suspect');
    node
      .hear(1, aliveOf(1, 2))
      .run(CONFLICT_MS)
      .hear(1, aliveOf(1, 50))
      .hear(2, hardVerdict(50, [3]));
    expect(node.state(1)).toBe('unreachable');
  });

  it('goes for whoever took the verdict, without a word, once it has come back', () => {
    const node = new Alone({ conflictMs: CONFLICT_MS })
      .with(3)
      .hear(2, hardVerdict(0))
      .hear(1, aliveOf(1, 1));
    answeredByAnother(node);
    node.hear(2, hardVerdict(1));
    expect([node.state(1), notices(node), node.count('replaced')]).toEqual(['suspect', [], 0]);
    expect(node.eventsAbout(1)).toEqual(['unreachable', 'joined', 'suspected']);
  });

  it('came back from refusals that were witnessed: that is no conflict', () => {
    const node = new Alone({ conflictMs: CONFLICT_MS })
      .with(3)
      .hear(2, hardVerdict(0, [3]))
      .hear(1, aliveOf(1, 1));
    answeredByAnother(node);
    expect([node.state(1), node.count('replaced')]).toEqual(['suspect', 1]);
  });
});

describe('a member that was replaced at its address', () => {
  it('is in no conflict by what others say of it, but is not judged in haste again for a while', () => {
    const node = replaced(false);
    node.run(100).hear(2, aliveOf(1, 1));
    answeredByAnother(node);
    expect([node.state(1), notices(node), node.count('replaced')]).toEqual(['alive', [], 1]);
    node.run(CONFLICT_MS).hear(1, aliveOf(1, 50));
    answeredByAnother(node);
    expect([node.state(1), node.count('replaced')]).toEqual(['suspect', 2]);
  });

  it('is in no conflict by an answer that it gave before', () => {
    const node = new Alone({ conflictMs: CONFLICT_MS }).with(3);
    while (node.sentOf('ping', 1).length === 0) node.run(10);
    answeredByAnother(node);
    node.run(5).answer(1);
    expect(notices(node)).toEqual([]);
    // Its relays were silent, so this node doubts itself and waits a little longer.
    expect(node.run(2_000).state(1)).toBe('unreachable');
  });

  it('is in no conflict when it repeats what was known of it', () => {
    const node = replaced(false);
    node.run(100).hear(1, aliveOf(1, 0));
    expect(notices(node)).toEqual([]);
  });

  it('is in no conflict when it has moved elsewhere', () => {
    const node = replaced(false);
    const moved: Update = { type: 'alive', member: memberOf(1, 1, { address: peerOf(7).address }) };
    node.run(100).hear(1, moved);
    expect([node.state(1), notices(node)]).toEqual(['alive', []]);
  });

  it('is in no conflict when it says that it leaves', () => {
    const node = replaced(true);
    node.run(5).hear(1, { type: 'left', id: peerOf(1).id, incarnation: 1 });
    node.answer(1);
    expect([node.state(1), notices(node)]).toEqual(['left', []]);
  });
});
