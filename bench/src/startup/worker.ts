import type { ModuleMetadata } from '@nestjs/common';
import { answer } from '../workers.js';

/** What kind of application is started, and whether it has the module. */
export interface Start {
  readonly kind: 'context' | 'http';
  readonly cluster: boolean;
  readonly nodeEnv?: string | undefined;
}

/** Milliseconds. */
export interface Took {
  /** The import of `clusterpack`, after Nest's own packages; 0 without it. */
  readonly importMs: number;
  /** From the first import of the application to the end of `init()`. */
  readonly totalMs: number;
}

class AppModule {}

answer({
  /** Nothing of the application is loaded before: neither Nest nor the library. */
  async start({ kind, cluster, nodeEnv }: Start): Promise<Took> {
    if (nodeEnv !== undefined) process.env['NODE_ENV'] = nodeEnv;
    const began = performance.now();
    await import('reflect-metadata');
    const { Module } = await import('@nestjs/common');
    const { NestFactory } = await import('@nestjs/core');
    if (kind === 'http') await import('@nestjs/platform-express');
    const nest = performance.now();
    const imports: ModuleMetadata['imports'] = [];
    if (cluster) {
      const { ClusterModule } = await import('clusterpack');
      imports.push(ClusterModule.forRoot());
    }
    const imported = performance.now();
    Module({ imports })(AppModule);
    if (kind === 'http') await (await NestFactory.create(AppModule, { logger: ['error'] })).init();
    else await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
    return { importMs: imported - nest, totalMs: performance.now() - began };
  },
});
