import { describe, expect, it } from '@jest/globals';
import type { Attacker } from './attacker.js';
import type { Course } from './campaign.js';
import type { Finish } from './cluster-process.js';
import { AGAINST_INSIDERS, AGAINST_OUTSIDERS, problems, type Rules } from './judge.js';

const memory = { rss: 100, heap: 10, external: 1, buffers: 1 };
const messages = {
  ...{ sent: 9, acknowledged: 9, received: 9, refused: 0, uncertain: 0 },
  ...{ doubled: 0, unordered: 0, underway: 0, owed: 0 },
};
const requests = { asked: 9, answered: 9, wrong: 0, failed: 0, underway: 0 };
const events = { suspected: 0, recovered: 0, unreachable: 0, left: 0, strangersJoined: 0 };
const log = { lines: 9, errors: [] as string[], warnings: 0, kept: [], words: {} };
const delays = { windows: 9, p99Ms: 12, medianWindowMs: 12, worstWindowMs: 20, maxMs: 30 };

const calm = {
  ...{ events, log, messages, requests, delays, memory },
  ...{ told: [], strays: [], failures: {}, nodes: [], handles: ['PipeWrap'], ended: true },
} satisfies Finish & { ended: boolean };

function found(
  changes: Partial<typeof calm> | Record<string, unknown>,
  rules: Rules,
  attacker = {},
): string[] {
  const course: Course = {
    ...{ seed: 1, rounds: 2, ranMs: 10_000, kept: 0, words: [], harm: [], stalls: [] },
    start: calm,
    finish: { ...calm, ...changes },
  };
  return problems(course, { hangs: [], closedByNode: 0, ...attacker } as unknown as Attacker, rules);
}

describe('the judge', () => {
  it('finds nothing wrong with a calm cluster', () => {
    expect(found({}, AGAINST_OUTSIDERS)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a live member that counted as unreachable', { events: { ...events, unreachable: 1 } }],
    ['a live member that counted as left', { events: { ...events, left: 1 } }],
    ['a message that came twice', { messages: { ...messages, doubled: 1 } }],
    ['a message that was lost', { messages: { ...messages, owed: 1 } }],
    ['a send that never settled', { messages: { ...messages, underway: 1 } }],
    ['a wrong answer', { requests: { ...requests, wrong: 1 } }],
    ['an unhandled rejection', { strays: ['unhandled rejection: x'] }],
    ['an error in the log', { log: { ...log, errors: ['a: it broke'] } }],
    ['a flood of lines', { log: { ...log, lines: 10_000 } }],
    ['memory that grew', { memory: { ...memory, rss: 151 } }],
    ['a slow event loop', { delays: { ...delays, p99Ms: 51 } }],
    ['a timer that was left', { handles: ['Timeout'] }],
    ['a process that goes on', { ended: false }],
    [
      'a node that does not see the others',
      { nodes: [{ id: 'a', status: 'ready', members: 3, seesAll: false, stats: { violations: {} } }] },
    ],
  ])('finds %s, whoever attacked', (_what, changes) => {
    expect(found(changes, AGAINST_OUTSIDERS)).not.toEqual([]);
    expect(found(changes, AGAINST_INSIDERS)).not.toEqual([]);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a suspicion', { events: { ...events, suspected: 1 } }, {}],
    ['a send that failed', { messages: { ...messages, refused: 1 } }, {}],
    ['a new id', { log: { ...log, errors: ['a: This node takes a new id: its own is taken'] } }, {}],
    ['memory that grew by a quarter', { memory: { ...memory, rss: 125 } }, {}],
    ['a close that nobody counted', {}, { closedByNode: 1 }],
  ])('finds %s that an outsider caused, and lets an insider', (_what, changes, attacker) => {
    expect(found(changes, AGAINST_OUTSIDERS, attacker)).toHaveLength(1);
    expect(found(changes, AGAINST_INSIDERS, attacker)).toEqual([]);
  });

  it('finds a connection that hangs', () => {
    expect(found({}, AGAINST_INSIDERS, { hangs: ['x: still open'] })).toEqual(['x: still open']);
  });
});
