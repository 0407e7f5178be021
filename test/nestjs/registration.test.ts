import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { DuplicateClusterError, InvalidHandlerError, InvalidOptionError } from '../../src/errors.js';
import type { ClusterModuleOptions, ClusterOptionsFactory } from '../../src/nestjs/cluster-module-options.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { InjectMembership } from '../../src/nestjs/inject-membership.decorator.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { OnClusterMessage } from '../../src/nestjs/on-cluster-message.decorator.js';
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
    [{ waitFor: { timeoutMs: 5 } }, 'Option "waitFor.members"'],
    [{ waitFor: { members: 2, timeout: 5 } }, 'Option "waitFor.timeout" is not an option'],
    [{ globalGuards: 'maybe' }, 'Option "globalGuards" is "maybe", but must be "run" or "refuse"'],
    [{ as: '' }, 'Option "as" must be a non-empty string'],
  ])('stops the start for %j', async (options, message) => {
    const start = async (): Promise<unknown> =>
      startModule({ imports: [ClusterModule.forRoot(options as never)] });
    await expect(start()).rejects.toThrow(message);
    await expect(start()).rejects.toThrow(InvalidOptionError);
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
