import { afterEach, describe, expect, it } from '@jest/globals';
import { SampleCluster, type SampleNode } from './sample-cluster.js';

type Three = [SampleNode, SampleNode, SampleNode];

/** Preset lan, three members: Min = α · interval, before which no silence ends a suspicion. */
const LAN_MIN_SUSPICION_MS = 4000;

describe('a process that is killed', () => {
  const cluster = new SampleCluster({ CLUSTER_PRESET: 'lan' });
  afterEach(() => cluster.close());

  it('is unreachable at all others well before silence alone could tell', async () => {
    const [a, b, c] = (await cluster.startAll(['a', 'b', 'c'])) as Three;
    const killedMs = c.signal('SIGKILL');
    for (const witness of [a, b]) {
      const { seenMs } = await witness.untilEvent('unreachable', c);
      expect(seenMs - killedMs).toBeLessThan(LAN_MIN_SUSPICION_MS);
      await witness.untilSees([a, b]);
      expect(witness.eventsAbout(witness === a ? b : a)).not.toContain('unreachable');
    }
    const remembered = (await a.members('?all=1')).find((member) => member.id === c.id);
    expect(remembered).toMatchObject({ state: 'unreachable', address: c.address });
  });
});

describe('a process that stands still', () => {
  // Min = 3 · 500 ms.
  const cluster = new SampleCluster({ CLUSTER_PROBE_INTERVAL_MS: '500' });
  afterEach(() => cluster.close());

  it('for less than the suspicion timeout is suspected and recovers', async () => {
    const [a, b, c] = (await cluster.startAll(['a', 'b', 'c'])) as Three;
    c.signal('SIGSTOP');
    await Promise.any([a.untilEvent('suspected', c), b.untilEvent('suspected', c)]);
    c.signal('SIGCONT');
    for (const node of [a, b, c]) await node.untilSees([a, b, c]);
    for (const witness of [a, b]) {
      expect(witness.eventsAbout(c)).not.toContain('unreachable');
    }
    const suspecting = [a, b].filter((witness) => witness.eventsAbout(c).includes('suspected'));
    for (const witness of suspecting) await witness.untilEvent('recovered', c);
    const [self] = (await c.members()).filter((member) => member.id === c.id);
    expect(self?.incarnation).toBeGreaterThan(0);
  });

  it('for more than the suspicion timeout is unreachable, and comes back as itself', async () => {
    const [a, b, c] = (await cluster.startAll(['a', 'b', 'c'])) as Three;
    c.signal('SIGSTOP');
    for (const witness of [a, b]) await witness.untilEvent('unreachable', c);
    const continuedMs = c.signal('SIGCONT');
    for (const witness of [a, b]) await witness.untilEvent('joined', c, continuedMs);
    for (const node of [a, b, c]) await node.untilSees([a, b, c]);
    // It judged nobody by the time that it was not there.
    for (const other of [a, b]) expect(c.eventsAbout(other)).not.toContain('unreachable');
    expect((await c.call('POST', '/chat', { text: 'I was away' })).body).toEqual({
      delivered: [a.id, b.id].toSorted(),
      failed: [],
    });
  });
});
