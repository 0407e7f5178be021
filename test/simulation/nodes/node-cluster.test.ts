import { afterEach, describe, expect, it } from '@jest/globals';
import type { ClusterNode } from '../../../src/cluster/node.js';
import { DeliveryUncertainError, NotDeliveredError } from '../../../src/errors.js';
import { NodeCluster } from '../../../src/simulation/nodes/node-cluster.js';
import type { NodeClusterOptions } from '../../../src/simulation/nodes/node-cluster-options.js';
import { SimulationError } from '../../../src/simulation/simulation-error.js';

let cluster: NodeCluster;

function create(options: NodeClusterOptions = {}): NodeCluster {
  return (cluster = new NodeCluster(options));
}

afterEach(() => cluster.close());

function record(node: ClusterNode): string[] {
  const seen: string[] = [];
  node.onEvent(({ type, member }) => seen.push(`${type} ${member.name}`));
  return seen;
}

describe('a cluster of whole nodes', () => {
  it('names its nodes by letters, and starts them until all see each other', async () => {
    create();
    for (let i = 0; i < 28; i++) cluster.add();
    expect([...cluster.nodes.keys()].filter((_, i) => [0, 1, 25, 26, 27].includes(i))).toEqual([
      'a',
      'b',
      'z',
      'aa',
      'ab',
    ]);
    await cluster.start('a', 'b', 'c');
    expect(
      cluster.nodes
        .get('c')!
        .activeMembers.map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
  });

  it('says what the nodes logged when it waits in vain', async () => {
    const [a] = await create({ seed: 5 }).start('a', 'b');
    const waited = cluster.until(() => a!.activeMembers.length === 9, { withinMs: 1000 });
    await expect(waited).rejects.toThrow(/within 1000 ms \(seed 5\)[^]*a:\n[^]*Listening on 127.0.0.1:7001/);
    await expect(cluster.run(new Promise(() => undefined), { withinMs: 10 })).rejects.toBeInstanceOf(
      SimulationError,
    );
  });

  it('gives the options of a node that somebody else makes, and counts it in once it is adopted', async () => {
    const { ClusterNode: Node } = await import('../../../src/cluster/node.js');
    create();
    const other = new Node(cluster.options('b', { metadata: { by: 'me' } }));
    await cluster.start('a');
    await cluster.run(other.start());
    cluster.adopt('b', other);
    await cluster.until(() => cluster.nodes.get('a')!.activeMembers.length === 2);
    expect(cluster.nodes.get('b')!.local.metadata).toEqual({ by: 'me' });
    expect(cluster.log('b')[0]).toContain('Listening on 127.0.0.1:7001');
  });

  it('does not make a second node where one runs', async () => {
    await create().start('a');
    expect(() => cluster.add('a')).toThrow(SimulationError);
  });
});

describe('a node of it', () => {
  it('that crashes is found out by its refusing port', async () => {
    const [a] = await create().start('a', 'b', 'c');
    const seen = record(a!);
    cluster.crash('b');
    expect(cluster.isRunning('b')).toBe(false);
    await cluster.until(() => seen.includes('unreachable b'), { withinMs: 3000 });
  });

  it('that loses its power is found out by its silence, which takes longer', async () => {
    const [a] = await create().start('a', 'b', 'c');
    const seen = record(a!);
    cluster.powerOff('b');
    await cluster.advance(3000);
    expect(seen).not.toContain('unreachable b');
    await cluster.until(() => seen.includes('unreachable b'), { withinMs: 30_000 });
  });

  it.each(['crash', 'powerOff'] as const)(
    'comes back as another one by a restart after a %s',
    async (end) => {
      const [a, b] = await create().start('a', 'b', 'c');
      cluster[end]('b');
      await cluster.until(() => a!.member(b!.local.id)?.state === 'unreachable');
      const again = cluster.restart('b');
      await cluster.until(() => a!.member(again.local.id)?.state === 'alive');
      expect(again.local.id).not.toBe(b!.local.id);
      expect(again.local.address).toEqual(b!.local.address);
      expect(a!.activeMembers).toHaveLength(3);
    },
  );

  it('that is restarted while it runs dies first', async () => {
    const [a, b] = await create().start('a', 'b');
    const again = cluster.restart('b');
    await cluster.until(() => a!.member(again.local.id)?.state === 'alive');
    await cluster.until(() => a!.member(b!.local.id)?.state === 'unreachable');
  });

  it('that leaves is gone at once, and can be made anew', async () => {
    const [a] = await create().start('a', 'b');
    const seen = record(a!);
    await cluster.leave('b');
    expect(seen).toEqual(['left b']);
    await cluster.run(cluster.add('b').start());
    await cluster.until(() => seen.includes('joined b'));
  });

  it('that is paused neither sends nor reads, and its kernel still takes what comes', async () => {
    const [a, b] = await create().start('a', 'b', 'c');
    const got: string[] = [];
    b!.onMessage('x', (data) => void got.push(data as string));
    cluster.pause('b');
    let settled = false;
    const sent = a!.emit(b!.local, 'x', 'hello').then(() => (settled = true));
    await cluster.advance(400);
    expect([got, settled]).toEqual([[], false]);
    cluster.resume('b');
    await cluster.run(sent, { withinMs: 100 });
    expect(got).toEqual(['hello']);
    expect(b!.stats.stalls).toBe(1);
  });

  it('that stalls goes on by itself, and knows for how long it stood still', async () => {
    const [, b] = await create().start('a', 'b');
    cluster.stall('b', 700);
    await cluster.advance(690);
    expect(b!.stats.stalls).toBe(0);
    await cluster.advance(2000);
    expect(b!.stats.stalls).toBe(1);
    expect(b!.stats.stalledMs).toBeGreaterThan(0);
    expect(b!.stats.stalledMs).toBeLessThanOrEqual(700);
  });

  it('whose machine sleeps finds its timers where they were, and its wall clock ahead', async () => {
    const [, b] = await create().start('a', 'b');
    const process = cluster.process('b');
    const [nowMs, epochMs] = [process.now(), process.epochMs()];
    let firedAtMs = 0;
    process.setTimer(1000, () => (firedAtMs = cluster.nowMs));
    const suspendedAtMs = cluster.nowMs;
    cluster.suspend('b', 5000);
    await cluster.advance(5500);
    expect(process.now() - nowMs).toBeCloseTo(500, 5);
    expect(process.epochMs() - epochMs).toBeCloseTo(5500, 5);
    await cluster.advance(1000);
    expect(firedAtMs - suspendedAtMs).toBeCloseTo(6000, 5);
    expect(b!.stats.stalls).toBe(1);
  });

  it('that is slow answers later by what each of its callbacks takes', async () => {
    const [a, b] = await create().start('a', 'b');
    b!.onRequest('x', () => 'here');
    await cluster.run(a!.request(b!.local, 'x', 1));
    await cluster.advance(100);
    cluster.apply({ kind: 'slow-loop', node: 'b', callbackMs: 30 });
    const began = cluster.nowMs;
    await cluster.run(
      Promise.all([1, 2, 3].map((i) => a!.request(b!.local, 'x', i, { headers: { n: 'x'.repeat(i) } }))),
    );
    expect(cluster.nowMs - began).toBeGreaterThan(2 * 30);
  });

  it('that is paused cannot be told from one without power until it goes on', async () => {
    const [a] = await create().start('a', 'b', 'c');
    const seen = record(a!);
    cluster.pause('b');
    await cluster.until(() => seen.includes('unreachable b'), { withinMs: 30_000 });
    cluster.resume('b');
    await cluster.until(() => seen.includes('recovered b') || seen.includes('joined b'), {
      withinMs: 30_000,
    });
  });
});

describe('its network', () => {
  it('can be cut in one direction or both, and healed', async () => {
    const [a, b] = await create().start('a', 'b', 'c');
    b!.onMessage('x', () => undefined);
    cluster.cutOneWay('b', 'a');
    let settled = false;
    const sent = a!.emit(b!.local, 'x', 1).then(() => (settled = true));
    await cluster.advance(1000);
    expect(settled).toBe(false);
    cluster.heal('a', 'b');
    await cluster.run(sent, { withinMs: 2000 });
  });

  it('can flap, until all is healed', async () => {
    const [a, b] = await create().start('a', 'b');
    b!.onRequest('x', () => 'here');
    cluster.apply({ kind: 'flap', a: 'a', b: 'b', downMs: 400, upMs: 100, times: 9 });
    await cluster.advance(450);
    await cluster.run(a!.request(b!.local, 'x', 1), { withinMs: 40 });
    await cluster.advance(100);
    const asked = a!.request(b!.local, 'x', 2);
    await expect(cluster.run(asked, { withinMs: 200 })).rejects.toBeInstanceOf(SimulationError);
    cluster.healAll();
    await cluster.run(asked, { withinMs: 50 });
    await cluster.advance(400);
    await cluster.run(a!.request(b!.local, 'x', 3), { withinMs: 40 });
  });

  it('can fall into parts that find together again', async () => {
    const nodes = await create().start('a', 'b', 'c', 'd');
    const sizes = (): number[] => nodes.map((node) => node.activeMembers.length);
    cluster.partition(['a', 'b'], ['c', 'd']);
    await cluster.until(() => sizes().every((size) => size === 2));
    cluster.heal();
    await cluster.until(() => sizes().every((size) => size === 4), { withinMs: 120_000 });
  });

  it('delivers what was under way when connections broke', async () => {
    const [a, b] = await create().start('a', 'b');
    const got: unknown[] = [];
    b!.onMessage('x', (data) => void got.push(data));
    const sent = [1, 2, 3].map((i) => a!.emit(b!.local, 'x', i));
    await cluster.advance(0.6);
    cluster.breakLinks('a', 'b');
    await cluster.run(Promise.all(sent));
    expect(got).toEqual([1, 2, 3]);
  });

  it('is as slow as it is told to be', async () => {
    const [a, b] = await create().start('a', 'b');
    b!.onRequest('x', () => 'here');
    const asked = async (): Promise<number> => {
      const began = cluster.nowMs;
      await cluster.run(a!.request(b!.local, 'x', 1));
      const tookMs = cluster.nowMs - began;
      // The acknowledgement of the answer goes ahead of whatever follows it.
      await cluster.advance(100);
      return tookMs;
    };
    await asked();
    cluster.delay({ minMs: 40, maxMs: 40 }, 'a', 'b');
    expect(await asked()).toBeCloseTo(40.5, 5);
    cluster.delay({ minMs: 10, maxMs: 10 });
    expect(await asked()).toBeCloseTo(50, 5);
    cluster.healAll();
    expect(await asked()).toBeCloseTo(1, 5);
  });
});

describe('a fault as data', () => {
  it('does what the method of its name does', async () => {
    const [a] = await create().start('a', 'b', 'c', 'd');
    const seen = record(a!);
    cluster
      .apply({ kind: 'crash', node: 'b' })
      .apply({ kind: 'leave', node: 'c' })
      .apply({ kind: 'set-metadata', node: 'd', metadata: { color: 'red' } });
    await cluster.until(() => seen.length >= 4);
    expect(seen).toEqual(expect.arrayContaining(['unreachable b', 'left c', 'updated d']));
  });

  it('does nothing where it makes no sense', async () => {
    await create().start('a', 'b');
    cluster.crash('b');
    for (const kind of ['crash', 'leave', 'pause', 'resume', 'power-off'] as const) {
      cluster.apply({ kind, node: 'b' });
    }
    cluster.apply({ kind: 'stall', node: 'b', ms: 5 });
    await cluster.advance(1000);
    expect(cluster.nodes.get('a')!.status).toBe('ready');
  });
});

describe('the same seed', () => {
  async function trace(seed: number): Promise<string> {
    const lines: string[] = [];
    create({
      seed,
      latency: { minMs: 0.1, maxMs: 9 },
      wire: true,
      onLog: (name, line) => lines.push(`${name} ${line}`),
    });
    const [a, b] = await cluster.start('a', 'b', 'c', 'd');
    a!.onEvent((event) => lines.push(JSON.stringify(event)));
    b!.onRequest('fail', () => Promise.reject(new SimulationError('no')));
    await cluster.run(
      a!.request(b!.local, 'fail', 1).catch((error: unknown) => lines.push(JSON.stringify(error))),
    );
    cluster.crash('d');
    cluster.cut('a', 'c');
    await cluster.advance(5000);
    cluster.restart('d');
    cluster.healAll();
    await cluster.advance(5000);
    for (const node of cluster.nodes.values())
      lines.push(JSON.stringify(node.allMembers), JSON.stringify(node.stats));
    await cluster.close();
    return lines.join('\n');
  }

  it('gives the same trace, byte for byte, and another seed another one', async () => {
    const first = await trace(11);
    expect(first.split('\n').length).toBeGreaterThan(20);
    expect(await trace(11)).toBe(first);
    expect(await trace(12)).not.toBe(first);
  });
});

describe('what a node is told about messages to one that is gone', () => {
  it('is certain where it can be', async () => {
    const [a, b] = await create().start('a', 'b', 'c');
    b!.onMessage('x', () => undefined);
    await cluster.run(a!.emit(b!.local, 'x', 0));
    cluster.powerOff('b');
    const written = a!.emit(b!.local, 'x', 1);
    const failed = expect(written).rejects.toBeInstanceOf(DeliveryUncertainError);
    await cluster.until(() => a!.member(b!.local.id)?.state === 'unreachable');
    await failed;
    await expect(a!.emit(b!.local, 'x', 2)).rejects.toBeInstanceOf(NotDeliveredError);
  });
});
