import { afterEach, describe, expect, it } from '@jest/globals';
import { ClusterNode } from '../../src/cluster/node.js';
import { ClosedError, InvalidOptionError, UnknownMemberError } from '../../src/errors.js';
import type { MemberHealth } from '../../src/membership/membership.js';
import { Random } from '../../src/simulation/random.js';
import { VirtualCluster } from '../support/virtual-cluster.js';

let cluster = new VirtualCluster();

afterEach(async () => {
  await cluster.close();
  cluster = new VirtualCluster();
});

/** What one node knows of another's health. */
function known(at: ClusterNode, of: ClusterNode): unknown[] {
  const member = at.member(of.local.id);
  return [member?.health, member?.healthReason];
}

describe('the health that an application gives its node', () => {
  it('reaches everybody as an event, with its reason, and goes back', async () => {
    const [a, b, c] = await cluster.start('a', 'b', 'c');
    const seen: unknown[] = [];
    c!.onEvent(({ type, member }) => seen.push([type, member.name, member.health, member.healthReason]));
    expect(await a!.setHealth('degraded', 'the database is gone')).toBe('degraded');
    expect(a!.local).toMatchObject({ health: 'degraded', healthReason: 'the database is gone' });
    await cluster.advance(3000);
    expect(known(b!, a!)).toEqual(['degraded', 'the database is gone']);
    await a!.setHealth('degraded');
    await cluster.advance(3000);
    await a!.setHealth('ok', 'back again');
    await cluster.advance(3000);
    expect(await a!.setHealth('ok')).toBe('ok');
    await cluster.advance(3000);
    expect(seen).toEqual([
      ['updated', 'a', 'degraded', 'the database is gone'],
      ['updated', 'a', 'degraded', undefined],
      ['updated', 'a', 'ok', 'back again'],
      ['updated', 'a', 'ok', undefined],
    ]);
  });

  it('is told to members that join later', async () => {
    const [a] = await cluster.start('a', 'b');
    await a!.setHealth('degraded', 'disk full');
    const c = cluster.node('c');
    await cluster.run(c.start());
    await cluster.until(() => c.activeMembers.length === 3);
    expect(known(c, a!)).toEqual(['degraded', 'disk full']);
  });

  it('that changes nothing is no event', async () => {
    const [a] = await cluster.start('a', 'b');
    const seen: string[] = [];
    a!.onEvent(({ type }) => seen.push(type));
    await a!.setHealth('ok');
    await a!.setHealth('ok', '');
    expect(a!.local.incarnation).toBe(0);
    await a!.setHealth('degraded', 'slow');
    await a!.setHealth('degraded', 'slow');
    await cluster.advance(1000);
    expect(a!.local.incarnation).toBe(1);
    expect(seen).toEqual(['updated']);
  });

  it('draining turns requests away from it, while it goes on answering', async () => {
    const [a, b, c] = await cluster.start('a', 'b', 'c');
    for (const node of [b!, c!]) node.onRequest('who', () => node.local.name);
    const ask = async (): Promise<string> => (await cluster.run(a!.requestAny('who', 1))) as string;
    const asked = async (): Promise<string[]> => [await ask(), await ask()];
    expect((await asked()).toSorted()).toEqual(['b', 'c']);
    await b!.setHealth('draining', 'deploy');
    await cluster.until(() => known(a!, b!)[0] === 'draining');
    expect(await asked()).toEqual(['c', 'c']);
    expect(await cluster.run(a!.request(b!.local, 'who', 1))).toBe('b');
    expect(b!.status).toBe('ready');
    await c!.setHealth('draining');
    await cluster.until(() => known(a!, c!)[0] === 'draining');
    await expect(cluster.run(a!.requestAny('who', 1))).rejects.toBeInstanceOf(UnknownMemberError);
    await b!.setHealth('ok');
    await cluster.until(() => known(a!, b!)[0] === 'ok');
    expect(await asked()).toEqual(['b', 'b']);
  });

  it('degraded is for others to judge: they still ask it', async () => {
    const [a, b] = await cluster.start('a', 'b');
    b!.onRequest('who', () => 'b');
    await b!.setHealth('degraded');
    await cluster.until(() => known(a!, b!)[0] === 'degraded');
    expect(await cluster.run(a!.requestAny('who', 1))).toBe('b');
    const well = { where: ({ health }: { health: MemberHealth }) => health === 'ok' };
    await expect(cluster.run(a!.requestAny('who', 1, well))).rejects.toBeInstanceOf(UnknownMemberError);
  });

  it('before the join is remembered, and joined with', async () => {
    const [a] = await cluster.start('a');
    const b = cluster.node('b');
    expect(await b.setHealth('degraded', 'caches are cold')).toBe('degraded');
    expect(b.local).toMatchObject({ health: 'degraded', healthReason: 'caches are cold' });
    await cluster.run(b.start());
    await cluster.until(() => a!.activeMembers.length === 2);
    expect(known(a!, b)).toEqual(['degraded', 'caches are cold']);
    const alone = new ClusterNode({ enabled: false });
    await alone.setHealth('degraded', 'alone');
    expect(alone.local.healthReason).toBe('alone');
    await alone.close();
  });

  it('does not undo the draining of a node that shuts down', async () => {
    const [a, b] = await cluster.start('a', 'b');
    await b!.setHealth('degraded', 'slow');
    const drained = b!.drain();
    expect(b!.local).toMatchObject({ health: 'draining', healthReason: undefined });
    expect(await b!.setHealth('ok', 'well again')).toBe('draining');
    await cluster.until(() => known(a!, b!)[0] === 'draining');
    await b!.setHealth('draining', 'SIGTERM');
    await cluster.until(() => known(a!, b!)[1] === 'SIGTERM');
    await cluster.run(drained);
  });

  it('keeps its reason when the node begins to drain by itself', async () => {
    const [a, b] = await cluster.start('a', 'b');
    await b!.setHealth('draining', 'deploy 42');
    await cluster.run(b!.drain());
    await cluster.until(() => known(a!, b!)[0] === 'draining');
    expect(known(a!, b!)).toEqual(['draining', 'deploy 42']);
    expect(b!.local.incarnation).toBe(1);
  });

  it('cannot be given after the leave', async () => {
    const [, b] = await cluster.start('a', 'b');
    await cluster.run(b!.leave());
    await expect(b!.setHealth('ok')).rejects.toBeInstanceOf(ClosedError);
  });

  it.each<[string, unknown, unknown, string]>([
    ['a health that is none', 'fine', undefined, '"health" is "fine", but must be "ok", "degraded" or'],
    ['a reason without a health', undefined, 'disk full', '"health" is undefined, but must be "ok"'],
    ['a reason that is no text', 'degraded', new Error('disk full'), '"reason" is an object, but must be'],
    ['a reason of 257 bytes', 'degraded', `${'€'.repeat(85)}xy`, 'has 257 bytes in UTF-8, but may have 256'],
  ])('is refused with %s, and stays as it was', async (_, health, reason, problem) => {
    const [a] = await cluster.start('a');
    await a!.setHealth('degraded', '€'.repeat(85));
    const refused = a!.setHealth(health as MemberHealth, reason as string);
    await expect(refused).rejects.toBeInstanceOf(InvalidOptionError);
    await expect(refused).rejects.toThrow(problem);
    expect(a!.local).toMatchObject({ health: 'degraded', healthReason: '€'.repeat(85), incarnation: 1 });
  });

  it('goes on under a new identity, also while the node drains', async () => {
    const same = (): (() => number) => {
      const random = new Random(7);
      return () => random.next();
    };
    const a = cluster.node('a', { random: same() });
    const clone = cluster.node('clone', { random: same() });
    const before = clone.local.id;
    const c = cluster.node('c');
    await cluster.run(c.start());
    await cluster.run(a.start());
    await clone.setHealth('degraded', 'disk full');
    await cluster.run(clone.start());
    await clone.drain();
    await cluster.until(() => clone.local.id !== before && c.activeMembers.length === 3);
    expect(known(c, clone)).toEqual(['draining', undefined]);
  });

  it('is a line in the log of the others, at debug, on one line', async () => {
    const [, b] = await cluster.start('a', 'b');
    const lines = (): string[] =>
      cluster.log('a').filter((line) => line.includes(' is ') && line.includes('b ('));
    await b!.setHealth('degraded', 'disk\nfull');
    await cluster.advance(2000);
    await b!.setHealth('ok');
    await cluster.advance(2000);
    await b!.updateMetadata({ zone: 'eu' });
    await cluster.advance(2000);
    expect(lines().map((line) => line.replace(/\(.*\)/, '(…)'))).toEqual([
      'debug b (…) is degraded: disk?full',
      'debug b (…) is ok',
    ]);
    expect(cluster.log('a').at(-1)).toMatch(/^debug b .* updated$/);
  });
});

describe('the lag of a node', () => {
  it('is for how long its event loop stood still within the last ten seconds', async () => {
    const [a, b] = await cluster.start('a', 'b', 'c');
    expect(a!.stats.lagMs).toBe(0);
    for (const _ of [1, 2, 3]) {
      cluster.stall('a', 400);
      await cluster.advance(2000);
    }
    const lag = a!.stats.lagMs;
    expect(lag).toBeGreaterThan(100);
    expect(lag).toBeLessThanOrEqual(1200);
    expect(lag).toBeCloseTo(a!.stats.stalledMs, 6);
    expect(b!.stats.lagMs).toBe(0);
    await cluster.advance(6000);
    expect(a!.stats.lagMs).toBeGreaterThan(0);
    expect(a!.stats.lagMs).toBeLessThan(lag);
    await cluster.advance(6000);
    expect(a!.stats.lagMs).toBe(0);
    cluster.stall('a', 400);
    await cluster.advance(1000);
    expect(a!.stats.lagMs).toBeGreaterThan(0);
    expect(a!.stats.lagMs).toBeLessThanOrEqual(400);
  });
});
