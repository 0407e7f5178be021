import {
  Catch,
  Controller,
  Injectable,
  Module,
  Scope,
  UseFilters,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ClusterMessage,
  ClusterModule,
  Member,
  MembershipService,
  NotStartedError,
  OnClusterMessage,
  OnClusterRequest,
  OnMemberJoined,
  formatAddress,
  isClusterContext,
  seeds,
  type ClusterRootOptions,
} from '../../src/index.js';
import type { ExecutionContext } from '@nestjs/common';
import { until } from '../support/until.js';
import { LogLines } from './fake-node.js';
import { NestLines } from './start-app.js';

/**
 * One test for each row of the Nest table in users-ask.md that is built, with real nodes over TCP in this process.
 */

const running: INestApplication[] = [];
afterEach(async () => {
  for (const app of running.splice(0).reverse()) await app.close();
});

interface Running {
  readonly app: INestApplication;
  readonly membership: MembershipService;
  readonly log: LogLines;
  readonly nest: NestLines;
}

async function run(
  root: { providers?: NonNullable<Parameters<typeof Module>[0]['providers']>; controllers?: Type[] },
  options: ClusterRootOptions = {},
): Promise<Running> {
  const log = new LogLines();
  const nest = new NestLines();
  @Module({
    imports: [
      ClusterModule.forRoot({ clusterName: 'asked', port: 0, preset: 'local', logger: log, ...options }),
    ],
    ...root,
  })
  class Root {}
  const app = await NestFactory.create(Root, { logger: nest, abortOnError: false });
  running.push(app);
  await app.init();
  return { app, membership: app.get(MembershipService), log, nest };
}

/** Starts one more application, as a member of the first one's cluster. */
async function runBeside(first: Running, root: Parameters<typeof run>[0] = {}): Promise<Running> {
  const next = await run(root, {
    discovery: seeds(formatAddress(first.membership.local.address)),
    waitFor: { members: 2 },
  });
  await first.membership.whenReady({ members: 2, timeoutMs: 5000 });
  return next;
}

describe('event-emitter#688, cqrs#409: a rejected handler', () => {
  it('is caught, logged once, counted, and never kills the process', async () => {
    @Injectable()
    class Failing {
      @OnClusterMessage('x')
      async x(): Promise<void> {
        throw new Error('broken handler');
      }
      @OnMemberJoined()
      async joined(): Promise<void> {
        throw new Error('broken listener');
      }
    }
    const a = await run({ providers: [Failing] });
    const b = await runBeside(a);
    await b.membership.emit(a.membership.local, 'x', null);
    await until('both failures are counted', () => a.membership.stats.handlerErrors === 2);
    const errors = a.log.lines.filter((line) => line.level === 'error');
    expect(errors.map((line) => (line.cause as Error).message).sort()).toEqual([
      'broken handler',
      'broken listener',
    ]);
    expect(errors.map((line) => line.text)).toContain('Failing.x failed');
    expect(a.nest.at('error')).toEqual([]);
  });
});

describe('event-emitter#932, nest#15146, event-emitter#1175: exception filters', () => {
  it('run, and what they do not take is not swallowed', async () => {
    const caught: string[] = [];
    @Catch(TypeError)
    class Filter {
      catch(error: TypeError): void {
        caught.push(error.message);
      }
    }
    @Injectable()
    @UseFilters(Filter)
    class Failing {
      @OnClusterMessage('x')
      x(data: string): void {
        throw data === 'filtered' ? new TypeError(data) : new RangeError(data);
      }
    }
    const a = await run({ providers: [Failing] });
    const b = await runBeside(a);
    await b.membership.emit(a.membership.local, 'x', 'filtered');
    await b.membership.emit(a.membership.local, 'x', 'unfiltered');
    await until('the failure is logged', () => a.log.at('error').length === 1);
    expect(caught).toEqual(['filtered']);
    expect(a.log.at('error')).toEqual(['Failing.x failed']);
  });
});

describe('event-emitter#1063, #448: events before the bootstrap', () => {
  it('are not lost: members already there are told to @OnMemberJoined, and messages wait for their handlers', async () => {
    const joined: string[] = [];
    @Injectable()
    class Watcher {
      @OnMemberJoined()
      joined(member: Member): void {
        joined.push(member.id);
      }
    }
    const a = await run({});
    const b = await runBeside(a, { providers: [Watcher] });
    await until('the join is told', () => joined.length > 0);
    expect(joined).toEqual([a.membership.local.id]);
    expect(b.membership.members()).toHaveLength(2);
  });
});

describe('event-emitter#578: aliases', () => {
  it('do not register a handler twice', async () => {
    let calls = 0;
    @Injectable()
    class Once {
      @OnClusterRequest('x')
      x(): number {
        return ++calls;
      }
    }
    const a = await run({ providers: [Once, { provide: 'alias', useExisting: Once }] });
    const b = await runBeside(a);
    expect(await b.membership.request(a.membership.local, 'x', null)).toBe(1);
  });
});

describe('schedule#505: request-scoped handlers', () => {
  it('run, with an instance a message', async () => {
    const instances = new Set<unknown>();
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @OnClusterRequest('x')
      x(): number {
        return instances.add(this).size;
      }
    }
    const a = await run({ providers: [Scoped] });
    const b = await runBeside(a);
    expect(await b.membership.request(a.membership.local, 'x', null)).toBe(1);
    expect(await b.membership.request(a.membership.local, 'x', null)).toBe(2);
  });
});

describe('golevelup#409, #729, #204: global HTTP guards', () => {
  it('know a cluster message when they see one', async () => {
    @Injectable()
    class HttpGuard {
      canActivate(context: ExecutionContext): boolean {
        return isClusterContext(context) && context.getType<string>() === 'cluster';
      }
    }
    @Injectable()
    class Handlers {
      @OnClusterRequest('x')
      x(): string {
        return 'passed';
      }
    }
    const a = await run({ providers: [Handlers, { provide: APP_GUARD, useClass: HttpGuard }] });
    const b = await runBeside(a);
    expect(await b.membership.request(a.membership.local, 'x', null)).toBe('passed');
    expect(a.log.at('warn').filter((line) => line.includes('HttpGuard'))).toHaveLength(1);
  });
});

describe('golevelup#631: two applications in one process', () => {
  it('each have their handlers', async () => {
    @Injectable()
    class Named {
      constructor(readonly membership: MembershipService) {}
      @OnClusterRequest('id')
      id(_data: unknown, message: ClusterMessage): string[] {
        return [message.sender.id, this.membership.local.id];
      }
    }
    const a = await run({ providers: [Named] });
    const b = await runBeside(a, { providers: [Named] });
    const [idA, idB] = [a.membership.local.id, b.membership.local.id];
    expect(await a.membership.request(idB, 'id', null)).toEqual([idA, idB]);
    expect(await b.membership.request(idA, 'id', null)).toEqual([idB, idA]);
  });
});

describe('golevelup#386, #688, bull#2069, terminus#2569: shutdown', () => {
  it('finishes what runs, and the others see the member leave', async () => {
    let finish: (() => void) | undefined;
    @Injectable()
    class Slow {
      @OnClusterRequest('slow')
      slow(): Promise<string> {
        return new Promise((resolve) => (finish = () => resolve('done')));
      }
    }
    const a = await run({ providers: [Slow] });
    const b = await runBeside(a);
    const reply = b.membership.request(a.membership.local, 'slow', null);
    await until('the handler runs', () => finish !== undefined);
    const closed = a.app.close();
    await until(
      'b sees that a drains',
      () => b.membership.member(a.membership.local.id)?.health === 'draining',
    );
    finish!();
    expect(await reply).toBe('done');
    await closed;
    expect(b.membership.member(a.membership.local.id)?.state).toBe('left');
  });
});

describe('nest#1105: handlers', () => {
  it('work on providers as on controllers', async () => {
    @Injectable()
    class OnProvider {
      @OnClusterRequest('provider')
      x(): string {
        return 'provider';
      }
    }
    @Controller()
    class OnController {
      @OnClusterRequest('controller')
      x(): string {
        return 'controller';
      }
    }
    const a = await run({ providers: [OnProvider], controllers: [OnController] });
    const b = await runBeside(a);
    for (const which of ['provider', 'controller']) {
      expect(await b.membership.request(a.membership.local, which, null)).toBe(which);
    }
  });
});

describe('event-emitter#92: compile() without init()', () => {
  it('runs no hooks, and whoever waits is told at once', async () => {
    const app = await Test.createTestingModule({ imports: [ClusterModule.forRoot()] }).compile();
    const membership = app.get(MembershipService);
    expect(membership.activeMembers).toEqual([membership.local]);
    await expect(membership.whenReady()).rejects.toThrow(NotStartedError);
    await app.close();
  });
});

describe('a start that fails half-way', () => {
  it.each(['onModuleInit', 'onApplicationBootstrap'])(
    'in %s leaves nothing that keeps the process alive',
    async (hook) => {
      let membership: MembershipService | undefined;
      @Injectable()
      class Failing {
        constructor(given: MembershipService) {
          membership = given;
        }
      }
      Object.assign(Failing.prototype, { [hook]: () => Promise.reject(new Error('half-way')) });
      const listeners = (): number =>
        process.getActiveResourcesInfo().filter((one) => one === 'TCPServerWrap').length;
      const before = listeners();
      const broken = run({ providers: [Failing] });
      await expect(broken).rejects.toThrow('half-way');
      expect(membership!.status).toBe('bound');
      expect(listeners()).toBe(before);
    },
  );
});
