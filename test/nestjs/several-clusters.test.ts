import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ClusterModule,
  DuplicateClusterError,
  InjectMembership,
  InvalidHandlerError,
  Member,
  MembershipService,
  NoHandlerError,
  OnClusterMessage,
  OnClusterRequest,
  OnMemberJoined,
  OnMemberLeft,
  OnMembershipEvent,
  formatAddress,
  getMembershipToken,
  seeds,
} from '../../src/index.js';
import { until } from '../support/until.js';
import { LogLines } from './fake-node.js';

/** Two applications of one process, each with an unnamed cluster and with 'orders', over TCP. */

@Injectable()
class Handlers {
  readonly heard: string[] = [];

  constructor(
    readonly unnamed: MembershipService,
    @InjectMembership('orders') readonly orders: MembershipService,
  ) {}

  @OnClusterRequest('who')
  whoUnnamed(): string {
    return `unnamed of ${this.unnamed.local.name}`;
  }
  @OnClusterRequest('who', { cluster: 'orders' })
  whoOrders(): string {
    return `orders of ${this.orders.local.name}`;
  }
  @OnClusterRequest('only orders', { cluster: 'orders' })
  onlyOrders(): string {
    return 'orders';
  }
  @OnClusterMessage('told')
  toldUnnamed(data: unknown): void {
    this.heard.push(`unnamed told ${String(data)}`);
  }
  @OnClusterMessage('told', { cluster: 'orders' })
  toldOrders(data: unknown): void {
    this.heard.push(`orders told ${String(data)}`);
  }
  @OnClusterMessage({ cluster: 'orders' })
  bytesOfOrders(bytes: Uint8Array): void {
    this.heard.push(`orders bytes ${bytes.length}`);
  }
  @OnMemberJoined()
  joinedUnnamed(member: Member): void {
    this.heard.push(`unnamed joined ${member.name}`);
  }
  @OnMemberJoined({ cluster: 'orders' })
  joinedOrders(member: Member): void {
    this.heard.push(`orders joined ${member.name}`);
  }
  @OnMemberLeft({ cluster: 'orders' })
  leftOrders(member: Member): void {
    this.heard.push(`orders left ${member.name}`);
  }
  @OnMembershipEvent('left')
  leftUnnamed(member: Member): void {
    this.heard.push(`unnamed left ${member.name}`);
  }
}

interface Started {
  readonly app: INestApplicationContext;
  readonly handlers: Handlers;
}

const running: INestApplicationContext[] = [];

async function start(name: string, beside?: Handlers): Promise<Started> {
  const registration = (as: string | undefined, seed?: MembershipService): object => ({
    as,
    // Even of one name they would not meet: each has its own seeds.
    clusterName: `several-${as ?? 'unnamed'}`,
    nodeName: `${name}-${as ?? 'unnamed'}`,
    port: 0,
    preset: 'local',
    logger: new LogLines(),
    discovery: seeds(...(seed === undefined ? [] : [formatAddress(seed.local.address)])),
    ...(seed === undefined ? {} : { waitFor: { members: 2 } }),
  });
  @Module({
    imports: [
      ClusterModule.forRoot(registration(undefined, beside?.unnamed)),
      ClusterModule.forRootAsync({
        as: 'orders',
        useFactory: () => {
          const { as: _as, ...options } = registration('orders', beside?.orders) as { as: string };
          return options;
        },
      }),
    ],
    providers: [Handlers],
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  running.push(app);
  return { app, handlers: app.get(Handlers) };
}

describe('two applications in one process, each with two clusters', () => {
  let one: Started;
  let two: Started;

  beforeEach(async () => {
    one = await start('one');
    two = await start('two', one.handlers);
    for (const service of [one.handlers.unnamed, one.handlers.orders])
      await service.whenReady({ members: 2, timeoutMs: 10_000 });
  });
  afterEach(async () => {
    for (const app of running.splice(0).reverse()) await app.close();
  });

  it('inject the service of each cluster', () => {
    const { app, handlers } = one;
    expect(app.get(MembershipService)).toBe(handlers.unnamed);
    expect(app.get(getMembershipToken('orders'))).toBe(handlers.orders);
    expect(handlers.unnamed.activeMembers.map(({ name }) => name).toSorted()).toEqual([
      'one-unnamed',
      'two-unnamed',
    ]);
    expect(handlers.orders.activeMembers.map(({ name }) => name).toSorted()).toEqual([
      'one-orders',
      'two-orders',
    ]);
  });

  it('answer the requests of one pattern by the handler of its cluster and application', async () => {
    const [a, b] = [one.handlers, two.handlers];
    const ask = (from: MembershipService, to: MembershipService): Promise<unknown> =>
      from.request(to.local.id, 'who', null);
    expect(await ask(a.unnamed, b.unnamed)).toBe('unnamed of two-unnamed');
    expect(await ask(a.orders, b.orders)).toBe('orders of two-orders');
    expect(await ask(b.unnamed, a.unnamed)).toBe('unnamed of one-unnamed');
    expect(await ask(b.orders, a.orders)).toBe('orders of one-orders');
    await expect(a.unnamed.request(b.unnamed.local.id, 'only orders', null)).rejects.toThrow(NoHandlerError);
    // An id of the other cluster means nothing here.
    await expect(ask(a.unnamed, b.orders)).rejects.toThrow(/No member with the id/);
  });

  it('tell messages, bytes and members to the handlers of their cluster only', async () => {
    const [a, b] = [one.handlers, two.handlers];
    await until('the joins were told', () => a.heard.length === 2 && b.heard.length === 2);
    expect(a.heard.splice(0).toSorted()).toEqual(['orders joined two-orders', 'unnamed joined two-unnamed']);
    expect(b.heard.splice(0).toSorted()).toEqual(['orders joined one-orders', 'unnamed joined one-unnamed']);
    await a.unnamed.emit(b.unnamed.local.id, 'told', 1);
    await a.orders.emitAll('told', 2);
    await a.orders.send(b.orders.local.id, new Uint8Array(3));
    await until('three were told', () => b.heard.length === 3);
    expect(b.heard.toSorted()).toEqual(['orders bytes 3', 'orders told 2', 'unnamed told 1']);
    expect(a.heard).toEqual([]);
  });

  it('go on when one of them is closed', async () => {
    const [a, b] = [one.handlers, two.handlers];
    await running.splice(running.indexOf(one.app), 1)[0]!.close();
    await until('both leaves were told', () => b.heard.filter((line) => line.includes('left')).length === 2);
    expect(b.heard.filter((line) => line.includes('left')).toSorted()).toEqual([
      'orders left one-orders',
      'unnamed left one-unnamed',
    ]);
    expect([a.unnamed.status, a.orders.status]).toEqual(['closed', 'closed']);
    expect([b.unnamed.status, b.orders.status]).toEqual(['ready', 'ready']);
    const three = await start('three', b);
    expect(await three.handlers.orders.request(b.orders.local.id, 'who', null)).toBe('orders of two-orders');
  });
});

describe('the start is stopped', () => {
  const started = async (imports: object[], provider: new () => object): Promise<unknown> => {
    @Module({ imports: imports as never, providers: [provider] })
    class App {}
    return NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  };

  it('by a second cluster of one name', async () => {
    class None {}
    const twice = [ClusterModule.forRoot({ as: 'orders' }), ClusterModule.forRoot({ as: 'orders' })];
    await expect(started(twice, None)).rejects.toThrow(DuplicateClusterError);
  });

  it.each([
    ['OnClusterMessage', OnClusterMessage('x', { cluster: 'oders' })],
    ['OnClusterMessage of bytes', OnClusterMessage({ cluster: 'oders' })],
    ['OnClusterRequest', OnClusterRequest('x', { cluster: 'oders' })],
    ['OnMemberJoined', OnMemberJoined({ cluster: 'oders' })],
    ['OnMembershipEvent', OnMembershipEvent('left', { cluster: 'oders' })],
  ])('by @%s with the name of a cluster that is not there', async (_which, decorator) => {
    @Injectable()
    class Lost {
      @decorator
      x(): void {}
    }
    const both = [ClusterModule.forRoot(), ClusterModule.forRoot({ as: 'orders' })];
    const failed = started(both, Lost);
    await expect(failed).rejects.toThrow(InvalidHandlerError);
    await expect(failed).rejects.toThrow(
      "Lost.x handles the cluster 'oders', which is not registered: there is the unnamed one, 'orders'",
    );
  });
});
