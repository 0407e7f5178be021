import 'reflect-metadata';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { answer } from '../workers.js';

class AppModule {}

let app: INestApplicationContext | undefined;

answer({
  /** Without seeds, the same application without the module: what it would import is not even loaded. */
  start: async (addresses: readonly string[] | undefined): Promise<void> => {
    const imports = addresses === undefined ? [] : [await clusterModule(addresses)];
    const module: DynamicModule = { module: AppModule, imports };
    app = await NestFactory.createApplicationContext(module, { logger: ['error'] });
  },
  members: async (): Promise<number> => {
    const { MembershipService } = await import('clusterpack');
    return app!.get(MembershipService).activeMembers.length;
  },
  rss: (): number => process.memoryUsage.rss(),
});

async function clusterModule(addresses: readonly string[]): Promise<DynamicModule> {
  const { ClusterModule, seeds } = await import('clusterpack');
  return ClusterModule.forRoot({ clusterName: 'bench', port: 0, discovery: seeds(...addresses) });
}
