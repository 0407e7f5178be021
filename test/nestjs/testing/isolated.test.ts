import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import {
  ClusterModule,
  getClusterOptionsToken,
  getMembershipToken,
  MembershipService,
  OnClusterMessage,
  OnClusterRequest,
  type ClusterModuleOptions,
  type ClusterOptionsFactory,
} from '../../../src/index.js';
import { isolated } from '../../../src/nestjs/testing/isolated.js';
import { openHandles, timersLeftBy } from './open-handles.js';

/** What production has: none of it may be touched in a unit test. */
const production: ClusterModuleOptions = {
  clusterName: 'shop',
  host: '0.0.0.0',
  port: 7946,
  security: 'none',
  discovery: {
    name: 'unwanted',
    discoverNodes: () => Promise.reject(new TypeError('somebody looked for nodes')),
  },
};

@Injectable()
class Settings implements ClusterOptionsFactory {
  createClusterOptions(): ClusterModuleOptions {
    return production;
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class Echo {
  readonly heard: unknown[] = [];

  @OnClusterMessage('word')
  word(data: unknown): void {
    this.heard.push(data);
  }

  @OnClusterRequest('echo')
  echo(data: unknown): unknown {
    return data;
  }
}

const forms: readonly [string, (as?: string) => DynamicModule][] = [
  ['forRoot', (as) => ClusterModule.forRoot({ ...production, as })],
  ['forRootAsync with useFactory', (as) => ClusterModule.forRootAsync({ as, useFactory: () => production })],
  ['forRootAsync with useClass', (as) => ClusterModule.forRootAsync({ as, useClass: Settings })],
  [
    'forRootAsync with useExisting',
    (as) => ClusterModule.forRootAsync({ as, imports: [SettingsModule], useExisting: Settings }),
  ],
];

async function start(cluster: DynamicModule, as?: string, options = isolated()): Promise<TestingModule> {
  // A handler belongs to the unnamed registration.
  const providers = as === undefined ? [Echo] : [];
  const testing = await Test.createTestingModule({ imports: [cluster], providers })
    .overrideProvider(getClusterOptionsToken(as))
    .useValue(options)
    .compile();
  return testing.init();
}

describe('isolated()', () => {
  it.each(forms)('keeps a node of %s alone, without a socket', async (_, register) => {
    const before = openHandles();
    const testing = await start(register());
    const membership = testing.get(MembershipService);
    await membership.whenReady({ timeoutMs: 1000 });
    expect(openHandles()).toEqual(before);
    expect(membership.activeMembers).toEqual([membership.local]);
    expect(membership.status).toBe('ready');
    await testing.close();
    expect(membership.status).toBe('closed');
  });

  it.each(forms)('does so for a named registration of %s', async (_, register) => {
    const before = openHandles();
    const testing = await start(register('orders'), 'orders');
    expect(openHandles()).toEqual(before);
    expect(testing.get<MembershipService>(getMembershipToken('orders')).activeMembers).toHaveLength(1);
    await testing.close();
  });

  it('lets a node talk to itself, through its handlers', async () => {
    const testing = await start(ClusterModule.forRoot(production));
    const membership = testing.get(MembershipService);
    await membership.emit(membership.local, 'word', { n: 1 });
    expect(testing.get(Echo).heard).toEqual([{ n: 1 }]);
    expect(await membership.request(membership.local, 'echo', 'hello')).toBe('hello');
    await testing.close();
  });

  it('takes options over, as the application would give them', async () => {
    const testing = await start(
      ClusterModule.forRoot(production),
      undefined,
      isolated({ clusterName: 'mine', nodeName: 'ada', metadata: { zone: 'eu' } }),
    );
    const { clusterName, local } = testing.get(MembershipService);
    expect([clusterName, local.name, local.metadata]).toEqual(['mine', 'ada', { zone: 'eu' }]);
    await testing.close();
  });

  it('keeps two applications apart that are given the same options', async () => {
    const options = isolated();
    const one = await start(ClusterModule.forRoot(production), undefined, options);
    const other = await start(ClusterModule.forRoot(production), undefined, options);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([one, other].map((app) => app.get(MembershipService).activeMembers.length)).toEqual([1, 1]);
    await one.close();
    await other.close();
  });

  it('leaves nothing behind that keeps the process alive', async () => {
    const before = openHandles();
    const run = async (close: boolean): Promise<void> => {
      const testing = await start(ClusterModule.forRoot(production));
      await testing.get(MembershipService).whenReady();
      if (close) await testing.close();
      else left.push(testing);
    };
    const left: TestingModule[] = [];
    expect(await timersLeftBy(() => run(true))).toBe(0);
    expect(openHandles()).toEqual(before);
    expect(await timersLeftBy(() => run(false))).toBeGreaterThan(0);
    await left[0]!.close();
  });
});

describe('a test that overrides MembershipService alone', () => {
  it('opens no socket and starts no node', async () => {
    const before = openHandles();
    const fake = { activeMembers: [] };
    const testing = await Test.createTestingModule({
      imports: [ClusterModule.forRoot(production)],
      providers: [Echo],
    })
      .overrideProvider(MembershipService)
      .useValue(fake)
      .compile();
    await testing.init();
    expect(testing.get(MembershipService)).toBe(fake);
    expect(openHandles()).toEqual(before);
    await testing.close();
  });
});
