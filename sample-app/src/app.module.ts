import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClusterModule } from 'clusterpack';
import type { ClusterOptions } from 'clusterpack';
import { ApiErrorFilter } from './api-error.filter.js';
import { ChatModule } from './chat/chat.module.js';
import { LifecycleController } from './lifecycle.controller.js';
import { MembersModule } from './members/members.module.js';
import { OpenConnections } from './open-connections.js';
import { Shutdown } from './shutdown.js';

/** The cluster chat: one node of a cluster, with an HTTP interface. */
@Module({})
export class AppModule {
  static withCluster(options: ClusterOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [ClusterModule.forRoot(options), ChatModule, MembersModule],
      controllers: [LifecycleController],
      providers: [Shutdown, OpenConnections, { provide: APP_FILTER, useClass: ApiErrorFilter }],
    };
  }
}
