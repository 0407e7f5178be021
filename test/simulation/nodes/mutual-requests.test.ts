import { afterEach, describe, expect, it } from '@jest/globals';
import type { ClusterNode } from '../../../src/cluster/node.js';
import type { RequestHandler } from '../../../src/cluster/messaging/handlers.js';
import { NodeCluster } from '../../../src/simulation/nodes/node-cluster.js';
import type { NodeClusterOptions } from '../../../src/simulation/nodes/node-cluster-options.js';
import { PausesItsReader } from './planted-defects.js';

const EACH = 60;
const KIB = 1024;

let cluster: NodeCluster;

afterEach(() => cluster.close());

/** Two nodes with little credit, whose handlers do not answer before the other has answered them. */
async function pair(options: NodeClusterOptions = {}): Promise<readonly [ClusterNode, ClusterNode]> {
  const transportLimits = { windowMessages: 4, windowBytes: 64 * KIB, reassemblyBytes: 600 * KIB };
  cluster = new NodeCluster({ seed: 2, transportLimits, ...options });
  const [a, b] = await cluster.start('a', 'b');
  for (const node of [a!, b!]) {
    node.onRequest('leaf', (bytes) => new Uint8Array(bytes as number), { concurrency: 1 });
    const ask: RequestHandler = (data, { sender }) =>
      node.request(sender, 'leaf', (data as Uint8Array).length, { timeoutMs: 600_000 });
    node.onRequest('ask', ask, { concurrency: 4 });
  }
  return [a!, b!];
}

/** Everything that both ask each other at once; how many answers have come. */
function askEachOther(
  [a, b]: readonly [ClusterNode, ClusterNode],
  data: (i: number) => Uint8Array,
): { count: number } {
  const answered = { count: 0 };
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    // prettier-ignore
    for (let i = 0; i < EACH; i++) {
      void from.request(to.local, 'ask', data(i), { timeoutMs: 600_000 }).then(() => answered.count++, () => undefined);
    }
  }
  return answered;
}

describe('two nodes whose handlers wait for each other', () => {
  it('all get their answers, with every window used up on both sides', async () => {
    const answered = askEachOther(await pair(), (i) => new Uint8Array(i));
    await cluster.until(() => answered.count === 2 * EACH, { withinMs: 5000 });
  });

  it('also when what they ask and answer is so large that it needs permits and shares one budget', async () => {
    const answered = askEachOther(await pair(), (i) => new Uint8Array((i % 3) * 70 * KIB));
    await cluster.until(() => answered.count === 2 * EACH, { withinMs: 20_000 });
  });

  it('also when connections break all the time', async () => {
    const answered = askEachOther(
      await pair({ latency: { minMs: 0.1, maxMs: 3 } }),
      (i) => new Uint8Array(i),
    );
    for (let broken = 0; broken < 40; broken++) {
      await cluster.advance(7);
      cluster.breakLinks('a', 'b');
    }
    await cluster.until(() => answered.count === 2 * EACH, { withinMs: 30_000 });
  });

  it('would wait for ever if a full inbox stopped the reading, instead of credit the sending', async () => {
    const nodes = await pair({ wrapTransport: (transport) => new PausesItsReader(transport) });
    const answered = askEachOther(nodes, (i) => new Uint8Array(i));
    await cluster.advance(60_000);
    expect(answered.count).toBeLessThan(EACH);
  });
});
