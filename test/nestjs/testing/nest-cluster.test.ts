import { Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import {
  ClusterModule,
  getMembershipToken,
  MembershipService,
  NotDeliveredError,
  RequestTimeoutError,
} from '../../../src/index.js';
import { NestCluster } from '../../../src/nestjs/testing/nest-cluster.js';
import { seconds } from '../../../src/simulation/simulate.js';
import { openHandles } from './open-handles.js';
import { quiet, Town, town, TownModule } from './town.js';

const names = (membership: MembershipService): string[] =>
  membership.activeMembers.map(({ name }) => name).toSorted();

describe('a cluster of Nest applications', () => {
  it('starts in virtual time, without a socket, and everybody sees everybody', async () => {
    const before = openHandles();
    const cluster = await NestCluster.start({
      nodes: 3,
      module: () => quiet(Test.createTestingModule({ imports: [TownModule] })),
    });
    expect(openHandles()).toEqual(before);
    for (const name of cluster.names) {
      expect(names(cluster.membership(name))).toEqual(['a', 'b', 'c']);
      expect(cluster.get(name, Town).joined.toSorted()).toEqual(
        ['a', 'b', 'c'].filter((other) => other !== name),
      );
    }
    await cluster.close();
  });

  it('keeps the options of the application that are not about network and time', async () => {
    const cluster = await NestCluster.start({
      nodes: ['tea', 'jam'],
      module: () => quiet(Test.createTestingModule({ imports: [TownModule] })),
    });
    const { clusterName, local } = cluster.membership('tea');
    expect([clusterName, local.name, local.metadata]).toEqual(['shop', 'tea', { role: 'web' }]);
    expect(cluster.log('tea').join()).not.toContain('somebody looked');

    const { local: jam } = cluster.membership('jam');
    cluster.cut('tea', 'jam');
    const startedAtMs = cluster.nowMs;
    const asked = cluster.run(cluster.membership('tea').request(jam, 'name', undefined));
    await expect(asked).rejects.toThrow(RequestTimeoutError);
    // requestTimeoutMs: 700
    expect(cluster.nowMs - startedAtMs).toBeLessThan(800);
    await cluster.close();
  });

  it('takes options of the test over those of the application, for each node', async () => {
    const cluster = await NestCluster.start({
      nodes: 2,
      module: () => quiet(Test.createTestingModule({ imports: [TownModule] })),
      options: (name) => ({ metadata: { zone: name === 'a' ? 'north' : 'south' } }),
    });
    const zones = cluster.membership('a').activeMembers.map(({ metadata }) => metadata['zone']);
    expect(zones).toHaveLength(2);
    expect(zones).toEqual(expect.arrayContaining(['north', 'south']));
    await cluster.close();
  });

  it.each([
    ['useFactory', () => ClusterModule.forRootAsync({ useFactory: async () => ({ clusterName: 'async' }) })],
    [
      'useClass',
      () =>
        ClusterModule.forRootAsync({
          useClass: class {
            createClusterOptions() {
              return { clusterName: 'async' };
            }
          },
        }),
    ],
  ])('works with forRootAsync and %s', async (_, register) => {
    const cluster = await NestCluster.start({
      nodes: 2,
      module: () => quiet(Test.createTestingModule({ imports: [register()], providers: [Town] })),
    });
    expect(cluster.membership('b').clusterName).toBe('async');
    expect(names(cluster.membership('b'))).toEqual(['a', 'b']);
    await cluster.close();
  });

  it('tells the log of all nodes as one story', async () => {
    const lines: string[] = [];
    const cluster = await NestCluster.start({
      nodes: 3,
      module: () => town(),
      onLog: (name, line) => lines.push(`${name} ${line}`),
    });
    cluster.crash('c');
    await cluster.until(() => cluster.membership('b').activeMembers.length === 2);
    const heard = lines.filter((line) => line.includes('is unreachable'));
    expect(heard[0]).toMatch(/^[ab] \d+\.\d{3} warn c .* is unreachable, 2 members$/);
    const times = lines.map((line) => Number(line.split(' ')[1]));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await cluster.close();
  });

  it('carries messages and requests between applications', async () => {
    const cluster = await NestCluster.start({ nodes: 3, module: () => town() });
    const a = cluster.membership('a');
    const { delivered } = await cluster.run(a.emitAll('word', 'hello'));
    expect(delivered).toHaveLength(2);
    await cluster.advance(0);
    expect(cluster.get('b', Town).heard).toEqual(['a: hello']);
    const c = cluster.membership('c').local;
    expect(await cluster.run(a.request(c, 'name', undefined))).toBe('c');
    await cluster.close();
  });

  it('lets the nodes of the named registration meet, and those of others stay alone', async () => {
    const cluster = await NestCluster.start({
      nodes: 2,
      as: 'orders',
      module: () =>
        quiet(
          Test.createTestingModule({
            imports: [ClusterModule.forRoot({ port: 7946 }), ClusterModule.forRoot({ as: 'orders' })],
            providers: [Town],
          }),
        ),
    });
    await cluster.advance(seconds(5));
    expect(names(cluster.membership('a'))).toEqual(['a', 'b']);
    const unnamed = cluster.get<MembershipService>('a', getMembershipToken());
    expect([names(unnamed), unnamed.status]).toEqual([['a'], 'ready']);
    await cluster.close();
    expect(unnamed.status).toBe('closed');
  });

  it.each([1, 20])('has %i nodes', async (nodes) => {
    const cluster = await NestCluster.start({ nodes, module: () => town() });
    for (const name of cluster.names) expect(cluster.membership(name).activeMembers).toHaveLength(nodes);
    await cluster.advance(seconds(2));
    expect(cluster.names.flatMap((name) => cluster.get(name, Town).gone)).toEqual([]);
    await cluster.close();
  });

  it('starts one by one when told to', async () => {
    const sees: number[] = [];
    let first: MembershipService | undefined;
    const cluster = await NestCluster.start({
      nodes: 3,
      start: 'one-by-one',
      module: () => {
        if (first !== undefined) sees.push(first.activeMembers.length);
        return town([
          {
            provide: 'first',
            inject: [MembershipService],
            useFactory: (membership: MembershipService) => (first ??= membership),
          },
        ]);
      },
    });
    expect(sees).toEqual([1, 2]);
    await cluster.close();
  });

  it('waits in virtual time for the members that waitFor wants', async () => {
    const startedAtMs = performance.now();
    const cluster = await NestCluster.start({
      nodes: 3,
      module: () => town([], { waitFor: { members: 3 } }),
    });
    expect(cluster.membership('a').activeMembers).toHaveLength(3);
    expect(performance.now() - startedAtMs).toBeLessThan(4000);
    await cluster.close();
  });

  it('does not wait for nodes whose application joins by itself', async () => {
    const cluster = await NestCluster.start({ nodes: 2, module: () => town([], { autoJoin: false }) });
    expect(cluster.membership('a').status).toBe('bound');
    await cluster.run(Promise.all(cluster.names.map((name) => cluster.membership(name).join())));
    await cluster.settle();
    expect(names(cluster.membership('a'))).toEqual(['a', 'b']);
    await cluster.close();
  });
});

describe('a node of a test cluster', () => {
  @Injectable()
  class Hooks implements OnModuleDestroy, OnApplicationShutdown {
    readonly ran: string[] = [];
    onModuleDestroy(): void {
      this.ran.push('destroy');
    }
    onApplicationShutdown(): void {
      this.ran.push('shutdown');
    }
  }

  it('that crashes becomes unreachable, and its application hears of nothing any more', async () => {
    const cluster = await NestCluster.start({ nodes: 3, module: () => town([Hooks]) });
    const dead = cluster.get('c', Town);
    cluster.crash('c');
    expect(cluster.isRunning('c')).toBe(false);
    cluster.crash('a');
    await cluster.advance(seconds(10));
    expect(cluster.get('b', Town).gone.toSorted()).toEqual(['a', 'c']);
    expect(dead.gone).toEqual([]);
    expect(cluster.get('c', Hooks).ran).toEqual([]);
    await cluster.close();
    expect(cluster.get('c', Hooks).ran).toEqual([]);
    expect(cluster.get('b', Hooks).ran).toEqual(['destroy', 'shutdown']);
  });

  it('that loses its power is unreachable, too, only later', async () => {
    const cluster = await NestCluster.start({ nodes: 4, module: () => town() });
    cluster.powerOff('d');
    await cluster.until(() => cluster.get('a', Town).gone.includes('d'), { withinMs: seconds(30) });
    expect(cluster.get('a', Town).events).toContain('suspected d');
    await cluster.restart('d');
    await cluster.settle();
    expect(names(cluster.membership('a'))).toEqual(['a', 'b', 'c', 'd']);
    await cluster.close();
  });

  it('that is stopped leaves, and its hooks run', async () => {
    const cluster = await NestCluster.start({ nodes: 3, module: () => town([Hooks]) });
    await cluster.stop('b');
    expect(cluster.get('b', Hooks).ran).toEqual(['destroy', 'shutdown']);
    await cluster.advance(seconds(1));
    expect(cluster.get('a', Town).events).toContain('left b');
    expect(cluster.get('a', Town).events).not.toContain('unreachable b');
    await expect(cluster.stop('b')).rejects.toThrow('b does not run');
    await cluster.close();
  });

  it('that is restarted is a new application, with a new id, at the same address', async () => {
    const cluster = await NestCluster.start({ nodes: 3, module: () => town() });
    const before = cluster.membership('b').local;
    const old = cluster.get('b', Town);
    await cluster.restart('b');
    await cluster.settle();
    const after = cluster.membership('b').local;
    expect(after.id).not.toBe(before.id);
    expect(after.address).toEqual(before.address);
    expect(cluster.get('b', Town)).not.toBe(old);
    expect(cluster.membership('a').member(before.id)?.isActive ?? false).toBe(false);
    await cluster.close();
  });

  it('can be restarted many times', async () => {
    const cluster = await NestCluster.start({ nodes: 3, module: () => town() });
    const ids = new Set<string>();
    for (let i = 0; i < 15; i++) {
      await cluster.restart('b');
      await cluster.settle();
      ids.add(cluster.membership('b').local.id);
    }
    expect(ids.size).toBe(15);
    expect(names(cluster.membership('a'))).toEqual(['a', 'b', 'c']);
    await cluster.close();
  });

  it('that is paused is suspected, and objects when it goes on', async () => {
    const cluster = await NestCluster.start({ nodes: 4, module: () => town() });
    cluster.pause('c');
    await cluster.until(() => cluster.get('a', Town).events.includes('suspected c'));
    cluster.resume('c');
    await cluster.until(() => cluster.get('a', Town).events.includes('recovered c'));
    expect(cluster.get('a', Town).gone).toEqual([]);
    await cluster.close();
  });

  it('that stalls goes on where it was', async () => {
    const cluster = await NestCluster.start({ nodes: 3, module: () => town() });
    const b = cluster.membership('b').local;
    cluster.stall('b', 300);
    const sentAtMs = cluster.nowMs;
    expect(await cluster.run(cluster.membership('a').request(b, 'name', undefined))).toBe('b');
    expect(cluster.nowMs - sentAtMs).toBeGreaterThanOrEqual(300);
    await cluster.close();
  });
});

describe('the network of a test cluster', () => {
  it('is cut between two nodes and healed', async () => {
    const cluster = await NestCluster.start({ nodes: 2, module: () => town() });
    cluster.cut('a', 'b');
    await cluster.until(() => cluster.get('a', Town).gone.includes('b'));
    const b = cluster.membership('b').local;
    const sent = cluster.run(cluster.membership('a').emit(b, 'word', 'are you there?'));
    await expect(sent).rejects.toThrow(NotDeliveredError);
    cluster.heal('a', 'b');
    await cluster.settle({ withinMs: seconds(120) });
    await cluster.run(cluster.membership('a').emit(b, 'word', 'welcome back'));
    expect(cluster.get('b', Town).heard).toEqual(['a: welcome back']);
    await cluster.close();
  });

  it('falls into parts that go on, and merge', async () => {
    const cluster = await NestCluster.start({ nodes: 5, module: () => town() });
    cluster.partition(['a', 'b'], ['c', 'd', 'e']);
    await cluster.until(() => cluster.membership('a').activeMembers.length === 2);
    await cluster.until(() => cluster.membership('e').activeMembers.length === 3);
    cluster.heal();
    await cluster.settle({ withinMs: seconds(180) });
    await cluster.close();
  });

  it('can be slow', async () => {
    const cluster = await NestCluster.start({
      nodes: 2,
      module: () => town(),
      latency: { minMs: 20, maxMs: 20 },
    });
    const b = cluster.membership('b').local;
    const askedAtMs = cluster.nowMs;
    await cluster.run(cluster.membership('a').request(b, 'name', undefined));
    expect(cluster.nowMs - askedAtMs).toBeGreaterThanOrEqual(40);
    cluster.delay({ minMs: 1, maxMs: 1 });
    const againAtMs = cluster.nowMs;
    await cluster.run(cluster.membership('a').request(b, 'name', undefined));
    expect(cluster.nowMs - againAtMs).toBeLessThan(40);
    await cluster.close();
  });
});
