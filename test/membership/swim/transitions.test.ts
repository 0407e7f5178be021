import { describe, it, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { transitions } from '../../../src/membership/swim/transitions.js';
import type { Transition } from '../../../src/membership/swim/transitions.js';
import type { Update } from '../../../src/membership/swim/messages.js';
import { Alone, aliveOf, leftOf, memberOf, suspectOf, unreachableOf } from './alone.js';

const SUBJECT = 1;
const OTHER = 2;
const HELD = 5;

/** The claims that a row stands for: the incarnations that its relation allows. */
function incarnationsOf(row: Transition): number[] {
  const all = { lower: HELD - 1, equal: HELD, higher: HELD + 1 };
  return row.incarnation === 'any' ? Object.values(all) : [all[row.incarnation]];
}

function claimOf(row: Transition, incarnation: number): Update {
  switch (row.claim) {
    case 'alive':
      return aliveOf(SUBJECT, incarnation, { metadata: { changed: true } });
    case 'suspect':
      return suspectOf(SUBJECT, OTHER, incarnation);
    case 'unreachable':
      return unreachableOf(SUBJECT, OTHER, incarnation);
    case 'left':
      return leftOf(SUBJECT, incarnation);
  }
}

/** A node that holds the subject in the row's state, at incarnation {@link HELD}. */
function holding(state: Transition['held']): Alone {
  const node = new Alone();
  node.meet(memberOf(OTHER));
  if (state !== 'unknown') node.hear(OTHER, aliveOf(SUBJECT, HELD));
  if (state === 'suspect') node.hear(OTHER, suspectOf(SUBJECT, 9, HELD));
  if (state === 'unreachable') node.hear(OTHER, unreachableOf(SUBJECT, 9, HELD));
  if (state === 'left') node.hear(OTHER, leftOf(SUBJECT, HELD));
  node.events.length = 0;
  return node;
}

describe('a member as one observer sees it', () => {
  for (const row of transitions) {
    const condition = row.needs === undefined ? '' : ', by its own word';
    it(`held ${row.held}, claimed ${row.claim} at ${row.incarnation} incarnation${condition}: becomes ${row.becomes}`, () => {
      for (const incarnation of incarnationsOf(row)) {
        const node = holding(row.held);
        if (row.needs === 'contact') {
          node.hear(OTHER, claimOf(row, incarnation));
          expect(node.state(SUBJECT)).toBe(row.held);
        }
        // Others could not have heard a leave below a known incarnation: see "Who may say what".
        const isForged = row.claim === 'left' && incarnation < HELD;
        node.hear(row.needs === 'contact' || isForged ? SUBJECT : OTHER, claimOf(row, incarnation));
        expect(node.state(SUBJECT)).toBe(row.becomes);
        const event = row.event === 'updated?' ? 'updated' : row.event;
        expect(node.eventsAbout(SUBJECT)).toEqual(event === undefined ? [] : [event]);
      }
    });
  }

  it('is not reported as updated when only its incarnation rose', () => {
    const node = holding('alive');
    node.hear(OTHER, aliveOf(SUBJECT, HELD + 1));
    expect(node.eventsAbout(SUBJECT)).toEqual([]);
    expect(node.swim.view.members.find(({ name }) => name === 'm1')?.incarnation).toBe(HELD + 1);
  });

  it('has a row for every state, claim and relation', () => {
    for (const held of ['unknown', 'alive', 'suspect', 'unreachable', 'left']) {
      for (const claim of ['alive', 'suspect', 'unreachable', 'left']) {
        const relations = transitions
          .filter((row) => row.held === held && row.claim === claim)
          .map((row) => row.incarnation);
        expect([['any'], ['lower', 'equal', 'higher']]).toContainEqual(relations);
      }
    }
  });

  it('is described by the same table in docs/PROTOCOL.md', () => {
    const text = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');
    const rows = text
      .split('\n')
      .filter((line) => /^\| (unknown|alive|suspect|unreachable|left) +\|/.test(line));
    expect(
      rows.map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
    ).toEqual(
      transitions.map((row) => [
        row.held,
        row.claim,
        row.incarnation,
        row.becomes,
        row.event ?? '—',
        row.needs === undefined ? '' : 'contact',
      ]),
    );
  });
});
