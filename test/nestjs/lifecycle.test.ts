import { Global, Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BindError, ClosedError, InvalidHandlerError, NotReadyError } from '../../src/errors.js';
import type { ClusterRootOptions } from '../../src/nestjs/cluster-module-options.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { CLUSTER_NODE_FACTORY } from '../../src/nestjs/node-face.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import type { Member } from '../../src/membership/membership.js';
import { FakeNode, memberNamed } from './fake-node.js';
import { startApp, withFakeNodes } from './start-app.js';

/** Writes down each of Nest's hooks under a name. */
function recorder(name: string, steps: string[]): Type {
  @Injectable()
  class Recorder {
    onModuleInit(): void {
      steps.push(`${name} init`);
    }
    onApplicationBootstrap(): void {
      steps.push(`${name} bootstrap`);
    }
    onModuleDestroy(): void {
      steps.push(`${name} destroy`);
    }
    beforeApplicationShutdown(): void {
      steps.push(`${name} before`);
    }
    onApplicationShutdown(): void {
      steps.push(`${name} shutdown`);
    }
  }
  return Recorder;
}

function globalModule(name: string, steps: string[]): Type {
  @Global()
  @Module({ providers: [recorder(name, steps)] })
  class GlobalModule {}
  return GlobalModule;
}

/** The order of everything in an application with global modules around ours, a feature and a root module. */
async function orderOf(cluster: DynamicModule[]): Promise<string[]> {
  const steps: string[] = [];
  @Module({ providers: [recorder('feature', steps)] })
  class Feature {}
  @Injectable()
  class Handlers {
    @OnClusterMessage('x')
    x(): void {}
  }
  const builder = Test.createTestingModule({
    imports: [globalModule('before', steps), ...cluster, globalModule('after', steps), Feature],
    providers: [recorder('root', steps), Handlers],
  });
  const app = await withFakeNodes(builder, [], steps).compile();
  await app.init();
  steps.push('---');
  await app.close();
  return steps;
}

describe('the node', () => {
  it('binds with its handlers before modules start, joins after all have, drains before any stops, leaves after all have', async () => {
    const steps = await orderOf([ClusterModule.forRoot()]);
    // Among global modules the order of imports decides, so one imported before ours may do anything first.
    expect(steps.filter((step) => !step.startsWith('before '))).toEqual([
      'onMessage x',
      'bind',
      'after init',
      'feature init',
      'root init',
      'after bootstrap',
      'feature bootstrap',
      'root bootstrap',
      'join',
      '---',
      'drain',
      'root destroy',
      'feature destroy',
      'after destroy',
      'root before',
      'feature before',
      'after before',
      'root shutdown',
      'feature shutdown',
      'after shutdown',
      'close',
    ]);
  });

  it('of each registration does, and joins after every module whatever the order of imports', async () => {
    const steps = await orderOf([ClusterModule.forRoot({ as: 'orders' }), ClusterModule.forRoot()]);
    const position = (step: string): number => steps.indexOf(step);
    const last = (step: string): number => steps.lastIndexOf(step);
    for (const name of ['before', 'after', 'feature', 'root']) {
      expect(position('join')).toBeGreaterThan(position(`${name} bootstrap`));
      expect(last('drain')).toBeLessThan(position(`${name} destroy`));
    }
    expect(position('close')).toBeGreaterThan(position('root shutdown'));
    expect(steps.filter((step) => step === 'close')).toHaveLength(2);
  });

  it('stays out with autoJoin: false, until the application joins', async () => {
    const { app, node } = await startApp({}, { autoJoin: false });
    expect(node.calls).toEqual(['bind']);
    await app.get(MembershipService).join();
    expect(node.calls).toEqual(['bind', 'join']);
    await app.close();
    expect(node.calls).toEqual(['bind', 'join', 'drain', 'close']);
  });

  it('waits for peers only if it is told to', async () => {
    const { app, node } = await startApp({}, { waitFor: { members: 3, timeoutMs: 100 } });
    expect(node.calls).toEqual(['bind', 'join', 'whenReady 3']);
    await app.close();
  });

  const startOf = async (node: FakeNode): Promise<unknown> => {
    const builder = Test.createTestingModule({
      imports: [ClusterModule.forRoot({ waitFor: { members: 2, timeoutMs: 100 } })],
    }).overrideProvider(CLUSTER_NODE_FACTORY);
    const app = await builder.useValue(() => node).compile();
    return app.init();
  };

  it.each([
    ['the wait fails otherwise', 'readyFailure', new ClosedError(), ['bind', 'join', 'whenReady 2', 'close']],
    ['the port is taken', 'bindFailure', new BindError('127.0.0.1:1', 'taken'), ['bind']],
  ] as const)('stops the start when %s, and keeps nothing open', async (_why, failure, error, calls) => {
    const node = new FakeNode();
    node[failure] = error;
    await expect(startOf(node)).rejects.toBe(error);
    expect(node.calls).toEqual(calls);
  });

  it('stops the start when the peers do not come, says so, and keeps nothing open', async () => {
    const node = new FakeNode();
    node.readyFailure = new NotReadyError('Not ready. The node goes on joining');
    const failure = (await startOf(node).catch((error: unknown) => error)) as NotReadyError;
    expect(failure).toBeInstanceOf(NotReadyError);
    // Node prints causes: the node's own words would contradict these.
    expect(failure.cause).toBeUndefined();
    expect(failure.message).toBe(
      'The start is stopped: waitFor wants 2 members, and after 100 ms (waitFor.timeoutMs) there is 1 (local at 127.0.0.1:7946). Start the others, wait longer, or leave waitFor out to start without them',
    );
    expect(node.calls).toEqual(['bind', 'join', 'whenReady 2', 'close']);
  });

  it('names a few of many members, and says when it is still joining', async () => {
    class Crowded extends FakeNode {
      override get activeMembers(): Member[] {
        return Array.from({ length: 9 }, (_, i) => memberNamed(`m${i}`));
      }
      override async join(): Promise<void> {
        this.status = 'joining';
      }
    }
    const node = new Crowded();
    node.readyFailure = new NotReadyError('late');
    await expect(startOf(node)).rejects.toThrow(
      /there are 9 \(m0 at 127.0.0.1:7946, .*, m7 at 127.0.0.1:7946, …\); this node has not found out yet whether/,
    );
  });
});

describe('the reminder of app.enableShutdownHooks()', () => {
  let others: NodeJS.SignalsListener[];

  beforeEach(() => {
    others = process.listeners('SIGTERM');
    process.removeAllListeners('SIGTERM');
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
    for (const other of others) process.on('SIGTERM', other);
  });

  const reminders = async (options: ClusterRootOptions, listen: boolean, ms: number): Promise<string[]> => {
    const { app, nest } = await startApp({}, options);
    if (listen) app.enableShutdownHooks(['SIGTERM']);
    jest.advanceTimersByTime(ms);
    const lines = nest.at('warn', 'Cluster');
    await app.close();
    jest.advanceTimersByTime(60_000);
    expect(nest.at('warn', 'Cluster')).toEqual(lines);
    return lines;
  };

  it('comes once, five seconds after the bootstrap', async () => {
    expect(await reminders({}, false, 4999)).toEqual([]);
    expect(await reminders({}, false, 60_000)).toEqual([
      expect.stringContaining('call app.enableShutdownHooks()'),
    ]);
  });

  it('does not come when something listens, nor for a node that is disabled or has not joined', async () => {
    expect(await reminders({}, true, 60_000)).toEqual([]);
    expect(await reminders({ enabled: false }, false, 60_000)).toEqual([]);
    expect(await reminders({ autoJoin: false }, false, 60_000)).toEqual([]);
  });
});

describe('global guards', () => {
  @Injectable()
  class AuthGuard {
    canActivate(): boolean {
      return true;
    }
  }
  @Injectable()
  class Handlers {
    @OnClusterMessage('x')
    x(): void {}
  }
  const guard = { provide: APP_GUARD, useClass: AuthGuard };
  const start = (
    options: ClusterRootOptions,
    ...providers: NonNullable<DynamicModule['providers']>
  ): ReturnType<typeof startApp> => startApp({ providers: [guard, ...providers] }, options);

  it('are named in one warning when there are handlers', async () => {
    const { app, log } = await start({}, Handlers);
    expect(log.at('warn')).toEqual([
      "The global guard AuthGuard will run for cluster messages and member handlers (@OnMemberJoined and the like) too, where the request is what a peer sent, and a handler that is refused does not run: begin each with isClusterContext(context), then set globalGuards: 'run'",
    ]);
    await app.close();
    const without = await start({});
    expect(without.log.at('warn')).toEqual([]);
    await without.app.close();
  });

  it("are not mentioned with globalGuards: 'run', and stop the start with 'refuse'", async () => {
    const { app, log } = await start({ globalGuards: 'run' }, Handlers);
    expect(log.at('warn')).toEqual([]);
    await app.close();
    await expect(start({ globalGuards: 'refuse' }, Handlers)).rejects.toThrow(InvalidHandlerError);
  });
});
