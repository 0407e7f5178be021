import { Controller, Get, Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  ClusterModule,
  MembershipService,
  OnClusterMessage,
  formatAddress,
  seeds,
  type ClusterRootOptions,
} from '../../src/index.js';
import { until } from '../support/until.js';
import { LogLines, memberNamed } from './fake-node.js';

/** Ways to start and end an application, with real nodes over TCP. */

function rootOf(options: ClusterRootOptions, parts: Parameters<typeof Module>[0] = {}): Type {
  @Module({
    imports: [
      ClusterModule.forRoot({
        clusterName: 'kinds',
        port: 0,
        preset: 'local',
        logger: new LogLines(),
        ...options,
      }),
    ],
    ...parts,
  })
  class Root {}
  return Root;
}

const quiet = { logger: false, abortOnError: false } as const;

describe('the node is ready', () => {
  it.each([
    [
      'createApplicationContext',
      async (root: Type): Promise<INestApplicationContext> =>
        NestFactory.createApplicationContext(root, quiet),
    ],
    ['create and init', async (root: Type) => (await NestFactory.create(root, quiet)).init()],
    [
      'create and listen',
      async (root: Type): Promise<INestApplicationContext> => {
        const app = await NestFactory.create(root, quiet);
        expect(app.get(MembershipService).status).toBe('created');
        await app.listen(0, '127.0.0.1');
        return app;
      },
    ],
  ])('after %s, and closed after close, however often that is called', async (_how, start) => {
    const app = await start(rootOf({}));
    const membership = app.get(MembershipService);
    await membership.whenReady({ timeoutMs: 5000 });
    expect(membership.status).toBe('ready');
    await Promise.all([app.close(), app.close()]);
    expect(membership.status).toBe('closed');
    await app.close();
    expect(membership.status).toBe('closed');
  });
});

describe('close', () => {
  it('before init has nothing to undo', async () => {
    const app = await NestFactory.create(rootOf({}), quiet);
    const membership = app.get(MembershipService);
    await app.close();
    expect(membership.status).toBe('closed');
  });

  it('during a start that waits for peers ends that at once', async () => {
    const app = await NestFactory.create(rootOf({ waitFor: { members: 2, timeoutMs: 30_000 } }), quiet);
    const membership = app.get(MembershipService);
    const started = app.init();
    const failed = expect(started).rejects.toThrow(ClosedError);
    await until('it has joined', () => membership.status === 'ready');
    await app.close();
    await failed;
    expect(membership.status).toBe('closed');
  });
});

describe('an application that goes down', () => {
  it('can send in every hook before the last, and from HTTP handlers that still run', async () => {
    const heard: string[] = [];
    @Injectable()
    class Listener {
      @OnClusterMessage('from')
      from(where: string): void {
        heard.push(where);
      }
    }
    const peer = await NestFactory.createApplicationContext(rootOf({}, { providers: [Listener] }), quiet);
    const at = peer.get(MembershipService).local;

    @Injectable()
    class Leaver {
      constructor(private readonly membership: MembershipService) {}
      onModuleDestroy(): Promise<void> {
        return this.membership.emit(at.id, 'from', 'onModuleDestroy');
      }
      beforeApplicationShutdown(): Promise<void> {
        finish?.();
        return this.membership.emit(at.id, 'from', 'beforeApplicationShutdown');
      }
      onApplicationShutdown(): Promise<void> {
        return this.membership.emit(at.id, 'from', 'onApplicationShutdown');
      }
    }
    let finish: (() => void) | undefined;
    @Controller()
    class Slow {
      constructor(private readonly membership: MembershipService) {}
      @Get('slow')
      async slow(): Promise<string> {
        await new Promise<void>((resolve) => (finish = resolve));
        await this.membership.emit(at.id, 'from', 'HTTP');
        return this.membership.status;
      }
    }
    const root = rootOf(
      { discovery: seeds(formatAddress(at.address)), waitFor: { members: 2 } },
      { providers: [Leaver], controllers: [Slow] },
    );
    const app = await NestFactory.create(root, quiet);
    await app.listen(0, '127.0.0.1');
    const reply = fetch(`${await app.getUrl()}/slow`);
    await until('the HTTP handler runs', () => finish !== undefined);
    await app.close();
    expect(await (await reply).text()).toBe('draining');
    await until('all four are heard', () => heard.length === 4);
    expect(heard.toSorted()).toEqual([
      'HTTP',
      'beforeApplicationShutdown',
      'onApplicationShutdown',
      'onModuleDestroy',
    ]);
    await peer.close();
  });
});

describe('an application outside of the cluster', () => {
  it.each([
    ['enabled: false', { enabled: false }],
    ['autoJoin: false', { autoJoin: false }],
  ])('(%s) sees itself alone, and others are told of nothing', async (_how, options) => {
    const app = await NestFactory.createApplicationContext(rootOf(options), quiet);
    const membership = app.get(MembershipService);
    expect(membership.activeMembers).toEqual([membership.local]);
    await expect(membership.emit(memberNamed('other').id, 'x', null)).rejects.toMatchObject({
      code: expect.stringMatching(/^CLUSTER_/),
    });
    await app.close();
    expect(membership.status).toBe('closed');
  });
});

describe('a start that fails', () => {
  const fail = (): never => {
    throw new RangeError('the database is down');
  };
  class InConstructor {
    constructor() {
      fail();
    }
  }
  class InInit {
    onModuleInit(): void {
      fail();
    }
  }
  class InBootstrap {
    onApplicationBootstrap(): void {
      fail();
    }
  }
  const factory = { provide: 'broken', useFactory: async () => fail() };
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((one) => one === 'TCPServerWrap').length;

  it.each([
    ['a constructor', InConstructor],
    ['a factory', factory],
    ['onModuleInit', InInit],
    ['onApplicationBootstrap', InBootstrap],
  ])('in %s leaves nothing that keeps the process alive', async (_where, provider) => {
    const before = sockets();
    const started = NestFactory.createApplicationContext(
      rootOf({}, { providers: [provider as Type] }),
      quiet,
    );
    await expect(started).rejects.toThrow('the database is down');
    expect(sockets()).toBe(before);
  });

  it('in a global module before ours has bound nothing', async () => {
    @Module({ providers: [InInit] })
    class Before {}
    const root = rootOf({});
    @Module({ imports: [{ module: Before, global: true }, root] })
    class App {}
    const app = await NestFactory.create(App, quiet);
    await expect(app.init()).rejects.toThrow('the database is down');
    expect(app.get(MembershipService).status).toBe('created');
  });
});
