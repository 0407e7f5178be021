import {
  Catch,
  Controller,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  createParamDecorator,
  type CallHandler,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ClusterMessage,
  ClusterModule,
  ClusterPayload,
  HandlerError,
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
 * One test for each row of the Nest table in users-ask.md, with real nodes over TCP in this process.
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
      @OnClusterRequest('alive')
      alive(): string {
        return 'yes';
      }
    }
    const unhandled: unknown[] = [];
    const note = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', note);
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
    // Node tells of unhandled rejections before it comes to the next timer.
    await new Promise((resolve) => setTimeout(resolve, 1));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(await b.membership.request(a.membership.local, 'alive', null)).toBe('yes');
  });
});

describe('event-emitter#932, nest#15146: errors that no filter takes', () => {
  it('are not swallowed: filters run, all else reaches the logger and the stream of errors', async () => {
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
    const errors = a.membership.errors[Symbol.asyncIterator]();
    await b.membership.emit(a.membership.local, 'x', 'filtered');
    await b.membership.emit(a.membership.local, 'x', 'unfiltered');
    await until('the failure is logged', () => a.log.at('error').length === 1);
    expect(caught).toEqual(['filtered']);
    expect(a.log.at('error')).toEqual(['Failing.x failed']);
    const { value } = await errors.next();
    expect(value).toBeInstanceOf(HandlerError);
    expect(value).toMatchObject({ handler: 'Failing.x', cause: new RangeError('unfiltered') });
    await errors.return?.();
  });
});

describe('event-emitter#1175: exception filters', () => {
  it('run, and so do guards, interceptors, pipes and parameter decorators, in this order', async () => {
    const ran: string[] = [];
    const Tenant = createParamDecorator((_data: unknown, context: ExecutionContext) => {
      ran.push('parameter');
      return context.switchToRpc().getContext<ClusterMessage>().headers['tenant'];
    });
    @Catch()
    class Filter {
      catch(error: Error): string {
        ran.push('filter');
        return `filtered ${error.message}`;
      }
    }
    @Injectable()
    @UseGuards({ canActivate: () => ran.push('guard') > 0 })
    @UseInterceptors({
      intercept: (_context: ExecutionContext, next: CallHandler) => {
        ran.push('interceptor');
        return next.handle();
      },
    })
    @UseFilters(Filter)
    class Failing {
      @OnClusterRequest('x')
      x(
        @Tenant() tenant: string,
        @ClusterPayload({ pipes: [{ transform: (value: string) => (ran.push('pipe'), value) }] })
        data: string,
      ): void {
        throw new Error(`${data} of ${tenant}`);
      }
    }
    const a = await run({ providers: [Failing] });
    const b = await runBeside(a);
    const options = { headers: { tenant: 'acme' } };
    const reply = await b.membership.request(a.membership.local, 'x', 'data', options);
    expect(reply).toBe('filtered data of acme');
    // Parameters are filled at once, the last one first.
    expect(ran).toEqual(['guard', 'interceptor', 'pipe', 'parameter', 'filter']);
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
    // Whoever was there before the third is replayed to it, each once.
    joined.length = 0;
    const c = await runBeside(a, { providers: [Watcher] });
    await until('both joins are told to the third', () => joined.length >= 3);
    const others = [a, b].map(({ membership }) => membership.local.id);
    expect(joined.toSorted()).toEqual([...others, c.membership.local.id].toSorted());
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
    expect(a.log.at('log').filter((line) => line.startsWith('Mapped'))).toEqual([
      'Mapped {x, request} Once.x',
    ]);
  });
});

describe('schedule#505, nestjs-discovery: request-scoped handlers', () => {
  it('run, with an instance and a context a message', async () => {
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

describe('golevelup#386, #688, bull#2069, terminus#2569: start and shutdown', () => {
  it('find handlers, bind, and join last: nothing is consumed before the application is ready', async () => {
    const order: string[] = [];
    @Injectable()
    class Late {
      constructor(private readonly membership: MembershipService) {}
      async onApplicationBootstrap(): Promise<void> {
        order.push(`bootstrap begins ${this.membership.status}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
        order.push('bootstrap ends');
      }
      @OnClusterMessage('x')
      x(): void {
        order.push('message');
      }
    }
    const a = await run({});
    a.membership.onEvent((event) => {
      if (event.type === 'joined' && event.member.id !== a.membership.local.id)
        void a.membership.emit(event.member.id, 'x', null);
    });
    await runBeside(a, { providers: [Late] });
    await until('the message is handled', () => order.length === 3);
    expect(order).toEqual(['bootstrap begins bound', 'bootstrap ends', 'message']);
  });

  it('finish what runs, and the others see the member leave', async () => {
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
