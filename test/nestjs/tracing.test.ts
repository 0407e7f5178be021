import {
  Injectable,
  Module,
  NotFoundException,
  Scope,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { trace } from '@opentelemetry/api';
import { defer, delay, of, tap, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClusterModule, MembershipService, OnClusterMessage, OnClusterRequest } from '../../src/index.js';
import { NestCluster, isolated } from '../../src/testing.js';
import { Telemetry, failureOf } from '../cluster/tracing/telemetry.js';
import { NestLines } from './start-app.js';

const running: TestingModule[] = [];

afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
  Telemetry.end();
});

/** Where each part of a handler's way writes which span was active. */
@Injectable()
class Seen {
  readonly spans: string[] = [];

  look(where: string): void {
    this.spans.push(`${where} ${trace.getActiveSpan()?.spanContext().spanId}`);
  }
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly seen: Seen) {}
  canActivate(): boolean {
    this.seen.look('guard');
    return true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  constructor(private readonly seen: Seen) {}
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.seen.look('before');
    return next.handle().pipe(tap(() => this.seen.look('after')));
  }
}

@Injectable()
class Pipe implements PipeTransform {
  constructor(private readonly seen: Seen) {}
  transform(value: unknown): unknown {
    this.seen.look('pipe');
    return value;
  }
}

@Injectable()
@UseGuards(Guard)
@UseInterceptors(Interceptor)
@UsePipes(Pipe)
class Guarded {
  constructor(private readonly seen: Seen) {}

  @OnClusterRequest('guarded')
  answer(): Observable<string> {
    this.seen.look('handler');
    return of('late').pipe(delay(5));
  }
}

@Injectable()
class Plain {
  constructor(
    private readonly seen: Seen,
    private readonly membership: MembershipService,
  ) {}

  @OnClusterRequest('missing')
  miss(): never {
    throw new NotFoundException('no tea');
  }

  @OnClusterRequest('broken')
  fail(): Observable<never> {
    return defer(() => {
      throw new RangeError('no such price');
    });
  }

  @OnClusterMessage('chain')
  async chain(): Promise<void> {
    this.seen.look('chain');
    await this.membership.request(this.membership.local, 'guarded', 1);
  }
}

@Injectable({ scope: Scope.REQUEST })
class Scoped {
  constructor(private readonly seen: Seen) {
    seen.look('constructor');
  }

  @OnClusterRequest('scoped')
  answer(): void {
    this.seen.look('handler');
  }
}

async function start(): Promise<{ telemetry: Telemetry; seen: Seen; membership: MembershipService }> {
  const telemetry = new Telemetry();
  @Module({
    imports: [ClusterModule.forRoot(isolated())],
    providers: [Seen, Guard, Interceptor, Pipe, Guarded, Plain, Scoped],
  })
  class AppModule {}
  const app = await Test.createTestingModule({ imports: [AppModule] })
    .setLogger(new NestLines())
    .compile();
  running.push(app);
  await app.init();
  return { telemetry, seen: app.get(Seen), membership: app.get(MembershipService) };
}

describe('the span of a handler', () => {
  it('is active in its guards, pipes and interceptors, and lasts until its Observable has completed', async () => {
    const { telemetry, seen, membership } = await start();
    expect(await membership.request(membership.local, 'guarded', 1)).toBe('late');
    const server = telemetry.span('SERVER', 'process guarded');
    const { spanId } = server.spanContext();
    const steps = ['guard', 'before', 'pipe', 'handler', 'after'];
    expect(seen.spans).toEqual(steps.map((step) => `${step} ${spanId}`));
    expect(server.attributes['code.function.name']).toBe('Guarded.answer');
    const [seconds, nanoseconds] = server.duration;
    expect(seconds * 1000 + nanoseconds / 1e6).toBeGreaterThanOrEqual(4);
  });

  it('is active where its request-scoped provider is made', async () => {
    const { telemetry, seen, membership } = await start();
    await membership.request(membership.local, 'scoped', 1);
    const { spanId } = telemetry.span('SERVER', 'process scoped').spanContext();
    expect(seen.spans).toEqual([`constructor ${spanId}`, `handler ${spanId}`]);
  });

  it('is the parent of what the handler asks of others', async () => {
    const { telemetry, membership } = await start();
    await membership.emit(membership.local, 'chain', 1);
    await membership.drain();
    expect(telemetry.tree).toBe(
      [
        'send chain PRODUCER',
        '  process chain CONSUMER',
        '    request guarded CLIENT',
        '      process guarded SERVER',
      ].join('\n'),
    );
  });

  it('has not failed when the handler refuses with an HttpException below 500, and has with anything else', async () => {
    const { telemetry, membership } = await start();
    for (const pattern of ['missing', 'broken'])
      await expect(membership.request(membership.local, pattern, 1)).rejects.toThrow();
    const missing = telemetry.span('SERVER', 'process missing');
    expect(failureOf(missing)).toBeUndefined();
    expect(missing.attributes['clusterpack.reply.code']).toBe('NOT_FOUND');
    expect(failureOf(telemetry.span('SERVER', 'process broken'))).toMatchObject({ type: 'RangeError' });
  });
});

describe('a NestCluster', () => {
  it('makes spans only for nodes of which the test says so', async () => {
    const telemetry = new Telemetry();
    @Module({ imports: [ClusterModule.forRoot({ tracing: true })], providers: [Seen, Guarded, Guard] })
    class AppModule {}
    const cluster = await NestCluster.start({
      nodes: 2,
      module: () => Test.createTestingModule({ imports: [AppModule] }).setLogger(new NestLines()),
      options: (name) => (name === 'a' ? { tracing: true } : {}),
    });
    const a = cluster.membership('a');
    const b = cluster.membership('b');
    await cluster.run(a.request(b.local, 'guarded', 1));
    await cluster.run(b.request(a.local, 'guarded', 1));
    expect(telemetry.tree).toBe(['process guarded SERVER', 'request guarded CLIENT'].join('\n'));
    await cluster.close();
  });
});
