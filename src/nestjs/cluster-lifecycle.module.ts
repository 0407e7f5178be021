import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ClusterModuleOptions } from './cluster-module-options.js';
import { ClusterLifecycle } from './cluster-lifecycle.js';
import type { MembershipService } from './membership.service.js';
import { getClusterOptionsToken, getMembershipToken } from './tokens.js';

/** Nest runs hooks by falling distance from the root, whose own is 1 or less, but never below zero. */
const AFTER_THE_ROOT = -1;

/**
 * Boots after the root module and is destroyed before it: the node joins once everything else is up, and drains
 * before anything else goes down.
 *
 * Nest has no public way to ask for that place, so the module's distance is set by hand; a test holds the order.
 */
@Module({})
export class ClusterLifecycleModule {
  static for(as: string | undefined, core: DynamicModule): DynamicModule {
    return {
      module: ClusterLifecycleModule,
      imports: [core],
      providers: [
        {
          provide: ClusterLifecycle,
          useFactory: (membership: MembershipService, options: ClusterModuleOptions) =>
            new ClusterLifecycle(as, membership, options),
          inject: [getMembershipToken(as), getClusterOptionsToken(as)],
        },
      ],
    };
  }

  // By explicit token: compilers without decorator metadata (tsx, esbuild) inject it too.
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    for (const module of modules.values()) {
      if (module.metatype === ClusterLifecycleModule) module.distance = AFTER_THE_ROOT;
    }
  }
}
