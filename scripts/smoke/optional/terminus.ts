// A health check with the cluster's part in it, from the package as users get it.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { ClusterModule, MembershipService } from 'clusterpack';
import { ClusterHealthIndicator } from 'clusterpack/terminus';

@Module({
  imports: [
    ClusterModule.forRoot({ clusterName: 'smoke-terminus', host: '127.0.0.1', port: 0 }),
    TerminusModule.forRoot({ logger: false }),
  ],
  providers: [ClusterHealthIndicator],
})
class HealthModule {}

export async function terminus(): Promise<void> {
  const app = await NestFactory.createApplicationContext(HealthModule, { logger: ['warn'] });
  await app.get(MembershipService).whenReady({ timeoutMs: 15_000 });
  const health = app.get(HealthCheckService);
  const indicator = app.get(ClusterHealthIndicator);
  const up = await health.check([() => indicator.isHealthy('cluster')]);
  if (up.status !== 'ok' || up.details['cluster']?.status !== 'up')
    throw new Error(`not up: ${JSON.stringify(up)}`);
  const down = await health
    .check([() => indicator.isHealthy('cluster', { minMembers: 2 })])
    .catch((error: { getResponse(): unknown }) => error.getResponse() as HealthCheckResult);
  if (down.status !== 'error') throw new Error(`not down: ${JSON.stringify(down)}`);
  await app.close();
}
