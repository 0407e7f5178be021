import 'reflect-metadata';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClusterModule,
  MembershipService,
  OnClusterMessage,
  OnClusterRequest,
  formatAddress,
  seeds,
  type Address,
} from 'clusterpack';
import { startNode } from 'clusterpack/core';
import { closedLoop } from '../closed-loop.js';
import { payloadOf, valueOf, type Contender, type Load } from '../contender.js';

interface Where {
  readonly seed: Address;
  readonly id: string;
}

/** The member that takes, and seven more that only broadcasts reach. */
const RECIPIENTS = 8;
const JOINED_MS = 30_000;

@Injectable()
class Orders {
  @OnClusterMessage()
  bytes(_payload: Uint8Array): void {}

  @OnClusterMessage('order')
  take(_order: unknown): void {}

  @OnClusterRequest('echo')
  echo(order: unknown): unknown {
    return order;
  }
}

@Module({})
class AppModule {
  static with(...found: Address[]): DynamicModule {
    const cluster = ClusterModule.forRoot({
      clusterName: 'bench',
      port: 0,
      discovery: seeds(found.map(formatAddress)),
      logger: { debug: ignore, log: ignore, warn: console.warn, error: console.error },
    });
    return { module: AppModule, imports: [cluster], providers: [Orders] };
  }
}

function ignore(): void {}

async function start(...found: Address[]): Promise<MembershipService> {
  const app = await NestFactory.createApplicationContext(AppModule.with(...found), { logger: false });
  return app.get(MembershipService);
}

/** Two Nest applications, with handlers as an application has them. */
export const clusterpack: Contender = {
  async serve(): Promise<Where> {
    const { local } = await start();
    for (let others = RECIPIENTS - 1; others > 0; others--) {
      const node = await startNode({
        clusterName: 'bench',
        port: 0,
        discovery: seeds(formatAddress(local.address)),
      });
      node.onMessage(undefined, ignore);
      await node.join();
    }
    return { seed: local.address, id: local.id };
  },

  async connect({ seed, id }: Where) {
    const membership = await start(seed);
    await membership.whenReady({ members: RECIPIENTS + 1, timeoutMs: JOINED_MS });
    return (load) =>
      closedLoop(load, operation(membership, id, load), load.operation === 'broadcast' ? RECIPIENTS : 1);
  },
};

function operation(
  membership: MembershipService,
  to: string,
  { operation: what, bytes }: Load,
): () => Promise<unknown> {
  const payload = payloadOf(bytes);
  const value = valueOf(bytes);
  switch (what) {
    case 'send':
      return () => membership.send(to, payload);
    case 'broadcast':
      return () => membership.broadcast(payload);
    case 'emit':
      return () => membership.emit(to, 'order', value);
    case 'request':
      return () => membership.request(to, 'echo', payload);
    case 'ask':
      return () => membership.request(to, 'echo', value);
  }
}
