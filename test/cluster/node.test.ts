import { afterEach, describe, expect, it } from '@jest/globals';
import { ClusterNode } from '../../src/cluster/node.js';
import { seeds } from '../../src/discovery/static.js';
import {
  ClosedError,
  DeliveryUncertainError,
  HandshakeError,
  NotDeliveredError,
  NotReadyError,
  NotStartedError,
  UnknownMemberError,
} from '../../src/errors.js';
import { Random } from '../../src/simulation/random.js';
import type { MembershipEvent } from '../../src/membership/membership.js';
import { VirtualCluster } from '../support/virtual-cluster.js';

let cluster = new VirtualCluster();

afterEach(async () => {
  await cluster.close();
  cluster = new VirtualCluster();
});

function record(node: ClusterNode, options?: { replay: boolean }): string[] {
  const seen: string[] = [];
  node.onEvent((event) => seen.push(`${event.type} ${event.member.name}`), options);
  return seen;
}

describe('a node', () => {
  it('before it joins knows itself only, and cannot send to others', async () => {
    const node = cluster.node('a', { metadata: { zone: 'eu' } });
    expect(node.status).toBe('created');
    expect(node.local).toMatchObject({
      name: 'a',
      address: { port: 7001 },
      metadata: { zone: 'eu' },
      state: 'alive',
    });
    expect(node.activeMembers.map((member) => member.id)).toEqual([node.local.id]);
    await expect(node.whenReady()).rejects.toBeInstanceOf(NotStartedError);
    await expect(node.send('f'.repeat(32), Buffer.from('x'))).rejects.toBeInstanceOf(NotDeliveredError);
  });

  it('alone is ready as a cluster of one', async () => {
    const node = cluster.node('a', { discovery: undefined });
    await cluster.run(node.start());
    await cluster.run(node.whenReady());
    expect(node.status).toBe('ready');
    expect(node.activeMembers).toEqual([node.local]);
  });

  it('finds others, and all see the same view', async () => {
    const nodes = await cluster.start('a', 'b', 'c', 'd', 'e');
    const ids = nodes.map((node) => node.local.id).sort();
    for (const node of nodes) expect(node.activeMembers.map((member) => member.id)).toEqual(ids);
  });

  it('waits for the number of members that it is asked for, or says how many are there', async () => {
    const [a] = await cluster.start('a', 'b');
    await expect(cluster.run(a!.whenReady({ members: 3, timeoutMs: 500 }))).rejects.toBeInstanceOf(
      NotReadyError,
    );
    const ready = a!.whenReady({ members: 3 });
    const c = cluster.node('c');
    await cluster.run(c.start());
    await cluster.run(ready);
    expect(a!.activeMembers).toHaveLength(3);
  });

  it('stops waiting when the signal aborts', async () => {
    const [a] = await cluster.start('a', 'b');
    const aborter = new AbortController();
    const ready = a!.whenReady({ members: 9, signal: aborter.signal });
    aborter.abort(new Error('enough'));
    await expect(ready).rejects.toThrow('enough');
  });

  it('replays the members that are there already, and itself not', async () => {
    const [a] = await cluster.start('a', 'b', 'c');
    const seen = record(a!, { replay: true });
    await cluster.advance(0);
    expect(seen.sort()).toEqual(['joined b', 'joined c']);
  });

  it('tells of a crash, and settles what waited for the dead at once', async () => {
    const [a, b] = await cluster.start('a', 'b', 'c');
    b!.onRequest('never', () => new Promise(() => undefined));
    const seen = record(a!);
    const asked = a!.request(b!.local, 'never', 1, { timeoutMs: 60_000 });
    const failed = expect(asked).rejects.toBeInstanceOf(DeliveryUncertainError);
    await cluster.advance(100);
    cluster.crash('b');
    await cluster.until(() => seen.includes('unreachable b'), { withinMs: 2500 });
    await failed;
    await expect(a!.emit(b!.local, 'x', 1)).rejects.toThrow('unreachable');
    expect(a!.member(b!.local.id)?.state).toBe('unreachable');
    expect(a!.allMembers).toHaveLength(3);
  });

  it('warns once when none of its seeds answers', async () => {
    const node = cluster.node('a');
    await cluster.run(node.start());
    await cluster.advance(60_000);
    const warnings = cluster.log('a').filter((line) => line.startsWith('warn'));
    expect(warnings).toEqual([
      'warn Alone: none of these addresses leads to a cluster: 127.0.0.1:7002, 127.0.0.1:7003. Still trying',
    ]);
  });

  it('of another cluster is refused, and both sides have an error that says so', async () => {
    const [a] = await cluster.start('a');
    const other = cluster.node('b', { clusterName: 'other' });
    const codes = async (node: ClusterNode): Promise<string[]> => {
      for await (const error of node.errors) {
        if (error instanceof HandshakeError) return [error.reason, error.message];
      }
      return [];
    };
    const both = Promise.all([codes(a!), codes(other)]);
    await cluster.run(other.start());
    for (const [reason, message] of await cluster.run(both)) {
      expect(reason).toBe('cluster-name');
      expect(message).toContain('"simulated"');
      expect(message).toContain('"other"');
    }
    expect(a!.activeMembers).toHaveLength(1);
  });

  it('comes to one cluster with others of a chain, though the first of them starts last', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const nodes = names.map((name, i) =>
      cluster.node(name, { discovery: i === 0 ? undefined : seeds(`127.0.0.1:${7000 + i}`) }),
    );
    for (const node of nodes.slice(1).reverse()) {
      await cluster.run(node.start());
      await cluster.advance(700);
    }
    await cluster.run(nodes[0]!.start());
    await cluster.until(() => nodes.every((node) => node.activeMembers.length === names.length), {
      withinMs: 8000,
    });
  });

  it('that has left knows nobody as active and sends to nobody, itself included', async () => {
    const [a, b] = await cluster.start('a', 'b');
    await cluster.run(b!.leave());
    expect(b!.activeMembers).toEqual([]);
    await expect(b!.emit(b!.local, 'x', 1)).rejects.toBeInstanceOf(ClosedError);
    await expect(b!.emitAll('x', 1)).rejects.toBeInstanceOf(ClosedError);
    await expect(b!.request(a!.local, 'x', 1)).rejects.toBeInstanceOf(ClosedError);
  });

  it('raises its incarnation for no update that changes nothing', async () => {
    const [a] = await cluster.start('a', 'b');
    await a!.updateMetadata({ zone: 'eu' });
    const { incarnation } = a!.local;
    await a!.updateMetadata({ zone: 'eu' });
    await a!.updateMetadata({});
    expect(a!.local.incarnation).toBe(incarnation);
  });

  it('that leaves is seen as left and never as unreachable', async () => {
    const [a, b, c] = await cluster.start('a', 'b', 'c');
    const seen = [record(a!), record(c!)];
    await cluster.run(b!.leave());
    await cluster.advance(30_000);
    expect(seen).toEqual([['left b'], ['left b']]);
    expect(b!.status).toBe('left');
    await expect(b!.join()).rejects.toBeInstanceOf(ClosedError);
    await expect(b!.emit(a!.local, 'x', 1)).rejects.toBeInstanceOf(ClosedError);
  });

  it('tells others of new metadata, and keeps the old when the new is refused', async () => {
    const [a, b] = await cluster.start('a', 'b');
    const seen: unknown[] = [];
    b!.onEvent((event) => seen.push([event.type, event.member.metadata]));
    expect(await a!.updateMetadata({ zone: 'eu', rack: 1 })).toEqual({ zone: 'eu', rack: 1 });
    await cluster.advance(3000);
    expect(await a!.updateMetadata({ rack: null })).toEqual({ zone: 'eu' });
    await expect(a!.updateMetadata({ big: 'x'.repeat(2000) })).rejects.toThrow('limit is 1024');
    await cluster.advance(3000);
    expect(seen).toEqual([
      ['updated', { zone: 'eu', rack: 1 }],
      ['updated', { zone: 'eu' }],
    ]);
    expect(a!.local.metadata).toEqual({ zone: 'eu' });
  });

  it('gives every reader of events all of them, each with the view after it', async () => {
    const [a] = await cluster.start('a', 'b');
    const read = async (): Promise<string[]> => {
      const seen: string[] = [];
      for await (const event of a!.membershipEvents) {
        seen.push(`${event.type} ${event.view.length}`);
        if (seen.length === 2) break;
      }
      return seen;
    };
    const readers = Promise.all([read(), read()]);
    await cluster.run(cluster.node('c').start());
    await cluster.until(() => a!.activeMembers.length === 3);
    await cluster.run(cluster.nodes.get('c')!.leave());
    expect(await cluster.run(readers)).toEqual([
      ['joined 3', 'left 2'],
      ['joined 3', 'left 2'],
    ]);
  });

  it('ends readers when it closes', async () => {
    const [a] = await cluster.start('a');
    const events = (async () => {
      const seen: unknown[] = [];
      for await (const event of a!.membershipEvents) seen.push(event);
      return seen;
    })();
    const messages = (async () => {
      for await (const message of a!.incomingMessages) return message;
      return 'ended';
    })();
    await cluster.run(a!.close());
    expect(await events).toEqual([]);
    expect(await messages).toBe('ended');
  });

  it('sends bytes in order, and answers requests', async () => {
    const [a, b] = await cluster.start('a', 'b');
    const read = (async () => {
      const seen: string[] = [];
      for await (const message of b!.incomingMessages) {
        seen.push(`${message.sender.name} ${Buffer.from(message.payload).toString()}`);
        if (seen.length === 3) return seen;
      }
      return seen;
    })();
    for (const text of ['1', '2', '3']) void a!.send(b!.local, Buffer.from(text));
    expect(await cluster.run(read)).toEqual(['a 1', 'a 2', 'a 3']);
    b!.onRequest('double', (data) => (data as number) * 2);
    expect(await cluster.run(a!.request(b!.local.id, 'double', 21))).toBe(42);
    await expect(a!.send('0'.repeat(32), Buffer.from('x'))).rejects.toBeInstanceOf(UnknownMemberError);
  });

  it('delivers joined before the first message of a new member', async () => {
    const [a] = await cluster.start('a');
    const order: string[] = [];
    a!.onEvent((event) => order.push(`${event.type} ${event.member.name}`));
    a!.onMessage('hi', (_, message) => order.push(`message ${message.sender.name}`));
    const b = cluster.node('b');
    b.onEvent((event) => (event.type === 'joined' ? b.emit(event.member, 'hi', 1) : undefined));
    await cluster.run(b.start());
    await cluster.until(() => order.length === 2);
    expect(order).toEqual(['joined b', 'message b']);
  });

  it('that drains tells others, refuses requests and finishes what runs', async () => {
    const [a, b] = await cluster.start('a', 'b');
    let finish!: (value: string) => void;
    b!.onRequest('slow', () => new Promise<string>((resolve) => (finish = resolve)));
    const running = a!.request(b!.local, 'slow', 1);
    await cluster.until(() => finish !== undefined);
    const drained = b!.drain();
    await cluster.until(() => a!.member(b!.local.id)?.health === 'draining');
    await expect(cluster.run(a!.request(b!.local, 'slow', 1))).rejects.toMatchObject({
      code: 'CLUSTER_MEMBER_DRAINING',
    });
    finish('done');
    expect(await cluster.run(running)).toBe('done');
    await cluster.run(drained);
  });

  it('that is disabled has no socket and knows itself only', async () => {
    const node = new ClusterNode({ enabled: false });
    await node.start();
    await node.whenReady();
    expect(node.activeMembers).toEqual([node.local]);
    await expect(node.send('0'.repeat(32), new Uint8Array(1))).rejects.toThrow('enabled: false');
    await node.close();
  });

  it('closes twice without harm, also before it was started', async () => {
    const node = cluster.node('a');
    await Promise.all([node.close(), node.close()]);
    expect(node.status).toBe('closed');
    await expect(node.start()).rejects.toBeInstanceOf(ClosedError);
  });

  it('whose id another process has goes on under a new one, and its events stay legal', async () => {
    const same = (): (() => number) => {
      const random = new Random(7);
      return () => random.next();
    };
    const a = cluster.node('a', { random: same() });
    const clone = cluster.node('clone', { random: same() });
    expect(clone.local.id).toBe(a.local.id);
    const seen = record(clone);
    const problems = (async () => {
      const codes: string[] = [];
      for await (const error of clone.errors) codes.push(error.code);
      return codes;
    })();
    await cluster.run(cluster.node('c').start());
    await cluster.run(a.start());
    await cluster.run(clone.start());
    await cluster.run(clone.updateMetadata({ zone: 'eu' }));
    const nodes = [...cluster.nodes.values()];
    await cluster.until(() => nodes.every((node) => node.activeMembers.length === 3));
    expect(new Set(nodes.map((node) => node.local.id)).size).toBe(3);
    expect(cluster.log('clone').join()).toContain('takes a new id');
    await cluster.advance(30_000);
    expect(seen.filter((event) => !event.endsWith('clone')).sort()).toEqual(['joined a', 'joined c']);
    expect(seen.filter((event) => event.endsWith('clone') && !event.startsWith('updated'))).toEqual([]);
    clone.onMessage('hi', () => undefined);
    await cluster.run(a.emit(clone.local.id, 'hi', 1));
    await cluster.run(clone.close());
    expect(await problems).toContain('CLUSTER_DUPLICATE_NODE_ID');
  });

  it('keeps events flowing when a listener throws', async () => {
    const [a] = await cluster.start('a');
    a!.onEvent(() => {
      throw new Error('listener failed');
    });
    const seen: MembershipEvent[] = [];
    a!.onEvent((event) => seen.push(event));
    await cluster.run(cluster.node('b').start());
    await cluster.until(() => seen.length === 1);
    expect(cluster.log('a')).toContain('error A membership event listener failed: Error: listener failed');
    expect(a!.stats.handlerErrors).toBe(1);
  });

  it('leaves no timer and no link behind', async () => {
    await cluster.start('a', 'b', 'c');
    await cluster.close();
    await cluster.advance(5000);
    expect(cluster.clock.pending).toBe(0);
  });
});
