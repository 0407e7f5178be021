import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClusterModule } from 'clusterpack';
import type { ClusterOptions } from 'clusterpack';
import { ApiErrorFilter } from './api-error.filter.js';
import { ChatModule } from './chat/chat.module.js';
import { DebugController } from './debug.controller.js';
import { LifecycleController } from './lifecycle.controller.js';
import { MembersModule } from './members/members.module.js';
import { OpenConnections } from './open-connections.js';
import { Shutdown } from './shutdown.js';

/** The cluster chat: one node of a cluster, with an HTTP interface. */
@Module({})
export class AppModule {
  /** @param debug whether requests may make this process misbehave */
  static withCluster(options: ClusterOptions, debug: boolean): DynamicModule {
    return {
      module: AppModule,
      imports: [ClusterModule.forRoot(options), ChatModule, MembersModule],
      controllers: debug ? [LifecycleController, DebugController] : [LifecycleController],
      providers: [Shutdown, OpenConnections, { provide: APP_FILTER, useClass: ApiErrorFilter }],
    };
  }
}
