import {
  BadRequestException,
  Catch,
  Controller,
  ForbiddenException,
  HttpException,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { EMPTY, Observable, concat, map, of, throwError } from 'rxjs';
import { describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { ReplyError } from '../../src/errors.js';
import { isClusterContext } from '../../src/nestjs/is-cluster-context.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { startApp } from './start-app.js';

/** Where a test's parts write what they did, one per application: they find it in their module. */
@Injectable()
class Trace {
  readonly steps: string[] = [];
}

@Injectable()
class Guard implements CanActivate {
  constructor(readonly trace: Trace) {}
  canActivate(context: ExecutionContext): boolean {
    const message = context.switchToRpc().getContext<ClusterMessage>();
    const data = context.switchToRpc().getData<unknown>();
    this.trace.steps.push(
      `guard ${context.getType()} ${isClusterContext(context)} ${message.pattern} ${String(data)}`,
    );
    return data !== 'forbidden';
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  constructor(readonly trace: Trace) {}
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.trace.steps.push(`before ${context.getClass().name}.${context.getHandler().name}`);
    return next.handle().pipe(map((result) => `intercepted ${String(result)}`));
  }
}

@Injectable()
class Pipe implements PipeTransform {
  constructor(readonly trace: Trace) {}
  transform(value: unknown): unknown {
    this.trace.steps.push(`pipe ${String(value)}`);
    return `piped ${String(value)}`;
  }
}

@Catch(RangeError)
class Filter implements ExceptionFilter {
  constructor(readonly trace: Trace) {}
  catch(error: RangeError, host: ArgumentsHost): unknown {
    this.trace.steps.push(`filter ${host.getType()} ${error.message}`);
    return of(`filtered ${error.message}`);
  }
}

/** A handler behind one of each, given as classes. */
@UseGuards(Guard)
@UseInterceptors(Interceptor)
@UsePipes(Pipe)
@UseFilters(Filter)
class Behind {
  @OnClusterRequest('ask')
  ask(data: string, message: ClusterMessage): string {
    if (data === 'piped range') throw new RangeError('out of it');
    return `${data} from ${message.sender.name}`;
  }
}

const allFour = ['guard cluster true ask x', 'before BehindProvider.ask', 'pipe x'];

@Injectable()
class BehindProvider extends Behind {}
@Controller()
class BehindController extends Behind {}

async function withTrace(
  root: Parameters<typeof startApp>[0],
): Promise<Awaited<ReturnType<typeof startApp>> & { trace: string[] }> {
  const started = await startApp({ ...root, providers: [Trace, ...(root.providers ?? [])] });
  return { ...started, trace: started.app.get(Trace).steps };
}

describe('guards, interceptors, pipes and filters, given as classes', () => {
  it.each([
    ['a provider', { providers: [BehindProvider] }, 'BehindProvider'],
    ['a controller', { controllers: [BehindController] }, 'BehindController'],
    [
      'a class under another token',
      { providers: [{ provide: 'other', useClass: BehindProvider }] },
      'BehindProvider',
    ],
  ])('run on %s', async (_what, root, name) => {
    const { app, node, trace } = await withTrace(root);
    expect(await node.ask('ask', 'x')).toBe('intercepted piped x from peer');
    expect(trace).toEqual(allFour.map((step) => step.replace('BehindProvider', name)));
    trace.length = 0;
    await expect(node.ask('ask', 'forbidden')).rejects.toMatchObject({ replyCode: 'FORBIDDEN' });
    expect(trace).toEqual(['guard cluster true ask forbidden']);
    trace.length = 0;
    expect(await node.ask('ask', 'range')).toBe('filtered out of it');
    expect(trace.at(-1)).toBe('filter cluster out of it');
    await app.close();
  });

  it.each([
    ['a value', { provide: 'value', useValue: new BehindProvider() }],
    ['what a factory made', { provide: 'factory', useFactory: () => new BehindProvider() }],
  ])('stop the start on %s, where Nest would skip them', async (_what, provider) => {
    await expect(withTrace({ providers: [provider] })).rejects.toThrow(
      'BehindProvider.ask: Nest would skip Guard, which is bound as a class',
    );
  });

  it('belong to the module of the instance that they guard', async () => {
    const modules = ['first', 'second'].map((name) => {
      @Injectable()
      class Named implements CanActivate {
        canActivate(): boolean {
          asked.push(name);
          return true;
        }
      }
      @Controller()
      @UseGuards(Named)
      class Guarded {
        @OnClusterMessage('x')
        x(): void {}
      }
      @Module({ controllers: [Guarded] })
      class Feature {}
      return Feature;
    });
    const asked: string[] = [];
    const { app, node } = await startApp({ imports: modules });
    await node.receive('x', null);
    expect(asked).toEqual(['first', 'second']);
    await app.close();
  });
});

describe('guards, interceptors, pipes and filters, given as instances', () => {
  it.each(['provider', 'controller'])('run on a %s', async (kind) => {
    const trace = new Trace();
    class Guarded {
      @UseGuards(new Guard(trace))
      @UseInterceptors(new Interceptor(trace))
      @UsePipes(new Pipe(trace))
      @UseFilters(new Filter(trace))
      @OnClusterRequest('ask')
      ask(data: string): string {
        if (data === 'piped range') throw new RangeError('out of it');
        return data;
      }
    }
    if (kind === 'provider') Injectable()(Guarded);
    else Controller()(Guarded);
    const { app, node } = await startApp(
      kind === 'provider' ? { providers: [Guarded] } : { controllers: [Guarded] },
    );
    expect(await node.ask('ask', 'x')).toBe('intercepted piped x');
    await expect(node.ask('ask', 'forbidden')).rejects.toThrow(ReplyError);
    expect(await node.ask('ask', 'range')).toBe('filtered out of it');
    await app.close();
  });
});

describe('global guards, interceptors, pipes and filters', () => {
  class Plain {
    @OnClusterRequest('ask')
    ask(data: string): string {
      if (data === 'piped range') throw new RangeError('out of it');
      return data;
    }
  }
  @Injectable()
  class PlainProvider extends Plain {}
  @Controller()
  class PlainController extends Plain {}

  it.each([
    ['on a provider', { providers: [PlainProvider] }, undefined],
    ['on a controller', { controllers: [PlainController] }, undefined],
    ['on a provider, request-scoped', { providers: [PlainProvider] }, Scope.REQUEST],
    ['on a controller, request-scoped', { controllers: [PlainController] }, Scope.REQUEST],
  ])('run %s', async (_where, root, scope) => {
    const globals = Object.entries({
      [APP_GUARD]: Guard,
      [APP_INTERCEPTOR]: Interceptor,
      [APP_PIPE]: Pipe,
      [APP_FILTER]: Filter,
    }).map(([provide, useClass]) => ({
      provide,
      useClass: useClass as Type,
      ...(scope === undefined ? {} : { scope }),
    }));
    const { app, node, trace } = await withTrace({
      ...root,
      providers: [...globals, ...('providers' in root ? root.providers : [])],
    });
    expect(await node.ask('ask', 'x')).toBe('intercepted piped x');
    expect(trace[0]).toBe('guard cluster true ask x');
    await expect(node.ask('ask', 'forbidden')).rejects.toThrow(ReplyError);
    expect(await node.ask('ask', 'range')).toBe('filtered out of it');
    await app.close();
  });

  it('leave the handler of a plain application alone: it is called at once', async () => {
    const { app, node } = await startApp({ providers: [PlainProvider] });
    const { handler } = node.requestHandlers.get('ask')!;
    expect(handler('x', {} as ClusterMessage)).toBe('x');
    await app.close();
  });

  it('see the payload, and not the message beside it', async () => {
    const seen: unknown[] = [];
    const pipe = {
      provide: APP_PIPE,
      useValue: { transform: (value: unknown) => (seen.push(value), value) },
    };
    const { app, node } = await startApp({ providers: [PlainProvider, pipe] });
    await node.ask('ask', 'x');
    expect(seen).toEqual(['x']);
    await app.close();
  });
});

describe('a result', () => {
  @Injectable()
  class Results {
    @OnClusterRequest('observable')
    observable(): Observable<number> {
      return of(1, 2, 3);
    }
    @OnClusterRequest('promised observable')
    async promised(): Promise<Observable<number>> {
      return of(4);
    }
    @OnClusterRequest('empty')
    empty(): Observable<never> {
      return EMPTY;
    }
    @OnClusterRequest('failing')
    failing(): Observable<number> {
      return concat(
        of(1),
        throwError(() => new BadRequestException('no')),
      );
    }
  }
  @Injectable()
  @UseInterceptors({ intercept: (_context: ExecutionContext, next: CallHandler) => next.handle() })
  class Intercepted extends Results {}

  it.each([Results, Intercepted])('that is an Observable is its last value (%p)', async (provider) => {
    const { app, node } = await startApp({ providers: [provider] });
    expect(await node.ask('observable', null)).toBe(3);
    expect(await node.ask('promised observable', null)).toBe(4);
    expect(await node.ask('empty', null)).toBeUndefined();
    await expect(node.ask('failing', null)).rejects.toMatchObject({
      replyCode: 'BAD_REQUEST',
      message: 'no',
    });
    await app.close();
  });

  it('of a message handler that is an Observable is subscribed', async () => {
    let subscribed = 0;
    @Injectable()
    class Cold {
      @OnClusterMessage('x')
      x(): Observable<void> {
        return new Observable((subscriber) => {
          subscribed++;
          subscriber.complete();
        });
      }
    }
    const { app, node } = await startApp({ providers: [Cold] });
    await node.receive('x', null);
    expect(subscribed).toBe(1);
    await app.close();
  });
});

describe('a guard that fails', () => {
  it('refuses with what it throws', async () => {
    @Injectable()
    @UseGuards({
      canActivate: () => {
        throw new ForbiddenException({ why: 'not you' });
      },
    })
    class Guarded {
      @OnClusterRequest('x')
      x(): void {}
    }
    const { app, node } = await startApp({ providers: [Guarded] });
    const refusal: unknown = await node.ask('x', null).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ replyCode: 'FORBIDDEN', response: { why: 'not you' } });
    expect((refusal as ReplyError).cause).toBeInstanceOf(HttpException);
    await app.close();
  });
});
