import { afterEach, describe, expect, it } from '@jest/globals';
import { NodeCluster } from '../../../src/simulation/nodes/node-cluster.js';

const KIB = 1024;
const WINDOW = 8;

let cluster: NodeCluster;

afterEach(() => cluster.close());

describe('a request that has timed out', () => {
  it.each([100, 40 * KIB])(
    'of %i bytes arrives as it was or not at all, though its Buffer is used for something else',
    async (bytes) => {
      cluster = new NodeCluster({ seed: 1, transportLimits: { windowMessages: WINDOW } });
      const [a, b] = await cluster.start('a', 'b');
      const seen: (number | undefined)[] = [];
      b!.onRequest('ask', (data) => void seen.push((data as Uint8Array).at(0), (data as Uint8Array).at(-1)));
      await cluster.run(a!.request(b!.local, 'ask', new Uint8Array(1)));
      seen.length = 0;
      cluster.pause('b');
      const outcomes: string[] = [];
      for (let i = 0; i < 3 * WINDOW; i++) {
        const payload = Buffer.alloc(bytes, 1);
        a!.request(b!.local, 'ask', payload, { timeoutMs: 100 }).catch((error: Error) => {
          payload.fill(9);
          outcomes.push(error.name);
        });
      }
      await cluster.advance(300);
      expect(outcomes).toEqual(Array.from({ length: 3 * WINDOW }, () => 'RequestTimeoutError'));
      cluster.resume('b');
      await cluster.advance(2000);
      // What had credit (the first request has not given its own back) was on its way; the rest is not sent any more.
      expect(seen).toHaveLength(2 * (WINDOW - 1));
      expect(new Set(seen)).toEqual(new Set([1]));
    },
  );
});
