// A hybrid application and a client, over the cluster, from the package as users get it.
import 'reflect-metadata';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { ClusterModule, MembershipService, seeds } from 'clusterpack';
import {
  ClusterClient,
  ClusterContext,
  ClusterRecordBuilder,
  ClusterServer,
} from 'clusterpack/microservices';
import { firstValueFrom, from, interval, lastValueFrom, take, toArray } from 'rxjs';

const heard: string[] = [];

@Controller()
class Numbers {
  @MessagePattern({ cmd: 'sum' })
  sum(data: number[]): number {
    return data.reduce((a, b) => a + b, 0);
  }

  @MessagePattern('who')
  who(@Payload() data: string, @Ctx() context: ClusterContext): string {
    return `${data} ${context.getHeaders()['tenant']} ${context.getPattern()}`;
  }

  @MessagePattern('all')
  all() {
    return from([1, 2, 3]);
  }

  @MessagePattern('slowly')
  slowly() {
    return interval(20).pipe(take(3));
  }

  @MessagePattern('refused')
  refused(): never {
    throw new RpcException('no');
  }

  @EventPattern({ event: 'told' })
  told(data: string): void {
    heard.push(data);
  }
}

function application(controllers: Type[], ...addresses: string[]): Type {
  @Module({
    imports: [
      ClusterModule.forRoot({
        clusterName: 'smoke-microservices',
        host: '127.0.0.1',
        port: 0,
        discovery: seeds(...addresses),
        ...(addresses.length > 0 ? { waitFor: { members: 2, timeoutMs: 15_000 } } : {}),
      }),
    ],
    controllers,
  })
  class AppModule {}
  return AppModule;
}

function same(what: string, found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${what} gave ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
}

export async function microservices(): Promise<void> {
  const serving = await NestFactory.create(application([Numbers]), { logger: ['warn'] });
  // Nest 11.0 takes no strategy from `useFactory`.
  const strategy = new ClusterServer(serving.get(MembershipService));
  serving.connectMicroservice<MicroserviceOptions>({ strategy });
  await serving.startAllMicroservices();
  await serving.init();
  const { host, port } = serving.get(MembershipService).local.address;
  const asking = await NestFactory.createApplicationContext(application([], `${host}:${port}`), {
    logger: ['warn', 'error'],
  });
  const membership = asking.get(MembershipService);
  const client = new ClusterClient({
    membership,
    where: (member) => member.id !== membership.local.id,
  });
  await client.connect();
  same('status', await firstValueFrom(client.status), 'connected');
  same('a sum', await firstValueFrom(client.send({ cmd: 'sum' }, [1, 2, 3])), 6);
  const record = new ClusterRecordBuilder('x').headers({ tenant: 'a' }).build();
  same('a record', await firstValueFrom(client.send('who', record)), 'x a who');
  same('all at once', await lastValueFrom(client.send('all', {}).pipe(toArray())), [1, 2, 3]);
  same('a stream', await lastValueFrom(client.send('slowly', {}).pipe(toArray())), [0, 1, 2]);
  const error: unknown = await firstValueFrom(client.send('refused', {})).then(
    String,
    (reason: unknown) => reason,
  );
  same('an RpcException', error, { status: 'error', message: 'no' });
  await lastValueFrom(client.emit({ event: 'told' }, 'news'));
  for (let i = 0; i < 500 && heard.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  same('an event', heard, ['news']);
  client.close();
  await asking.close();
  await serving.close();
}
