import {
  BadRequestException,
  Catch,
  Controller,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestMicroservice,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import {
  BaseRpcExceptionFilter,
  ClientProxy,
  ClientsModule,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type MicroserviceOptions,
  type RequestContext,
} from '@nestjs/microservices';
import { afterEach, describe, expect, it } from '@jest/globals';
import { IsInt } from 'class-validator';
import {
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  of,
  take,
  throwError,
  timeout,
  toArray,
} from 'rxjs';
import {
  ClusterModule,
  MembershipService,
  RemoteError,
  RequestTimeoutError,
  formatAddress,
  seeds,
  type BroadcastOutcome,
} from '../../../src/index.js';
import {
  ClusterClient,
  ClusterContext,
  ClusterRecordBuilder,
  ClusterServer,
} from '../../../src/microservices.js';
import { until } from '../../support/until.js';
import { Hybrids, clientOf } from './hybrid.js';

/** The scenarios of Nest's own documentation of microservices, over a cluster. */

/** Nest's own, whose first overload takes a text for the key of a map of types. */
const OnEvent = (pattern: string): MethodDecorator => EventPattern(pattern) as MethodDecorator;

const hybrids = new Hybrids();
const others: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const other of others.splice(0).reverse()) await other.close();
  await hybrids.close();
});

/** A server with these controllers, and a client of another member. */
async function serve(...given: Parameters<Hybrids['start']>) {
  const server = await hybrids.start(...given);
  const asker = await hybrids.start();
  return { server, asker, client: clientOf(asker) };
}

describe('request-response', () => {
  it('answers with a value, a promise or an Observable, for texts and objects as patterns', async () => {
    @Controller()
    class Sums {
      @MessagePattern({ cmd: 'sum', area: { of: 'numbers' } })
      sum(data: number[]): number {
        return data.reduce((a, b) => a + b, 0);
      }
      @MessagePattern('later')
      async later(@Payload('name') name: string, @Ctx() context: ClusterContext): Promise<string> {
        await Promise.resolve();
        return `${name} from ${context.getSender().name} by ${context.getPattern()}`;
      }
      @MessagePattern('nothing')
      nothing(): void {}
    }
    const { asker, client } = await serve([Sums]);
    const sum = client.send<number>({ area: { of: 'numbers' }, cmd: 'sum' }, [1, 2, 3]);
    expect(await firstValueFrom(sum)).toBe(6);
    const later = client.send<string>('later', { name: 'x' });
    expect(await firstValueFrom(later)).toBe(`x from ${asker.membership.local.name} by later`);
    expect(await lastValueFrom(client.send('nothing', {}).pipe(toArray()))).toEqual([]);
  });
});

describe('observables', () => {
  it('reach the client value by value, however they come', async () => {
    @Controller()
    class Streams {
      @MessagePattern('at once')
      atOnce() {
        return from([1, 2, 3]);
      }
      @MessagePattern('slowly')
      slowly() {
        return interval(20).pipe(take(4));
      }
      @MessagePattern('one')
      one() {
        return of('only');
      }
      @MessagePattern('none')
      none() {
        return from([]);
      }
      @MessagePattern('many')
      many() {
        return from(Array.from({ length: 10_000 }, (_, i) => i));
      }
    }
    const { client } = await serve([Streams]);
    const all = (pattern: string) => lastValueFrom(client.send(pattern, {}).pipe(toArray()));
    expect(await all('at once')).toEqual([1, 2, 3]);
    expect(await all('slowly')).toEqual([0, 1, 2, 3]);
    expect(await all('one')).toEqual(['only']);
    expect(await all('none')).toEqual([]);
    expect(await all('many')).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('end at the handler when the client unsubscribes, before the first value as after it', async () => {
    let running = 0;
    @Controller()
    class Streams {
      @MessagePattern('ticks')
      ticks(everyMs: number) {
        running++;
        return interval(everyMs).pipe((source) => {
          const counted = source.pipe(map((tick) => tick));
          return new (counted.constructor as typeof import('rxjs').Observable)<number>((subscriber) => {
            const subscription = counted.subscribe(subscriber);
            return () => {
              running--;
              subscription.unsubscribe();
            };
          });
        });
      }
    }
    const { client } = await serve([Streams]);
    expect(await lastValueFrom(client.send<number>('ticks', 5).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    await until('the source of a stream is left', () => running === 0);
    const slow = client.send('ticks', 60_000).pipe(timeout(200));
    await expect(lastValueFrom(slow)).rejects.toThrow('Timeout');
    await until('the source without a value is left', () => running === 0);
  });
});

describe('an event', () => {
  it('reaches every handler of its pattern at every member, and its errors are logged once', async () => {
    const heard: string[] = [];
    @Controller()
    class First {
      @OnEvent('created')
      created(@Payload() data: string, @Ctx() context: ClusterContext): void {
        heard.push(`first ${data} ${context.getHeaders()['tenant'] ?? ''}`);
      }
      @OnEvent('failing')
      failing(): void {
        throw new Error('broken event handler');
      }
    }
    @Controller()
    class Second {
      @OnEvent('created')
      async created(data: string): Promise<void> {
        await Promise.resolve();
        heard.push(`second ${data}`);
      }
      @MessagePattern('created')
      asked(): string {
        return 'a request of the same pattern';
      }
    }
    const { server, asker, client } = await serve([First, Second]);
    const record = new ClusterRecordBuilder('order').headers({ tenant: 'a' }).build();
    const outcome = await lastValueFrom(client.emit<BroadcastOutcome>('created', record));
    expect(outcome.delivered).toHaveLength(1);
    await until('both have heard', () => heard.length === 2);
    expect(heard.toSorted()).toEqual(['first order a', 'second order']);
    expect(await firstValueFrom(client.send('created', {}))).toBe('a request of the same pattern');
    await lastValueFrom(client.emit('failing', {}));
    // Nest's logger is one for the whole process: that of the application which was made last.
    const logged = (): string[] => [...server.nest.at('error'), ...asker.nest.at('error')];
    await until('the error is logged', () => logged().length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(logged()).toHaveLength(1);
    expect(server.log.at('error')).toEqual([]);
  });
});

describe('a timeout', () => {
  it("ends the wait at the client: rxjs', the client's own, and the record's", async () => {
    @Controller()
    class Slow {
      @MessagePattern('slow')
      slow(): Promise<never> {
        return new Promise(() => undefined);
      }
    }
    const { asker, client } = await serve([Slow], { cluster: { drainTimeoutMs: 50 } });
    await expect(lastValueFrom(client.send('slow', {}).pipe(timeout(50)))).rejects.toThrow('Timeout');
    const own = clientOf(asker, { timeoutMs: 50 });
    await expect(lastValueFrom(own.send('slow', {}))).rejects.toThrow(RequestTimeoutError);
    const record = new ClusterRecordBuilder({}).timeout(40).build();
    await expect(lastValueFrom(client.send('slow', record))).rejects.toThrow('within 40 ms');
  });
});

describe('exceptions', () => {
  it('reach the client as Nest gives them to its other transports', async () => {
    @Catch(RpcException)
    class Filter extends BaseRpcExceptionFilter {
      override catch(exception: RpcException, _host: ArgumentsHost) {
        return throwError(() => ({ filtered: exception.getError() }));
      }
    }
    @Controller()
    class Failing {
      @MessagePattern('text')
      text(): never {
        throw new RpcException('Invalid credentials.');
      }
      @MessagePattern('object')
      object(): never {
        throw new RpcException({ code: 'NO', message: 'no', sku: 1 });
      }
      @MessagePattern('filtered')
      @UseFilters(Filter)
      filtered(): never {
        throw new RpcException('x');
      }
      @MessagePattern('unknown')
      unknown(): never {
        throw new TypeError('secret');
      }
      @MessagePattern('late')
      late() {
        return from([1, 2]).pipe(
          map((n) => {
            if (n === 2) throw new RpcException('late');
            return n;
          }),
        );
      }
    }
    @Catch(RangeError)
    class Nothing {
      catch() {
        return throwError(() => '');
      }
    }
    @Controller()
    class Silent {
      @MessagePattern('silent')
      @UseFilters(Nothing)
      silent(): never {
        throw new RangeError('x');
      }
    }
    const { server, asker, client } = await serve([Failing, Silent]);
    const errorOf = (pattern: string) =>
      lastValueFrom(client.send(pattern, {})).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(await errorOf('text')).toEqual({ status: 'error', message: 'Invalid credentials.' });
    expect(await errorOf('object')).toEqual({ code: 'NO', message: 'no', sku: 1 });
    expect(await errorOf('filtered')).toEqual({ filtered: 'x' });
    expect(await errorOf('unknown')).toEqual({ status: 'error', message: 'Internal server error' });
    // No error at all would be a reply.
    expect(await errorOf('silent')).toBeInstanceOf(RemoteError);
    const seen: unknown[] = [];
    await new Promise<void>((resolve) =>
      client.send('late', {}).subscribe({
        next: (value) => seen.push(value),
        error: (error: unknown) => (seen.push(error), resolve()),
      }),
    );
    expect(seen).toEqual([1, { status: 'error', message: 'late' }]);
    expect(server.log.at('error')).toEqual([]);
    // Whoever asks without a ClusterClient is told the same, as an error of the cluster's own.
    const native = asker.membership.request(server.membership.local, 'object', {});
    await expect(native).rejects.toMatchObject({
      remoteCode: 'NO',
      message: 'no',
      response: { code: 'NO', message: 'no', sku: 1 },
    });
  });
});

describe('guards, pipes and interceptors', () => {
  class Query {
    @IsInt() sku!: number;
  }
  @Injectable()
  class Guard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      return context.switchToRpc().getContext<ClusterContext>().getHeaders()['token'] === 'right';
    }
  }
  @Injectable()
  class Doubling implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      return next.handle().pipe(map((value: number) => 2 * value));
    }
  }
  @Controller()
  class Prices {
    @MessagePattern('price')
    @UseGuards(Guard)
    @UseInterceptors(Doubling)
    @UsePipes(
      new ValidationPipe({ exceptionFactory: (errors) => new RpcException(String(errors[0]?.property)) }),
    )
    price(query: Query): number {
      return query.sku;
    }
  }

  it('run around a handler', async () => {
    const { client } = await serve([Prices]);
    const price = (sku: unknown, token: string) =>
      firstValueFrom(client.send('price', new ClusterRecordBuilder({ sku }).headers({ token }).build()));
    expect(await price(21, 'right')).toBe(42);
    await expect(price('x', 'right')).rejects.toEqual({ status: 'error', message: 'sku' });
    await expect(price(21, 'wrong')).rejects.toEqual({ status: 'error', message: 'Forbidden resource' });
  });

  it('that are global come along with inheritAppConfig', async () => {
    @Controller()
    class Plain {
      @MessagePattern('plain')
      plain(query: Query): number {
        return query.sku;
      }
    }
    const prepare: NonNullable<Parameters<Hybrids['start']>[1]>['prepare'] = (app) => {
      app.useGlobalPipes(new ValidationPipe({ exceptionFactory: () => new BadRequestException('bad') }));
      app.useGlobalInterceptors(new Doubling());
    };
    const { client } = await serve([Plain], { prepare, inheritAppConfig: true });
    expect(await firstValueFrom(client.send('plain', { sku: 2 }))).toBe(4);
    await expect(firstValueFrom(client.send('plain', { sku: 'x' }))).rejects.toMatchObject({
      status: 'error',
    });
  });
});

describe('request scope', () => {
  it('gives each message its own instance, and the request', async () => {
    let made = 0;
    @Controller({ scope: Scope.REQUEST } as never)
    class Scoped {
      readonly number = ++made;
      constructor(@Inject(REQUEST) private readonly request: RequestContext) {}
      @MessagePattern('scoped')
      scoped(): unknown {
        const { pattern, data } = this.request;
        return [this.number, pattern, data, (this.request.getContext() as ClusterContext).getPattern()];
      }
    }
    const { client } = await serve([Scoped]);
    expect(await firstValueFrom(client.send('scoped', 'a'))).toEqual([1, 'scoped', 'a', 'scoped']);
    expect(await firstValueFrom(client.send('scoped', 'b'))).toEqual([2, 'scoped', 'b', 'scoped']);
  });
});

describe('an application', () => {
  it('is a microservice alone, with its strategy and its clients made from what is injected', async () => {
    @Controller()
    class Names {
      constructor(private readonly membership: MembershipService) {}
      @MessagePattern('name')
      name(): string {
        return this.membership.local.name;
      }
    }
    const base = { clusterName: 'alone', host: '127.0.0.1', port: 0, preset: 'local' } as const;
    @Module({ imports: [ClusterModule.forRoot({ ...base, nodeName: 'server' })], controllers: [Names] })
    class Server {}
    const service: INestMicroservice = await NestFactory.createMicroservice(Server, {
      logger: false,
      inject: [MembershipService],
      useFactory: (membership: MembershipService): MicroserviceOptions => ({
        strategy: new ClusterServer(membership),
      }),
    });
    await service.listen();
    others.push(service);
    const { address } = service.get(MembershipService).local;

    @Injectable()
    class Asker {
      constructor(@Inject('NAMES') readonly names: ClientProxy) {}
    }
    @Module({
      imports: [
        ClusterModule.forRoot({
          ...base,
          discovery: seeds(formatAddress(address)),
          waitFor: { members: 2, timeoutMs: 10_000 },
        }),
        ClientsModule.registerAsync({
          clients: [
            {
              name: 'NAMES',
              inject: [MembershipService],
              useFactory: (membership: MembershipService) => ({
                customClass: ClusterClient,
                options: { membership, where: (member: { name: string }) => member.name === 'server' },
              }),
            },
          ],
        }),
      ],
      providers: [Asker],
    })
    class Client {}
    const client = await NestFactory.createApplicationContext(Client, { logger: false });
    others.push(client);
    expect(await firstValueFrom(client.get(Asker).names.send('name', {}))).toBe('server');
  });
});
