import { afterEach, describe, expect, it } from '@jest/globals';
import { MemberHistory } from '../../src/cluster/member-history.js';
import type { ClusterNode } from '../../src/cluster/node.js';
import type { NodeId } from '../../src/node-id.js';
import { NodeCluster } from '../../src/simulation/nodes/node-cluster.js';

let cluster: NodeCluster | undefined;

afterEach(() => cluster?.close());

async function nodes(...names: string[]): Promise<ClusterNode[]> {
  cluster = new NodeCluster({ seed: 3 });
  const started = await cluster.start(...names);
  await cluster.until(() => started.every((node) => node.activeMembers.length === names.length));
  return started;
}

describe('explain', () => {
  it('tells of a member that died who accused it, by what evidence, and when it answered last', async () => {
    const [a, , , d] = await nodes('a', 'b', 'c', 'd');
    const { id } = d!.local;
    await cluster!.until(() => a!.explain(id).answeredAt !== undefined);
    cluster!.crash('d');
    await cluster!.until(() => a!.member(id)!.state === 'unreachable');
    const { member, answeredAt, history } = a!.explain(id);
    expect(member).toBe(a!.member(id));
    const last = history.at(-1)!;
    expect(last).toMatchObject({ kind: 'unreachable', by: expect.any(String), detail: expect.any(String) });
    expect(last.byName).toBe(a!.member(last.by!)!.name);
    expect(answeredAt).toBeLessThan(last.at);
    expect(history.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['joined', 'suspected']));
    expect(history.map(({ at }) => at)).toEqual(history.map(({ at }) => at).toSorted((x, y) => x - y));
  });

  it('is empty for whom nobody here has heard of, and before the start', async () => {
    const [a] = await nodes('a', 'b');
    const nobody = { member: undefined, answeredAt: undefined, history: [] };
    expect(a!.explain('nobody')).toEqual(nobody);
  });
});

describe('what is kept of members', () => {
  const happen = (history: MemberHistory, about: string, kind = 'suspected', by?: string): void =>
    history.take({ kind, about: about as NodeId, by: by as NodeId | undefined });
  const kept = (history: MemberHistory, about: string): number =>
    history.explain(about as NodeId, () => undefined).history.length;

  it('are the last 32 things each, and what every probe brings is none of them', () => {
    let at = 0;
    const history = new MemberHistory(() => ++at);
    for (let i = 0; i < 40; i++)
      for (const kind of ['probe', 'suspected', 'probe-acked']) happen(history, 'x', kind);
    const { history: traces, answeredAt } = history.explain('x' as NodeId, () => undefined);
    expect(new Set(traces.map(({ kind }) => kind))).toEqual(new Set(['suspected']));
    expect(traces).toHaveLength(32);
    expect(traces.at(-1)!.at).toBe(79);
    expect(answeredAt).toBe(80);
  });

  it('is bounded: of 4,096 members, those that were heard of last', () => {
    const history = new MemberHistory(() => 0);
    for (let i = 0; i < 4096; i++) happen(history, `member-${i}`);
    happen(history, 'member-0');
    happen(history, 'one more');
    expect([kept(history, 'member-0'), kept(history, 'member-1'), kept(history, 'one more')]).toEqual([
      2, 0, 1,
    ]);
  });

  it('does not take what is about no member', () => {
    const history = new MemberHistory(() => 0);
    history.take({ kind: 'round' });
    expect(kept(history, '')).toBe(0);
  });
});
