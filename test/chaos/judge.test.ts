import { describe, expect, it } from '@jest/globals';
import type { EventFact, Fact } from './facts.js';
import { Judge, type Judged } from './judge.js';

const a: Judged = { host: 'a', id: '1', endedMs: undefined };
const b: Judged = { host: 'b', id: '2', endedMs: undefined };
const dead: Judged = { host: 'c', id: '3', endedMs: 100 };
const everybody = [a, b, dead];

function judge(...facts: (readonly [Judged, Fact])[]): Judge {
  const made = new Judge((id) => everybody.find((each) => each.id === id));
  for (const [by, fact] of facts) made.take(by, fact);
  return made;
}

const event = (of: Judged, type: EventFact['event'], at = 50): Fact => ({
  at,
  event: type,
  id: of.id!,
  name: of.host,
  incarnation: 0,
});
const events = (of: Judged, ...types: EventFact['event'][]): (readonly [Judged, Fact])[] =>
  types.map((type) => [a, event(of, type)] as const);

describe('verdicts', () => {
  it('about a member that is well are false', () => {
    const judged = judge([a, event(b, 'joined')], [a, event(b, 'unreachable')]);
    expect([judged.falsePositives, judged.findings.length]).toEqual([1, 1]);
    expect(judged.findings[0]).toMatch(/^a calls b \(2, incarnation 0\) unreachable at 50 ms/);
  });

  it('tell what led to them', () => {
    const why = [{ at: 0, kind: 'suspected', byName: 'x', detail: 'soft', data: { minMs: 3.2 } }];
    const judged = judge([a, event(b, 'joined')], [a, { ...(event(b, 'unreachable') as EventFact), why }]);
    expect(judged.findings[0]).toContain('1970-01-01T00:00:00.000Z suspected by x soft minMs 3');
  });

  it('about the dead are true, and not before they died', () => {
    const judged = judge([a, event(dead, 'joined')], [a, event(dead, 'unreachable', 150)]);
    expect(judged.findings).toEqual([]);
    expect(judge([a, event(dead, 'joined')], [a, event(dead, 'unreachable', 99)]).falsePositives).toBe(1);
  });

  it('are excused while something keeps two apart, and for 20 s after it; nobody else is', () => {
    const during = (at: number, observer: Judged, subject: Judged): number => {
      const made = judge([observer, event(subject, 'joined', 0)]);
      const excuses = (by: string, of: string): boolean => by === 'a' && of === 'b';
      made.disturbed({ what: 'x', fromMs: 10, untilMs: 20, excuses });
      made.take(observer, event(subject, 'unreachable', at));
      return made.falsePositives;
    };
    expect([during(9, a, b), during(10, a, b), during(20_020, a, b), during(20_021, a, b)]).toEqual([
      1, 0, 0, 1,
    ]);
    expect(during(15, b, a)).toBe(1);
  });
});

describe('events of a member', () => {
  it.each([
    [['joined', 'suspected', 'recovered', 'updated', 'left']],
    [['joined', 'suspected', 'recovered', 'joined']],
    [['suspected']],
    [['joined', 'left', 'joined']],
    [['joined', 'left', 'updated']],
  ] as const)('%s', (types) => {
    const isLegal = types.length === 5;
    expect(judge(...events(b, ...types)).findings).toHaveLength(isLegal ? 0 : 1);
  });

  it('may begin anew after it was unreachable', () => {
    expect(judge(...events(dead, 'joined')).findings).toEqual([]);
    const again = judge(
      [a, event(dead, 'joined')],
      [a, event(dead, 'unreachable', 150)],
      [a, event(dead, 'recovered', 160)],
    );
    expect(again.findings).toEqual([]);
  });
});

describe('messages', () => {
  const key = '1 2 7';
  const sent = [a, { at: 0, sent: key }] as const;
  const accepted = [a, { at: 1, accepted: key }] as const;
  const rejected = (code: string) => [a, { at: 1, rejected: key, code }] as const;
  const got = [b, { at: 1, got: key }] as const;
  const findings = (...facts: (readonly [Judged, Fact])[]): string[] => {
    const judged = judge(...facts);
    judged.calm(1000);
    return judged.findings;
  };

  it('come once where they were accepted, in whatever order it is told', () => {
    expect(findings(sent, accepted, got)).toEqual([]);
    expect(findings(got, accepted, sent)).toEqual([]);
    expect(findings(sent, got, got, accepted)).toEqual([`message ${key} came twice`]);
    expect(findings(sent, accepted)).toEqual([`message ${key} was accepted, and has not come`]);
  });

  it('settle, once', () => {
    expect(findings(sent)).toEqual([`message ${key} has not settled 1000 ms after it was sent`]);
    expect(findings(sent, accepted, got, accepted)).toEqual([
      `message ${key} settled twice, the second time accepted`,
    ]);
  });

  it('do not come where the sender was told so for certain, and may where it was not', () => {
    expect(findings(sent, rejected('CLUSTER_NOT_DELIVERED'), got)).toEqual([
      `message ${key} came, and its sender was told for certain that it did not`,
    ]);
    expect(findings(sent, rejected('CLUSTER_DELIVERY_UNCERTAIN'), got)).toEqual([]);
    expect(findings(sent, rejected('CLUSTER_DELIVERY_UNCERTAIN'))).toEqual([]);
  });

  it('are lost with a process that has ended', () => {
    const lost = '1 3 1';
    expect(findings([a, { at: 0, sent: lost }], [a, { at: 1, accepted: lost }])).toEqual([]);
    expect(findings([dead, { at: 0, sent: '3 1 1' }])).toEqual([]);
  });
});
