import { afterEach, describe, expect, it } from '@jest/globals';
import type { ClusterNode } from '../../../src/cluster/node.js';
import { NodeCluster } from '../../../src/simulation/nodes/node-cluster.js';

const CALLS = 1000;

let cluster: NodeCluster;

afterEach(() => cluster.close());

/** Three nodes, of which b and c answer, with a network that is slow enough for calls to be on their way. */
async function three(seed: number): Promise<readonly [ClusterNode, ClusterNode]> {
  cluster = new NodeCluster({ seed, latency: { minMs: 1, maxMs: 20 } });
  const [a, b, c] = await cluster.start('a', 'b', 'c');
  await cluster.until(() => a!.activeMembers.length === 3);
  for (const node of [b!, c!]) node.onRequest('x', () => node.local.name);
  return [a!, b!];
}

/** Calls all the time while a member shuts down; how each call ended, by the name of its error. */
async function callWhileLeaving(leaver: ClusterNode, call: () => Promise<unknown>): Promise<string[]> {
  const ended: string[] = [];
  for (let i = 0; i < CALLS; i++) {
    if (i === CALLS / 2) void leaver.drain().then(() => leaver.leave());
    call().then(
      () => ended.push('answered'),
      (error: Error) => ended.push(error.name),
    );
    await cluster.advance(0.3);
  }
  await cluster.until(() => ended.length === CALLS, { withinMs: 10_000 });
  return ended;
}

describe('a member that shuts down', () => {
  it.each([1, 2, 3, 4, 5])(
    'gives each request on its way an answer, or a refusal that says for certain that it was not handled (seed %i)',
    async (seed) => {
      const [a, b] = await three(seed);
      const ended = await callWhileLeaving(b, () => a.request(b.local, 'x', null));
      expect(new Set(ended)).toEqual(new Set(['answered', 'MemberDrainingError', 'NotDeliveredError']));
    },
  );

  it.each([1, 2, 3, 4, 5])('costs requestAny nothing, while another answers (seed %i)', async (seed) => {
    const [a, b] = await three(seed);
    const ended = await callWhileLeaving(b, () => a.requestAny('x', null));
    expect(new Set(ended)).toEqual(new Set(['answered']));
  });

  it('lets messages arrive that were on their way, or says for certain that they did not', async () => {
    const [a, b] = await three(6);
    let heard = 0;
    b.onMessage('told', () => void heard++);
    const ended = await callWhileLeaving(b, () => a.emit(b.local, 'told', null));
    expect(new Set(ended)).toEqual(new Set(['answered', 'NotDeliveredError']));
    expect(heard).toBe(ended.filter((end) => end === 'answered').length);
  });
});
