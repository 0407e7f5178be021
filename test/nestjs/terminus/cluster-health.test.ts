import { Controller, Get, Injectable, Module, Scope, ServiceUnavailableException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
  type HealthCheckResult,
} from '@nestjs/terminus';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import { InvalidOptionError } from '../../../src/errors.js';
import type { NodeStats } from '../../../src/cluster/node-stats.js';
import type { Member } from '../../../src/membership/membership.js';
import { ClusterModule } from '../../../src/nestjs/cluster.module.js';
import { MembershipService } from '../../../src/nestjs/membership.service.js';
import { CLUSTER_NODE_FACTORY } from '../../../src/nestjs/node-face.js';
import { isolated } from '../../../src/nestjs/testing/isolated.js';
import { NestCluster } from '../../../src/nestjs/testing/nest-cluster.js';
import { getClusterOptionsToken } from '../../../src/nestjs/tokens.js';
import { ClusterHealthIndicator, type ClusterHealthOptions } from '../../../src/terminus.js';
import { FakeNode, memberNamed } from '../fake-node.js';
import { quiet } from '../testing/town.js';

const terminus = TerminusModule.forRoot({ logger: false });

/** A fake node whose members and figures a test sets. */
class ShownNode extends FakeNode {
  shown: readonly Member[] = [];
  override readonly stats = { localHealth: 0, lagMs: 0 } as NodeStats;

  override get activeMembers(): readonly Member[] {
    return [this.local, ...this.shown];
  }

  /** As a later look at it finds it. */
  with(changes: { stats?: Partial<NodeStats>; local?: Parameters<Member['with']>[0] }): void {
    if (changes.stats !== undefined) Object.assign(this.stats, changes.stats);
    if (changes.local !== undefined) Object.assign(this, { local: this.local.with(changes.local) });
  }
}

interface Started {
  readonly app: TestingModule;
  readonly nodes: readonly ShownNode[];
  readonly node: ShownNode;
  readonly check: (options?: ClusterHealthOptions) => Promise<HealthCheckResult>;
}

/** A started application with clusters under these names, all on fake nodes. */
async function start(
  names: readonly (string | undefined)[] = [undefined],
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
): Promise<Started> {
  const nodes: ShownNode[] = [];
  const builder = quiet(
    Test.createTestingModule({
      imports: [terminus, ...names.map((as) => ClusterModule.forRoot(as === undefined ? {} : { as }))],
      providers: [ClusterHealthIndicator],
    }),
  )
    .overrideProvider(CLUSTER_NODE_FACTORY)
    .useValue(() => {
      const node = new ShownNode();
      nodes.push(node);
      return node;
    });
  const app = await change(builder).compile();
  await app.init();
  return { app, nodes, node: nodes[0]!, check: (options) => checked(app, options) };
}

/** What a check says, whether it lets the request pass or not. */
async function checked(app: TestingModule, options?: ClusterHealthOptions): Promise<HealthCheckResult> {
  const indicator = app.get(ClusterHealthIndicator);
  try {
    return await app.get(HealthCheckService).check([() => indicator.isHealthy('cluster', options)]);
  } catch (error) {
    if (error instanceof ServiceUnavailableException) return error.getResponse() as HealthCheckResult;
    throw error;
  }
}

const suspect = memberNamed('suspect').with({ state: 'suspect' });

describe('a health check of a cluster', () => {
  it('is up when the node has joined, and says what it sees', async () => {
    const { app, check } = await start();
    expect(await check()).toEqual({
      status: 'ok',
      info: { cluster: expect.anything() },
      error: {},
      details: {
        cluster: {
          status: 'up',
          ...{ node: 'ready', members: 1, minMembers: 1, suspects: 0 },
          ...{ health: 'ok', localHealth: 0, lagMs: 0 },
        },
      },
    });
    await app.close();
  });

  it.each(['created', 'bound', 'joining', 'draining', 'left', 'closed'] as const)(
    'is down while the node is %s',
    async (status) => {
      const { app, node, check } = await start();
      node.status = status;
      expect(await check()).toMatchObject({
        status: 'error',
        error: { cluster: { status: 'down', node: status, message: `the node is ${status}` } },
      });
      await app.close();
    },
  );

  it('is down with too few members', async () => {
    const { app, node, check } = await start();
    node.shown = [memberNamed('b')];
    expect((await check({ minMembers: 2 })).status).toBe('ok');
    expect(await check({ minMembers: 3 })).toMatchObject({
      status: 'error',
      error: { cluster: { status: 'down', members: 2, minMembers: 3, message: '2 of 3 members are there' } },
    });
    await app.close();
  });

  it('is down while the application says that it drains, and up again afterwards', async () => {
    const { app, node, check } = await start();
    node.with({ local: { health: 'draining', healthReason: 'deploy\n42' } });
    expect((await check()).error).toMatchObject({
      cluster: { status: 'down', health: 'draining', message: 'it drains: deploy?42' },
    });
    node.with({ local: { healthReason: undefined } });
    expect((await check()).error).toMatchObject({ cluster: { message: 'it drains' } });
    node.with({ local: { health: 'degraded', healthReason: 'slow' } });
    expect(await check()).toMatchObject({ status: 'ok', info: { cluster: { health: 'degraded' } } });
    await app.close();
  });

  it('is degraded while members are suspect, the node doubts itself, or its loop lags', async () => {
    const { app, node, check } = await start();
    node.shown = [suspect, memberNamed('b')];
    expect(await check()).toMatchObject({
      status: 'degraded',
      info: { cluster: { status: 'degraded', suspects: 1, message: '1 of 3 members are suspect' } },
      error: {},
    });
    expect((await check({ maxSuspects: 1 })).status).toBe('ok');

    node.with({ stats: { localHealth: 2, lagMs: 1000.4 } });
    expect((await check({ maxSuspects: 1 })).info).toMatchObject({
      cluster: { status: 'degraded', message: 'local health is 2' },
    });
    expect((await check({ maxSuspects: 1, maxLocalHealth: 2 })).status).toBe('ok');
    expect((await check({ maxSuspects: 1, maxLocalHealth: 2, maxLagMs: 999 })).info).toMatchObject({
      cluster: {
        status: 'degraded',
        lagMs: 1000,
        message: 'the event loop stood still for 1000 ms of the last ten seconds',
      },
    });
    await app.close();
  });

  it('that is down says what else is wrong, too', async () => {
    const { app, node, check } = await start();
    node.shown = [suspect];
    node.with({ stats: { localHealth: 1 } });
    expect((await check({ minMembers: 5 })).error).toMatchObject({
      cluster: { message: '2 of 5 members are there; 1 of 2 members are suspect; local health is 1' },
    });
    await app.close();
  });

  it('is up with a mark where Terminus has no word for degraded', async () => {
    const said = (status: string) => (key: string) => (data: object) => ({ [key]: { status, ...data } });
    const ofEleven = { check: (key: string) => ({ up: said('up')(key), down: said('down')(key) }) };
    const { app, node, check } = await start([undefined], (builder) =>
      builder.overrideProvider(HealthIndicatorService).useValue(ofEleven),
    );
    expect((await check()).details['cluster']).not.toHaveProperty('degraded');
    node.shown = [suspect];
    expect(await check()).toMatchObject({
      status: 'ok',
      info: { cluster: { status: 'up', degraded: true, suspects: 1 } },
    });
    expect(await check({ minMembers: 3 })).toMatchObject({ status: 'error' });
    await app.close();
  });

  it('asks the cluster that it is told', async () => {
    const { app, nodes, check } = await start([undefined, 'orders']);
    nodes[1]!.shown = [memberNamed('b')];
    const members = async (options?: ClusterHealthOptions): Promise<unknown> =>
      (await check(options)).details['cluster']!['members'];
    expect([await members(), await members({ cluster: 'orders' })]).toEqual([1, 2]);
    await app.close();
  });

  it('of a cluster that is not registered fails and says what to register', async () => {
    const named = await start(['orders']);
    await expect(named.check()).rejects.toThrow(
      'Option "cluster" is left out, but ClusterModule.forRoot() is in no module: register it',
    );
    await expect(named.check({ cluster: 'order' })).rejects.toThrow(
      `Option "cluster" is "order", but ClusterModule.forRoot({ as: 'order' }) is in no module: register it`,
    );
    await named.app.close();
  });

  it.each<[object, string]>([
    [{ minMember: 2 }, '"minMember" is not an option; did you mean "minMembers"?'],
    [{ minMembers: 0 }, '"minMembers" is 0, but must be an integer of at least 1'],
    [{ minMembers: 'two' }, '"minMembers" is "two", but must be an integer'],
    [{ maxSuspects: -1 }, '"maxSuspects" is -1, but must be an integer of at least 0'],
    [{ maxLagMs: Number.NaN }, '"maxLagMs" is NaN, but must be an integer'],
    [[], '"options" is an array, but must be an object'],
  ])('refuses %p as options', async (options, problem) => {
    const { app, check } = await start();
    await expect(check(options)).rejects.toBeInstanceOf(InvalidOptionError);
    await expect(check(options)).rejects.toThrow(problem);
    await app.close();
  });

  it('works in a request-scoped provider, and on any object in the place of the MembershipService', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Probe {
      constructor(readonly cluster: ClusterHealthIndicator) {}
    }
    const app = await quiet(
      Test.createTestingModule({
        imports: [terminus, ClusterModule.forRoot()],
        providers: [ClusterHealthIndicator, Probe],
      }),
    )
      .overrideProvider(MembershipService)
      .useValue({
        status: 'ready',
        local: memberNamed('a'),
        activeMembers: [memberNamed('a'), memberNamed('b')],
        stats: { localHealth: 0, lagMs: 0 },
      })
      .compile();
    await app.init();
    const probe = await app.resolve(Probe);
    expect(await probe.cluster.isHealthy('cluster', { minMembers: 2 })).toMatchObject({
      cluster: { status: 'up', members: 2 },
    });
    await app.close();
  });
});

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly cluster: ClusterHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.cluster.isHealthy('cluster', { minMembers: 1 })]);
  }
}

@Module({
  imports: [terminus, ClusterModule.forRoot()],
  controllers: [HealthController],
  providers: [ClusterHealthIndicator],
})
class HealthModule {}

describe('a readiness probe over HTTP', () => {
  it('passes while the application serves, and fails from the moment that it says it drains', async () => {
    const module = await quiet(Test.createTestingModule({ imports: [HealthModule] }))
      .overrideProvider(getClusterOptionsToken())
      .useValue(isolated())
      .compile();
    const app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    const probe = async (): Promise<unknown[]> => {
      const answer = await fetch(`${await app.getUrl()}/ready`);
      const { status, details } = (await answer.json()) as HealthCheckResult;
      return [answer.status, status, details['cluster']!.status];
    };
    const membership = app.get(MembershipService);
    await membership.whenReady();
    expect(await probe()).toEqual([200, 'ok', 'up']);
    await membership.setHealth('draining', 'deploy');
    expect(await probe()).toEqual([503, 'error', 'down']);
    await membership.setHealth('ok');
    expect(await probe()).toEqual([200, 'ok', 'up']);
    await membership.drain();
    expect(await probe()).toEqual([503, 'error', 'down']);
    await app.close();
  });
});

describe('the health of real nodes', () => {
  it('is degraded while one is suspect, and down when it is gone', async () => {
    const cluster = await NestCluster.start({
      nodes: 3,
      module: () => quiet(Test.createTestingModule({ imports: [HealthModule] })),
    });
    const health = async (options: ClusterHealthOptions): Promise<string> => {
      const { details } = await checked(cluster.app('a') as unknown as TestingModule, options);
      return details['cluster']!.status;
    };
    expect(await health({ minMembers: 3 })).toBe('up');
    cluster.partition(['a', 'b'], ['c']);
    const { activeMembers: before } = cluster.membership('a');
    await cluster.until(() => cluster.membership('a').activeMembers.some(({ state }) => state === 'suspect'));
    expect(before).toHaveLength(3);
    expect(await health({ minMembers: 3 })).toBe('degraded');
    await cluster.until(() => cluster.membership('a').activeMembers.length === 2);
    expect(await health({ minMembers: 3 })).toBe('down');
    await cluster.close();
  });

  it('shows a loop that lagged for ten seconds', async () => {
    const cluster = await NestCluster.start({
      nodes: 2,
      module: () => quiet(Test.createTestingModule({ imports: [HealthModule] })),
    });
    const health = async (): Promise<unknown> => {
      const options = { maxLocalHealth: 8, maxSuspects: 2, maxLagMs: 500 };
      const { details } = await checked(cluster.app('a') as unknown as TestingModule, options);
      return details['cluster']!.status;
    };
    cluster.stall('a', 1500);
    await cluster.advance(2000);
    expect(await health()).toBe('degraded');
    await cluster.advance(11_000);
    expect(await health()).toBe('up');
    await cluster.close();
  });
});
