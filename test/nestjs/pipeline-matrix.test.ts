import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { of, tap, type Observable } from 'rxjs';
import { describe, expect, it } from '@jest/globals';
import { ClusterPayload } from '../../src/nestjs/decorators/cluster-payload.decorator.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { OnMemberJoined } from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { FakeNode, LogLines } from './fake-node.js';
import { NestLines, withFakeNodes } from './start-app.js';

/**
 * Every way to put a guard, interceptor, pipe or filter around a handler: each cell is an application of its own with
 * that one enhancer, which must run exactly once and in its place.
 */

/** Where a test's parts write what they did; injected, so that a part that Nest did not construct cannot write. */
@Injectable()
class Steps {
  readonly done: string[] = [];
}

type Kind = 'guard' | 'interceptor' | 'pipe' | 'filter';
type Level = 'method' | 'class' | 'useGlobal' | 'APP';
type Trigger = 'message' | 'request' | 'event';
type Host = 'provider' | 'controller';
type Enhancer = CanActivate | NestInterceptor | PipeTransform | ExceptionFilter;

const kinds: readonly Kind[] = ['guard', 'interceptor', 'pipe', 'filter'];
const triggers: readonly Trigger[] = ['message', 'request', 'event'];
const hosts: readonly Host[] = ['provider', 'controller'];

/** A class of this kind that writes under this name. */
function enhancerClass(kind: Kind, name: string, scope: Scope = Scope.DEFAULT): Type<Enhancer> {
  class Named {
    constructor(@Inject(Steps) readonly steps: Steps) {}
    canActivate(): boolean {
      this.steps.done.push(name);
      return true;
    }
    intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
      this.steps.done.push(`${name} before`);
      return next.handle().pipe(tap(() => this.steps.done.push(`${name} after`)));
    }
    transform(value: unknown): unknown {
      this.steps.done.push(name);
      return value;
    }
    catch(): Observable<string> {
      this.steps.done.push(name);
      return of('filtered');
    }
  }
  Injectable({ scope })(Named);
  if (kind === 'filter') Catch(RangeError)(Named);
  return Named;
}

function use(kind: Kind, enhancer: Type<Enhancer> | Enhancer): ClassDecorator & MethodDecorator {
  switch (kind) {
    case 'guard':
      return UseGuards(enhancer as CanActivate);
    case 'interceptor':
      return UseInterceptors(enhancer as NestInterceptor);
    case 'pipe':
      return UsePipes(enhancer as PipeTransform);
    case 'filter':
      return UseFilters(enhancer as ExceptionFilter);
  }
}

function useGlobal(app: INestApplication, kind: Kind, enhancer: Enhancer): void {
  switch (kind) {
    case 'guard':
      app.useGlobalGuards(enhancer as CanActivate);
      break;
    case 'interceptor':
      app.useGlobalInterceptors(enhancer as NestInterceptor);
      break;
    case 'pipe':
      app.useGlobalPipes(enhancer as PipeTransform);
      break;
    case 'filter':
      app.useGlobalFilters(enhancer as ExceptionFilter);
  }
}

const tokens = { guard: APP_GUARD, interceptor: APP_INTERCEPTOR, pipe: APP_PIPE, filter: APP_FILTER };

interface Binding {
  readonly kind: Kind;
  readonly level: Level;
  readonly enhancer: Type<Enhancer> | Enhancer;
}

/** Starts an application with one handler that these are bound around, triggers it once, and tells what ran. */
async function stepsOf(
  host: Host,
  trigger: Trigger,
  steps: Steps,
  bindings: readonly Binding[],
  fails: boolean,
): Promise<readonly string[]> {
  class Handlers {
    handle(data: unknown): unknown {
      steps.done.push('handler');
      if (fails) throw new RangeError('out of it');
      return data;
    }
  }
  const method = Object.getOwnPropertyDescriptor(Handlers.prototype, 'handle')!;
  const decorators = {
    message: () => OnClusterMessage('x'),
    request: () => OnClusterRequest('x'),
    event: () => OnMemberJoined(),
  };
  // Pipes look at payloads; a member is one only where a parameter says so.
  if (trigger === 'event') ClusterPayload()(Handlers.prototype, 'handle', 0);
  decorators[trigger]()(Handlers.prototype, 'handle', method);
  const providers: Provider[] = [{ provide: Steps, useValue: steps }];
  for (const { kind, level, enhancer } of bindings) {
    if (level === 'method') use(kind, enhancer)(Handlers.prototype, 'handle', method);
    if (level === 'class') use(kind, enhancer)(Handlers);
    if (level !== 'APP') continue;
    const provide = tokens[kind];
    if (typeof enhancer === 'function') providers.push({ provide, useClass: enhancer });
    else providers.push({ provide, useValue: enhancer });
  }
  if (host === 'provider') Injectable()(Handlers);
  else Controller()(Handlers);
  const nodes: FakeNode[] = [];
  const log = new LogLines();
  const builder = Test.createTestingModule({
    imports: [ClusterModule.forRoot({ logger: log, globalGuards: 'run' })],
    providers: host === 'provider' ? [...providers, Handlers] : providers,
    controllers: host === 'controller' ? [Handlers] : [],
  });
  const nest = new NestLines();
  const app = (await withFakeNodes(builder.setLogger(nest), nodes).compile()).createNestApplication({
    logger: nest,
  });
  for (const { kind, level, enhancer } of bindings)
    if (level === 'useGlobal') useGlobal(app, kind, enhancer as Enhancer);
  await app.init();
  const [node] = nodes;
  if (trigger === 'message') await node!.receive('x', 'data');
  if (trigger === 'request') expect(await node!.ask('x', 'data')).toBe(fails ? 'filtered' : 'data');
  if (trigger === 'event') await node!.happen('joined');
  expect(node!.failures).toEqual([]);
  expect([...log.at('warn'), ...log.at('error'), ...nest.at('error')]).toEqual([]);
  await app.close();
  return steps.done;
}

const expected: Record<Kind, readonly string[]> = {
  guard: ['guard', 'handler'],
  interceptor: ['interceptor before', 'handler', 'interceptor after'],
  pipe: ['pipe', 'handler'],
  filter: ['handler', 'filter'],
};

const instanceLevels: readonly Level[] = ['method', 'class', 'useGlobal', 'APP'];
const classLevels: readonly Level[] = ['method', 'class', 'APP'];
const scopes = [Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT];

describe.each(triggers)('around a handler (%s)', (trigger) => {
  describe.each(hosts)('on a %s', (host) => {
    it.each(kinds.flatMap((kind) => instanceLevels.map((level) => [kind, level] as const)))(
      'a %s given as an instance (%s) runs once, in its place',
      async (kind, level) => {
        const steps = new Steps();
        const enhancer = new (enhancerClass(kind, kind))(steps);
        const done = await stepsOf(host, trigger, steps, [{ kind, level, enhancer }], kind === 'filter');
        expect(done).toEqual(expected[kind]);
      },
    );

    it.each(
      kinds.flatMap((kind) =>
        classLevels.flatMap((level) => scopes.map((scope) => [kind, level, Scope[scope], scope] as const)),
      ),
    )('a %s given as a class (%s, %s) runs once, in its place', async (kind, level, _name, scope) => {
      const enhancer = enhancerClass(kind, kind, scope);
      const binding = { kind, level, enhancer };
      expect(await stepsOf(host, trigger, new Steps(), [binding], kind === 'filter')).toEqual(expected[kind]);
    });

    it.each([false, true])("all of them run in Nest's order (the handler fails: %s)", async (fails) => {
      const steps = new Steps();
      // Nest applies APP_… providers before the application can call useGlobal….
      const levels: readonly Level[] = ['APP', 'useGlobal', 'class', 'method'];
      const bindings = levels.flatMap((level) =>
        kinds.map((kind): Binding => {
          const enhancer = enhancerClass(kind, `${level} ${kind}`);
          return { kind, level, enhancer: level === 'useGlobal' ? new enhancer(steps) : enhancer };
        }),
      );
      const start = [
        ...levels.map((level) => `${level} guard`),
        ...levels.map((level) => `${level} interceptor before`),
        ...levels.map((level) => `${level} pipe`),
        'handler',
      ];
      // The nearest filter that takes an error is the only one.
      const end = fails
        ? ['method filter']
        : levels.toReversed().map((level) => `${level} interceptor after`);
      expect(await stepsOf(host, trigger, steps, bindings, fails)).toEqual([...start, ...end]);
    });
  });
});
