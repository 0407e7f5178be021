// Nest's conventions around handlers, and the order of the lifecycle, in two applications of one process.
import 'reflect-metadata';
import {
  BadRequestException,
  Catch,
  Controller,
  Global,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  createParamDecorator,
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type LoggerService,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, NestFactory, REQUEST } from '@nestjs/core';
import { of, tap, type Observable } from 'rxjs';
import {
  ClusterCtx,
  ClusterException,
  ClusterMessage,
  ClusterModule,
  ClusterPayload,
  Member,
  MembershipEvent,
  MembershipService,
  OnClusterMessage,
  OnClusterRequest,
  OnMemberJoined,
  OnMemberLeft,
  RemoteError,
  Sender,
  isClusterContext,
  seeds,
  type ClusterLogger,
} from 'clusterpack';

function check(what: string, seen: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}:\n  seen     ${left}\n  expected ${right}`);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; !holds();) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function refusal(promise: Promise<unknown>): Promise<RemoteError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RemoteError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** What ran, in one application. */
@Injectable()
class Steps {
  done: string[] = [];
  take(): string[] {
    return this.done.splice(0);
  }
}

class Payload {
  text!: string;
}

/** One of each kind; Nest injects the steps, so a part that Nest has not constructed cannot write. */
function parts(name: string, scope = Scope.DEFAULT) {
  @Injectable({ scope })
  class Guard implements CanActivate {
    constructor(@Inject(Steps) readonly steps: Steps) {}
    canActivate(context: ExecutionContext): boolean {
      const message = context.switchToRpc().getContext<unknown>();
      if (message instanceof MembershipEvent) return true;
      this.steps.done.push(`${name} guard ${isClusterContext(context)} ${message instanceof ClusterMessage}`);
      return context.switchToRpc().getData<Payload>().text !== `no ${name}`;
    }
  }
  @Injectable({ scope })
  class Interceptor implements NestInterceptor {
    constructor(@Inject(Steps) readonly steps: Steps) {}
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      if (context.switchToRpc().getContext<unknown>() instanceof MembershipEvent) return next.handle();
      this.steps.done.push(`${name} before`);
      return next.handle().pipe(tap(() => this.steps.done.push(`${name} after`)));
    }
  }
  @Injectable({ scope })
  class Pipe implements PipeTransform {
    constructor(@Inject(Steps) readonly steps: Steps) {}
    transform(value: Payload, { type, metatype }: ArgumentMetadata): Payload {
      this.steps.done.push(`${name} pipe ${type} ${metatype?.name}`);
      if (typeof value.text !== 'string') throw new BadRequestException('text must be a string');
      return Object.assign(new Payload(), value);
    }
  }
  @Injectable({ scope })
  @Catch(RangeError)
  class Filter implements ExceptionFilter {
    constructor(@Inject(Steps) readonly steps: Steps) {}
    catch(error: RangeError): Observable<string> {
      this.steps.done.push(`${name} filter`);
      return of(`filtered ${error.message}`);
    }
  }
  return { Guard, Interceptor, Pipe, Filter };
}

const byClass = parts('class');
const instanceSteps = new Steps();
const byInstance = parts('instance');
const scoped = parts('scoped', Scope.REQUEST);
const globally = parts('global');
const transient = parts('transient', Scope.TRANSIENT);

abstract class Answering {
  handle(data: Payload): string {
    if (data.text === 'fail') throw new RangeError('out of it');
    return `${data instanceof Payload} ${data.text}`;
  }
}

@Injectable()
@UseGuards(byClass.Guard)
@UseInterceptors(byClass.Interceptor)
@UsePipes(byClass.Pipe)
@UseFilters(byClass.Filter)
class ClassesOnProvider extends Answering {
  @OnClusterRequest('classes on provider')
  override handle(data: Payload): string {
    return super.handle(data);
  }
}

@Controller()
class ClassesOnController extends Answering {
  @UseGuards(byClass.Guard)
  @UseInterceptors(byClass.Interceptor)
  @UsePipes(byClass.Pipe)
  @UseFilters(byClass.Filter)
  @OnClusterRequest('classes on controller')
  override handle(data: Payload): string {
    return super.handle(data);
  }
}

@Injectable()
@UseGuards(new byInstance.Guard(instanceSteps))
@UseInterceptors(new byInstance.Interceptor(instanceSteps))
@UsePipes(new byInstance.Pipe(instanceSteps))
@UseFilters(new byInstance.Filter(instanceSteps))
class InstancesOnProvider extends Answering {
  @OnClusterRequest('instances on provider')
  override handle(data: Payload): string {
    return super.handle(data);
  }
}

@Controller()
@UseGuards(new byInstance.Guard(instanceSteps))
@UseInterceptors(new byInstance.Interceptor(instanceSteps))
@UsePipes(new byInstance.Pipe(instanceSteps))
@UseFilters(new byInstance.Filter(instanceSteps))
class InstancesOnController extends Answering {
  @OnClusterRequest('instances on controller')
  override handle(data: Payload): string {
    return super.handle(data);
  }
}

@Injectable({ scope: Scope.REQUEST })
@UseGuards(scoped.Guard)
@UseInterceptors(scoped.Interceptor)
@UsePipes(scoped.Pipe)
@UseFilters(scoped.Filter)
class ScopedHandler extends Answering {
  constructor(@Inject(REQUEST) readonly request: ClusterMessage) {
    super();
  }
  @OnClusterRequest('scoped on provider')
  override handle(data: Payload, message?: ClusterMessage): string {
    if (this.request !== message) throw new Error('REQUEST is not the message');
    return super.handle(data);
  }
}

const Tenant = createParamDecorator(
  (prefix: string, context: ExecutionContext) =>
    `${prefix}${context.switchToRpc().getContext<ClusterMessage>().headers['tenant']}`,
);

@Injectable()
class Others {
  readonly heard: string[] = [];
  instances = 0;

  @OnClusterRequest('parameters')
  parameters(
    @ClusterPayload('text') text: string,
    @Tenant('t-') tenant: string,
    @Sender() sender: Member,
    @ClusterCtx() context: ClusterCtx,
  ): unknown[] {
    return [text, tenant, sender.name, context.pattern, context.membership.local.name];
  }
  @OnClusterRequest('cluster exception')
  clusterException(): never {
    throw new ClusterException('OUT_OF_STOCK', 'No more', { sku: 7 });
  }
  @OnClusterRequest('http exception')
  httpException(): never {
    throw new BadRequestException('bad');
  }
  @OnClusterRequest('secret')
  secret(): never {
    throw new Error('the password is hunter2');
  }
  @OnClusterMessage('told secret')
  async toldSecret(): Promise<void> {
    throw new Error('nobody waits');
  }
  @OnClusterMessage('told refusal')
  async toldRefusal(): Promise<void> {
    throw new BadRequestException('not like this');
  }
  @OnMemberJoined()
  joined(member: Member, event: MembershipEvent): void {
    this.heard.push(`${event.type} ${member.name}`);
  }
  @OnMemberLeft()
  left(@Sender() member: Member): void {
    this.heard.push(`left ${member.name}`);
  }
}

/** Writes down each of Nest's hooks, and whether this process can talk to its cluster in it. */
function recorder(name: string, steps: string[]): Type {
  @Injectable()
  class Recorder {
    constructor(@Inject(MembershipService) readonly membership: MembershipService) {}
    onModuleInit(): void {
      steps.push(`${name} init (${this.membership.status})`);
    }
    onApplicationBootstrap(): void {
      steps.push(`${name} bootstrap (${this.membership.status})`);
    }
    onModuleDestroy(): void {
      steps.push(`${name} destroy (${this.membership.status})`);
    }
    beforeApplicationShutdown(): void {
      steps.push(`${name} before (${this.membership.status})`);
    }
    onApplicationShutdown(): void {
      steps.push(`${name} shutdown (${this.membership.status})`);
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

/** Both loggers of an application: ours, and Nest's own. */
class Lines implements LoggerService, ClusterLogger {
  readonly lines: string[] = [];
  debug(): void {}
  log(): void {}
  warn(text: string): void {
    this.lines.push(`warn ${text}`);
  }
  error(text: string, cause?: unknown): void {
    this.lines.push(`error ${text}${cause instanceof Error ? `: ${cause.message}` : ''}`);
  }
}

async function start(nodeName: string, steps: string[], seed: string[], lines: Lines) {
  @Module({ providers: [recorder('feature', steps)] })
  class Feature {}
  @Module({
    imports: [
      globalModule('before', steps),
      ClusterModule.forRoot({
        clusterName: 'conventions',
        nodeName,
        host: '127.0.0.1',
        port: 0,
        discovery: seeds(...seed),
        globalGuards: 'run',
        logger: lines,
      }),
      globalModule('after', steps),
      Feature,
    ],
    controllers: [ClassesOnController, InstancesOnController],
    providers: [
      recorder('root', steps),
      Steps,
      ClassesOnProvider,
      InstancesOnProvider,
      ScopedHandler,
      Others,
    ],
  })
  class App {}
  return NestFactory.createApplicationContext(App, { logger: lines });
}

/** An application with global enhancers only: of the default scope, and transient ones. */
async function startGlobal(of: typeof globally, seed: string[], lines: Lines) {
  @Injectable()
  class Plain extends Answering {
    @OnClusterRequest('globally')
    override handle(data: Payload): string {
      return super.handle(data);
    }
  }
  @Module({
    imports: [
      ClusterModule.forRoot({
        clusterName: 'conventions',
        nodeName: 'global',
        host: '127.0.0.1',
        port: 0,
        discovery: seeds(...seed),
        globalGuards: 'run',
        waitFor: { members: 3 },
        logger: lines,
      }),
    ],
    providers: [
      Steps,
      Plain,
      { provide: APP_GUARD, useClass: of.Guard },
      { provide: APP_INTERCEPTOR, useClass: of.Interceptor },
      { provide: APP_PIPE, useClass: of.Pipe },
      { provide: APP_FILTER, useClass: of.Filter },
    ],
  })
  class App {}
  return NestFactory.createApplicationContext(App, { logger: ['error'] });
}

async function checkEnhancers(
  name: string,
  pattern: string,
  ask: (text: unknown) => Promise<unknown>,
  steps: Steps,
): Promise<void> {
  steps.take();
  const before = [`${name} guard true true`, `${name} before`, `${name} pipe body Payload`];
  check(`${pattern}: reply`, await ask('x'), 'true x');
  check(`${pattern}: order`, steps.take(), [...before, `${name} after`]);
  check(`${pattern}: filter`, await ask('fail'), 'filtered out of it');
  check(`${pattern}: filter's order`, steps.take(), [...before, `${name} filter`]);
  check(`${pattern}: guard`, (await refusal(ask(`no ${name}`))).remoteCode, 'FORBIDDEN');
  check(`${pattern}: pipe`, (await refusal(ask(7))).remoteCode, 'BAD_REQUEST');
  steps.take();
}

async function main(): Promise<void> {
  const [stepsOfA, stepsOfB, linesOfA, linesOfB] = [[] as string[], [] as string[], new Lines(), new Lines()];
  const a = await start('a', stepsOfA, [], linesOfA);
  const { host, port } = a.get(MembershipService).local.address;
  const seed = [`${host}:${port}`];
  const b = await start('b', stepsOfB, seed, linesOfB);
  const [atA, atB] = [a.get(MembershipService), b.get(MembershipService)];
  for (const service of [atA, atB]) await service.whenReady({ members: 2, timeoutMs: 10_000 });
  const ask = (pattern: string) => (text: unknown) => atB.request(atA.local.id, pattern, { text });

  const steps = a.get(Steps);
  await checkEnhancers('class', 'classes on provider', ask('classes on provider'), steps);
  await checkEnhancers('class', 'classes on controller', ask('classes on controller'), steps);
  await checkEnhancers('instance', 'instances on provider', ask('instances on provider'), instanceSteps);
  await checkEnhancers('instance', 'instances on controller', ask('instances on controller'), instanceSteps);
  await checkEnhancers('scoped', 'scoped on provider', ask('scoped on provider'), steps);
  check(
    'parameters',
    await atB.request(atA.local.id, 'parameters', { text: 'x' }, { headers: { tenant: 'acme' } }),
    ['x', 't-acme', 'b', 'parameters', 'a'],
  );

  for (const [name, of] of Object.entries({ global: globally, transient })) {
    const c = await startGlobal(of, seed, new Lines());
    const id = c.get(MembershipService).local.id;
    await until('b sees the third member', () => atB.member(id)?.state === 'alive');
    await checkEnhancers(name, name, (text) => atB.request(id, 'globally', { text }), c.get(Steps));
    await c.close();
    await until('b sees the third member leave', () => atB.member(id)?.state === 'left');
  }

  check('no complaints so far', [...linesOfA.lines, ...linesOfB.lines], []);
  const told = await refusal(ask('cluster exception')('x'));
  check('ClusterException', [told.remoteCode, told.response], ['OUT_OF_STOCK', { sku: 7 }]);
  check('HttpException', (await refusal(ask('http exception')('x'))).remoteCode, 'BAD_REQUEST');
  check('told errors are not logged', linesOfA.lines, []);
  const opaque = await refusal(ask('secret')('x'));
  check('an opaque error', [opaque.remoteCode, opaque.message.includes('hunter2')], ['INTERNAL', false]);
  const logged = linesOfA.lines.splice(0);
  check('is logged once', [logged.length, logged[0]?.includes('the password is hunter2')], [1, true]);
  check('with its correlation id', logged[0]?.includes(opaque.correlationId ?? 'none'), true);
  await atB.emit(atA.local.id, 'told secret', null);
  await atB.emit(atA.local.id, 'told refusal', null);
  await until('errors without a caller are logged', () => linesOfA.lines.length >= 2);
  check('once each', linesOfA.lines.toSorted(), [
    'error Others.toldSecret failed: nobody waits',
    'warn Others.toldRefusal refused a call: not like this',
  ]);

  await b.close();
  await until('a sees b leave', () => a.get(Others).heard.includes('left b'));
  check('member events of a', a.get(Others).heard, [
    'joined b',
    'joined global',
    'left global',
    'joined global',
    'left global',
    'left b',
  ]);
  await a.close();

  // Among global modules the order of imports decides, so one imported before ours may do anything first.
  for (const steps of [stepsOfA, stepsOfB]) {
    const started = steps.filter((step) => !step.startsWith('before init'));
    check(
      'lifecycle',
      started.filter((step) => !step.startsWith('before ')),
      [
        'after init (bound)',
        'feature init (bound)',
        'root init (bound)',
        'after bootstrap (bound)',
        'feature bootstrap (bound)',
        'root bootstrap (bound)',
        'root destroy (draining)',
        'feature destroy (draining)',
        'after destroy (draining)',
        'root before (draining)',
        'feature before (draining)',
        'after before (draining)',
        'root shutdown (draining)',
        'feature shutdown (draining)',
        'after shutdown (draining)',
      ],
    );
    check(
      'lifecycle of the module before ours',
      steps.filter((step) => step.startsWith('before ')).slice(1, 4),
      ['before bootstrap (bound)', 'before destroy (draining)', 'before before (draining)'],
    );
  }
  console.log("Nest's conventions hold");
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
