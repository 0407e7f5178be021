import { describe, it, expect } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import type { TraceEvent } from '../../../src/membership/protocol.js';
import type { SwimOverrides } from '../../../src/membership/swim/options.js';
import { traceFigures } from '../../../src/membership/swim/traces.js';
import { Alone, aliveOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';

const root = new URL('../../../', import.meta.url);
const figures: Readonly<Record<string, readonly string[]>> = traceFigures;

/** A node that is listened to. */
class Traced extends Alone {
  readonly traces: TraceEvent[] = [];
  readonly trace = (event: TraceEvent): void => void this.traces.push(event);

  constructor(overrides: SwimOverrides = {}) {
    super({ syncIntervalMs: 0, ...overrides });
  }

  told(kind: string): TraceEvent[] {
    return this.traces.filter((event) => event.kind === kind);
  }
}

/** How every kind comes about, with a node that listens. */
const situations: Readonly<Record<string, () => Traced>> = {
  'a probe that fails, with one relay that answers in time': () => {
    const node = new Traced({ suspicionBeta: 1 }).with(4);
    node.runUntil(() => node.sentOf('pingReq').length === 3);
    const [nack, ack] = node.sentOf('pingReq');
    for (const [{ to, message }, outcome] of [[nack!, 'silent'] as const, [ack!, 'local'] as const])
      node.swim.receive(
        { id: to.id!, address: to.address },
        { type: 'relayed', seq: message.seq, outcome, by: undefined, incarnation: undefined },
      );
    node.runUntil(() => node.count('softVerdicts') === 1);
    return node;
  },
  'a probe with an ack, a buddy and a late timer': () => {
    const node = new Traced().with(2).hear(2, suspectOf(1, 2)).hear(1, suspectOf(1, 9));
    node.runUntil(() => node.answer(1));
    node.lateMs = 60;
    node.runUntil(() => node.count('probesVoid') > 0);
    return node.hear(1, aliveOf(1, 1));
  },
  'a refusal with a quorum, contradicted': () => {
    const node = new Traced().with(4);
    node.swim.link(peerOf(1), 'refused');
    node.swim.link(peerOf(1), 'refused');
    for (const { to, message } of node.sentOf('pingReq'))
      node.swim.receive(
        { id: to.id!, address: to.address },
        { type: 'relayed', seq: message.seq, outcome: 'refused', by: undefined, incarnation: undefined },
      );
    node.answer(1);
    return node;
  },
  'an address with two owners': () => {
    const node = new Traced().with(3);
    node.swim.link(peerOf(1), 'up');
    node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
    node.run(1).answer(1);
    return node;
  },
  'a hard verdict': () => {
    const node = new Traced().with(3);
    node.swim.link(peerOf(1), 'replaced', peerOf(9).id);
    node.runUntil(() => node.count('hardVerdicts') === 1);
    return node;
  },
  'accusations, of itself and of one that answers': () => {
    const node = new Traced().with(3).hear(2, suspectOf(0, 3));
    node.swim.link(peerOf(1), 'up');
    node.hear(2, unreachableOf(1, 2, 0, 'hard')).hear(1, aliveOf(1, 0));
    return node;
  },
  'a lost one that comes back, and one that leaves': () => {
    const node = new Traced()
      .with(3)
      .hear(2, unreachableOf(1, 2), { type: 'left', id: peerOf(3).id, incarnation: 1 });
    node.hear(2, aliveOf(1, 1)).run(100).hear(1, aliveOf(1, 1));
    return node;
  },
  'a joiner, a repair, a reaping and a long sleep': () => {
    const node = new Traced({ tombstoneMs: 10_000 }).with(3).hear(2, unreachableOf(1, 2));
    const ping = { type: 'ping', seq: 1, to: peerOf(0).id, digest: someDigest, updates: [] } as const;
    for (let times = 0; times < 3; times++) node.run(3400).receive(2, ping);
    node.receive(5, { type: 'join', attempt: 1, member: memberOf(5) }).answer(5);
    const page = {
      type: 'page',
      sync: 9,
      side: 'push',
      index: 0,
      last: true,
      maskLow: 1,
      maskHigh: 0,
    } as const;
    node.receive(2, { ...page, members: [memberOf(6)] });
    node.swim.stalled(1500);
    node.swim.stalled(5001);
    return node;
  },
};

describe('a trace', () => {
  const traces = Object.entries(situations).flatMap(([, situation]) => situation().traces);

  it('has exactly the kinds, and the figures, that are listed', () => {
    expect([...new Set(traces.map(({ kind }) => kind))].toSorted()).toEqual(Object.keys(figures).toSorted());
    for (const { kind, data = {} } of traces) {
      const names = figures[kind]!;
      const needed = names.filter((name) => !name.endsWith('?'));
      const allowed = names.map((name) => name.replace('?', ''));
      expect([kind, Object.keys(data).filter((name) => !allowed.includes(name))]).toEqual([kind, []]);
      expect([kind, needed.filter((name) => !Number.isFinite(data[name]))]).toEqual([kind, []]);
    }
  });

  it('is described in docs/PROTOCOL.md, kind by kind and figure by figure', () => {
    const text = readFileSync(new URL('docs/PROTOCOL.md', root), 'utf8');
    const section = text.split('\n## ').find((part) => part.startsWith('What a trace tells'))!;
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    const described = rows.map((row) => /^\| `([a-z-]+)`/.exec(row)![1]!);
    expect(described.toSorted()).toEqual(Object.keys(figures).toSorted());
    for (const row of rows) {
      const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
      const kind = cells[1]!.replaceAll('`', '');
      const named = kind === 'suspicion-confirmed' ? figures['suspected']! : figures[kind]!;
      const told =
        kind === 'suspicion-confirmed' ? rows.find((other) => other.startsWith('| `suspected`'))! : cells[6]!;
      for (const name of named)
        expect([kind, told]).toEqual([kind, expect.stringContaining(`\`${name.replace('?', '')}\``)]);
      if (named.length === 0) expect([kind, told]).toEqual([kind, '—']);
    }
  });

  it('uses no other kinds in the code', () => {
    const folder = new URL('src/membership/swim/', root);
    const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
    const used = sources.flatMap((text) =>
      [...text.matchAll(/\btraced?\(\s*'([a-z-]+)'/g)].map(([, kind]) => kind),
    );
    expect(new Set(used)).toEqual(new Set(Object.keys(figures)));
  });

  it('tells a suspicion with its timeout', () => {
    const node = new Traced().with(7).hear(2, suspectOf(1, 2));
    const [min, max] = [4000, 24_000];
    expect(node.told('suspected')[0]).toMatchObject({
      about: peerOf(1).id,
      by: peerOf(2).id,
      detail: 'soft',
      data: { timeoutMs: max, minMs: min, maxMs: max, confirmations: 0, expected: 3 },
    });
    for (const accuser of [3, 4, 5, 6]) node.hear(2, suspectOf(1, accuser));
    const confirmed = node.told('suspicion-confirmed').map(({ data }) => data!);
    expect(confirmed.map(({ confirmations }) => confirmations)).toEqual([1, 2, 3]);
    expect(confirmed.at(-1)).toMatchObject({ timeoutMs: min, minMs: min, maxMs: max, expected: 3 });
  });

  it('tells what a verdict rests on', () => {
    const soft = situations['a probe that fails, with one relay that answers in time']!().told('verdict')[0]!;
    expect(soft.detail).toBe('soft');
    expect(soft.data!['suspectedForMs']).toBeGreaterThanOrEqual(soft.data!['minMs']!);
    const hard = situations['a hard verdict']!().told('verdict')[0]!;
    expect(hard.data).toMatchObject({ deadlineMs: 500, hardForMs: 500, witnesses: 0 });
  });

  it('tells how many relays were silent', () => {
    const node = situations['a probe that fails, with one relay that answers in time']!();
    expect(node.told('probe-failed')[0]!.data).toMatchObject({ relays: 3, silentRelays: 1 });
    expect(node.told('nack')).toHaveLength(1);
    expect(node.told('relayed').map(({ detail }) => detail)).toEqual(['local']);
  });
});
