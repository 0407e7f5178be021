import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { ApplicationConfig, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { registrationName, registrationsIn } from './registrations.js';
import type { ClusterModuleOptions } from './cluster-module-options.js';
import { splitOptions } from './split-options.js';
import { checkGlobalGuards } from './handlers/global-guards.js';
import { checkHandlers } from './handlers/handler-checks.js';
import { exploreHandlers } from './handlers/handler-explorer.js';
import { HandlerPipeline } from './handlers/handler-pipeline.js';
import { HandlerRegistrar } from './handlers/handler-registrar.js';
import { MembershipService } from './membership.service.js';
import { NestClusterLogger } from './nest-cluster-logger.js';

/**
 * Finds the handlers and binds when the application initialises, so that no message can come too early; leaves
 * when the application shuts down, so that everybody could still send until then.
 */
export class ClusterStartup implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly as: string | undefined,
    private readonly membership: MembershipService,
    private readonly options: ClusterModuleOptions,
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly contexts: ExternalContextCreator,
  ) {}

  /** @throws InvalidHandlerError for handlers that cannot be mapped · BindError */
  async onModuleInit(): Promise<void> {
    const node = MembershipService.nodeOf(this.membership);
    if (node === undefined) return;
    const options = splitOptions(this.options);
    const logger = options.node.logger ?? new NestClusterLogger(registrationName(this.as));
    const all = exploreHandlers(this.modules);
    checkHandlers(all, registrationsIn(this.modules));
    const own = all.filter((handler) => handler.metadata.cluster === this.as);
    if (own.length > 0) checkGlobalGuards(this.config, options.globalGuards, logger);
    const pipeline = new HandlerPipeline(this.contexts, this.config, this.as, this.membership);
    const registrar = new HandlerRegistrar(node, pipeline, logger);
    for (const handler of own) registrar.register(handler);
    await node.bind();
  }

  async onApplicationShutdown(): Promise<void> {
    await MembershipService.nodeOf(this.membership)?.close();
  }
}
