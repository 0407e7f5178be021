import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { ApplicationConfig, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { ClusterNode } from '../cluster/node.js';
import type { ClusterOptions } from '../cluster/options.js';
import { ClusterStartup } from './cluster-startup.js';
import type { ClusterModuleOptions } from './cluster-module-options.js';
import { splitOptions } from './split-options.js';
import { MembershipService } from './membership.service.js';
import { NestClusterLogger } from './nest-cluster-logger.js';
import { CLUSTER_NODE_FACTORY, type ClusterNodeFactory } from './node-face.js';
import { refuseDuplicate, registrationName } from './registrations.js';
import { getClusterOptionsToken, getMembershipToken } from './tokens.js';

/**
 * Owns a registration's node: first to be initialised and last to be shut down, since it is global.
 *
 * What must happen after the application's own modules, or before them, is in `ClusterLifecycleModule`.
 */
@Module({})
export class ClusterCoreModule {
  static for(
    as: string | undefined,
    options: readonly Provider[],
    imports: DynamicModule['imports'] = [],
  ): DynamicModule {
    const optionsToken = getClusterOptionsToken(as);
    const membershipToken = getMembershipToken(as);
    const factory: Provider = { provide: CLUSTER_NODE_FACTORY, useValue: createNode };
    const membership: Provider = {
      provide: membershipToken,
      useFactory: (make: ClusterNodeFactory, given: ClusterModuleOptions, modules: ModulesContainer) => {
        refuseDuplicate(as, modules);
        return MembershipService.of(make(nodeOptions(as, given), as));
      },
      inject: [CLUSTER_NODE_FACTORY, optionsToken, ModulesContainer],
    };
    const startup: Provider = {
      provide: ClusterStartup,
      useFactory: (
        service: MembershipService,
        given: ClusterModuleOptions,
        modules: ModulesContainer,
        config: ApplicationConfig,
        contexts: ExternalContextCreator,
      ) => new ClusterStartup(as, service, given, modules, config, contexts),
      inject: [membershipToken, optionsToken, ModulesContainer, ApplicationConfig, ExternalContextCreator],
    };
    return {
      module: ClusterCoreModule,
      global: true,
      imports,
      providers: [...options, factory, membership, startup],
      exports: [optionsToken, membershipToken],
    };
  }
}

const createNode: ClusterNodeFactory = (options) => new ClusterNode(options);

function nodeOptions(as: string | undefined, given: ClusterModuleOptions): ClusterOptions {
  const { node } = splitOptions(given);
  return { ...node, logger: node.logger ?? new NestClusterLogger(registrationName(as)) };
}
