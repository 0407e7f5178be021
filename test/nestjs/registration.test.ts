import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { ClusterNode } from '../../src/cluster/node.js';
import { DuplicateClusterError, InvalidHandlerError, InvalidOptionError } from '../../src/errors.js';
import type { ClusterModuleOptions, ClusterOptionsFactory } from '../../src/nestjs/cluster-module-options.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { InjectMembership } from '../../src/nestjs/decorators/inject-membership.decorator.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { getClusterOptionsToken, getMembershipToken } from '../../src/nestjs/tokens.js';
import type { FakeNode } from './fake-node.js';
import { startApp, startModule, withFakeNodes } from './start-app.js';

@Injectable()
class Settings implements ClusterOptionsFactory {
  createClusterOptions(): ClusterModuleOptions {
    return { clusterName: 'from settings' };
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

describe('ClusterModule.forRoot', () => {
  it('needs no options', async () => {
    const { app, node } = await startModule({ imports: [ClusterModule.forRoot()] });
    expect(app.get(MembershipService).clusterName).toBe('fake');
    expect(node.calls).toEqual(['bind', 'join']);
    await app.close();
  });

  it('is global: any module can inject the service', async () => {
    @Injectable()
    class Deep {
      constructor(readonly membership: MembershipService) {}
    }
    @Module({ providers: [Deep] })
    class Feature {}
    const { app } = await startApp({ imports: [Feature] });
    expect(app.get(Deep).membership).toBe(app.get(MembershipService));
    await app.close();
  });

  it("hands on the node's options and keeps its own to itself", async () => {
    const { app, node } = await startApp(
      {},
      { nodeName: 'a', as: undefined, waitFor: { members: 1 }, globalGuards: 'run' },
    );
    expect(Object.keys(node.options).sort()).toEqual(['logger', 'nodeName']);
    await app.close();
  });

  it.each([
    [{ waitFor: { members: 0 } }, 'Option "waitFor.members" is 0, but must be at least 1'],
    [
      { waitFor: { members: 2, timeoutMs: 2 ** 31 } },
      'Option "waitFor.timeoutMs" is 2147483648, but must be below',
    ],
    [{ waitFor: { timeoutMs: 5 } }, 'Option "waitFor.members" is missing: it is a number of members'],
    [{ waitFor: { member: 2 } }, 'Option "waitFor.member" is not an option; did you mean "members"?'],
    [
      { waitFor: { members: 2, patience: 5 } },
      'Option "waitFor.patience" is not an option; the options here are members, timeoutMs',
    ],
    [{ waitFor: 2 }, 'Option "waitFor" is 2, but must be { members, timeoutMs }'],
    [{ waitfor: { members: 2 } }, 'Option "waitfor" is not an option; did you mean "waitFor"?'],
    [{ globalGuard: 'run' }, 'Option "globalGuard" is not an option; did you mean "globalGuards"?'],
    [{ clustername: 'a' }, 'Option "clustername" is not an option; did you mean "clusterName"?'],
    [{ globalGuards: 'maybe' }, 'Option "globalGuards" is "maybe", but must be "run" or "refuse"'],
    [{ as: '' }, 'Option "as" must be a non-empty string'],
  ])('stops the start for %j', async (options, message) => {
    const start = async (): Promise<unknown> =>
      startModule({ imports: [ClusterModule.forRoot(options as never)] });
    await expect(start()).rejects.toThrow(message);
    await expect(start()).rejects.toThrow(InvalidOptionError);
  });

  it('names every option there is, its own and those of the node, when a key is none of them', async () => {
    const imports = [ClusterModule.forRoot({ somethingElse: 1 } as never)];
    const listed = /"somethingElse" is not an option; the options here are (.*)$/;
    const error = (await startModule({ imports }).catch((failure: unknown) => failure)) as Error;
    const names = listed.exec(error.message)?.[1]?.split(', ');
    expect(names).toEqual(expect.arrayContaining(['clusterName', 'swim', 'waitFor', 'globalGuards', 'as']));
    // Each is known to the node too: what the list names is not refused as unknown.
    for (const name of names!) {
      const options = { imports: [ClusterModule.forRoot({ [name]: undefined })] };
      await (await startModule(options)).app.close();
      if (['waitFor', 'globalGuards', 'as'].includes(name)) continue;
      expect(new ClusterNode({ [name]: undefined }).status).toBe('created');
    }
  });

  it.each([
    [null, 'is null, but must be an object'],
    ['x', 'is "x", but must be an object'],
    [[], 'is an array, but must be an object'],
    [Promise.resolve({}), 'is a promise, but must be an object; a useFactory of forRootAsync may return one'],
  ])('refuses %p in the place of options', (options, problem) => {
    expect(() => ClusterModule.forRoot(options as never)).toThrow(new InvalidOptionError('forRoot', problem));
  });
});

describe('ClusterModule.forRootAsync', () => {
  it.each([
    [
      'useFactory',
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: (s: Settings) => s.createClusterOptions(),
      },
    ],
    ['an asynchronous useFactory', { useFactory: async () => ({ clusterName: 'from settings' }) }],
    ['useClass', { useClass: Settings }],
    ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
  ])('takes options from %s', async (_way, options) => {
    const { app, node } = await startModule({ imports: [ClusterModule.forRootAsync(options)] });
    expect(node.options.clusterName).toBe('from settings');
    await app.close();
  });

  it('refuses none and more than one of them', () => {
    expect(() => ClusterModule.forRootAsync({})).toThrow(InvalidOptionError);
    expect(() => ClusterModule.forRootAsync({ useClass: Settings, useExisting: Settings })).toThrow(
      'exactly one of',
    );
  });

  it.each([
    [{ usefactory: () => ({}) }, 'forRootAsync.usefactory', 'is not an option; did you mean "useFactory"?'],
    [{ useFactory: {} }, 'forRootAsync.useFactory', 'is an object, but must be a function'],
    [{ useClass: 'Settings' }, 'forRootAsync.useClass', 'is "Settings", but must be a class'],
    [
      { useFactory: () => ({}), inject: Settings },
      'forRootAsync.inject',
      'is a function, but must be an array',
    ],
    [null, 'forRootAsync', 'is null, but must be an object'],
    ['x', 'forRootAsync', 'is "x", but must be an object'],
  ])('refuses %p', (options, option, problem) => {
    expect(() => ClusterModule.forRootAsync(options as never)).toThrow(
      new InvalidOptionError(option, problem),
    );
  });

  it.each([
    ['undefined', () => undefined],
    ['undefined', async () => undefined],
    ['null', () => null],
    ['"x"', () => 'x'],
  ])('stops the start when the factory returns %s', async (shown, useFactory) => {
    const imports = [ClusterModule.forRootAsync({ useFactory: useFactory as never })];
    await expect(startModule({ imports })).rejects.toThrow(
      new InvalidOptionError(
        'forRootAsync.useFactory',
        `returned ${shown}, but must return the options ({} for the defaults)`,
      ),
    );
  });

  it.each(['useClass', 'useExisting'])(
    'stops the start when the class of %s makes no options',
    async (way) => {
      @Injectable()
      class Forgetful {
        createClusterOptions(): undefined {}
      }
      @Injectable()
      class Unrelated {}
      @Module({ providers: [Forgetful, Unrelated], exports: [Forgetful, Unrelated] })
      class Others {}
      const start = (given: unknown): Promise<unknown> =>
        startModule({ imports: [ClusterModule.forRootAsync({ imports: [Others], [way]: given })] });
      await expect(start(Forgetful)).rejects.toThrow(
        new InvalidOptionError(
          `forRootAsync.${way}`,
          'is Forgetful, whose createClusterOptions() returned undefined, but must return the options ({} for the defaults)',
        ),
      );
      await expect(start(Unrelated)).rejects.toThrow(
        new InvalidOptionError(
          `forRootAsync.${way}`,
          'is Unrelated, which has no createClusterOptions(): write that method, it returns the options',
        ),
      );
    },
  );

  it('keeps the place of "this" in a class that makes options', async () => {
    @Injectable()
    class Stateful implements ClusterOptionsFactory {
      readonly clusterName = 'of this';
      createClusterOptions(): ClusterModuleOptions {
        return { clusterName: this.clusterName };
      }
    }
    const { app, node } = await startModule({
      imports: [ClusterModule.forRootAsync({ useClass: Stateful })],
    });
    expect(node.options.clusterName).toBe('of this');
    await app.close();
  });

  it('knows the name before the options, so a factory cannot give it', async () => {
    const useFactory = (): never => ({ as: 'orders' }) as never;
    await expect(startModule({ imports: [ClusterModule.forRootAsync({ useFactory })] })).rejects.toThrow(
      'Option "as" is known before the options are: write it beside useFactory',
    );
  });
});

describe('a named registration', () => {
  @Injectable()
  class Both {
    constructor(
      readonly unnamed: MembershipService,
      @InjectMembership('orders') readonly orders: MembershipService,
    ) {}

    @OnClusterMessage('hello')
    unnamedHello(): void {}

    @OnClusterMessage('hello', { cluster: 'orders' })
    ordersHello(): void {}
  }

  it('stands beside the unnamed one, with handlers of its own', async () => {
    const { app, nodes } = await startModule({
      imports: [
        ClusterModule.forRoot({ clusterName: 'one' }),
        ClusterModule.forRootAsync({ as: 'orders', useFactory: () => ({ clusterName: 'two' }) }),
      ],
      providers: [Both],
    });
    const { unnamed, orders } = app.get(Both);
    expect([unnamed.clusterName, orders.clusterName]).toEqual(['one', 'two']);
    expect(app.get(getMembershipToken('orders'))).toBe(orders);
    const names = nodes.map((node) => [
      node.clusterName,
      node.messageHandlers.get('hello')?.map((one) => one.options.name),
    ]);
    expect(Object.fromEntries(names)).toEqual({ one: ['Both.unnamedHello'], two: ['Both.ordersHello'] });
    await app.close();
  });

  it('logs under its name', async () => {
    const { app, nest } = await startModule({
      imports: [ClusterModule.forRoot(), ClusterModule.forRoot({ as: 'orders' })],
      providers: [Both],
    });
    expect(nest.at('log', 'Cluster:orders')).toEqual(['Mapped {hello, message} Both.ordersHello']);
    expect(nest.at('log', 'Cluster')).toEqual(['Mapped {hello, message} Both.unnamedHello']);
    await app.close();
  });

  it.each([undefined, 'orders'])(
    'stops the start when %s is registered twice, before a node is made',
    async (as) => {
      const nodes: FakeNode[] = [];
      const imports = [
        ClusterModule.forRoot({ as }),
        ClusterModule.forRootAsync({ as, useFactory: () => ({}) }),
      ];
      const compiled = withFakeNodes(Test.createTestingModule({ imports }), nodes).compile();
      await expect(compiled).rejects.toThrow(DuplicateClusterError);
      expect(nodes).toEqual([]);
    },
  );

  it('is named, with the way to register it, when somebody injects it and it is not there', async () => {
    @Injectable()
    class Lost {
      constructor(@InjectMembership('nope') readonly nope: MembershipService) {}
    }
    await expect(startApp({ providers: [Lost] })).rejects.toThrow(
      "MembershipService of the cluster 'nope' (register it with ClusterModule.forRoot({ as: 'nope' }))",
    );
  });

  it('stops the start when a handler names a cluster that is not there', async () => {
    @Injectable()
    class Lost {
      @OnClusterMessage('hello', { cluster: 'orders' })
      hello(): void {}
    }
    await expect(startApp({ providers: [Lost] })).rejects.toThrow(
      new InvalidHandlerError(
        "Lost.hello handles the cluster 'orders', which is not registered: there is the unnamed one",
      ),
    );
  });
});

describe('a test', () => {
  it.each([undefined, 'orders'])('overrides the options of forRoot and forRootAsync (as: %s)', async (as) => {
    for (const module of [
      ClusterModule.forRoot({ as, clusterName: 'production' }),
      ClusterModule.forRootAsync({ as, useFactory: () => ({ clusterName: 'production' }) }),
    ]) {
      const nodes: FakeNode[] = [];
      const builder = Test.createTestingModule({ imports: [module] })
        .overrideProvider(getClusterOptionsToken(as))
        .useValue({ clusterName: 'test' });
      const app = await withFakeNodes(builder, nodes).compile();
      await app.init();
      expect(nodes.map((node) => node.clusterName)).toEqual(['test']);
      await app.close();
    }
  });

  it('overrides only the service, and no node is made', async () => {
    @Injectable()
    class Greeter {
      constructor(readonly membership: MembershipService) {}
      @OnClusterMessage('hello')
      hello(): void {}
    }
    const nodes: FakeNode[] = [];
    const mock = { emit: async () => undefined };
    const builder = Test.createTestingModule({ imports: [ClusterModule.forRoot()], providers: [Greeter] })
      .overrideProvider(MembershipService)
      .useValue(mock);
    const app = await withFakeNodes(builder, nodes).compile();
    await app.init();
    expect(app.get(Greeter).membership).toBe(mock);
    expect(nodes).toEqual([]);
    await app.close();
  });
});
