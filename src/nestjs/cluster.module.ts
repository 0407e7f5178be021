import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { ClusterCoreModule } from './cluster-core.module.js';
import { ClusterLifecycleModule } from './cluster-lifecycle.module.js';
import type { ClusterAsyncOptions, ClusterRootOptions } from './cluster-module-options.js';
import { checkAsyncOptions, optionsProvider } from './options-provider.js';
import { checkName, checkObject } from './split-options.js';
import { getClusterOptionsToken } from './tokens.js';

/**
 * Makes the application a member of a cluster. Import it once, in the root module; it is global.
 *
 * ```ts
 * @Module({ imports: [ClusterModule.forRoot()] })
 * export class AppModule {}
 * ```
 *
 * Handlers are looked for once, when the application starts. Those in a module that `LazyModuleLoader` loads later
 * are not found, and Nest says nothing of it: there, use {@link MembershipService.onMessage}, `onRequest` and
 * `onEvent`. ClusterModule itself cannot be loaded lazily, since Nest then runs no lifecycle hooks.
 *
 * @publicApi
 */
@Module({})
export class ClusterModule {
  /**
   * Registers a cluster. Without options, the processes of this project on this machine find each other.
   *
   * @throws InvalidOptionError for what is no options; and when the application starts, for an option that is wrong
   * @throws DuplicateClusterError when the application starts, for a second registration with the same `as`
   */
  static forRoot(options: ClusterRootOptions = {}): DynamicModule {
    checkObject('forRoot', options);
    const { as, ...rest } = options;
    checkName(as);
    return register(as, { provide: getClusterOptionsToken(as), useValue: rest });
  }

  /**
   * Registers a cluster whose options come from elsewhere.
   *
   * ```ts
   * ClusterModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ clusterName: config.getOrThrow('CLUSTER_NAME') }),
   * })
   * ```
   *
   * @throws InvalidOptionError for a way that is none; and when the application starts, for options that are wrong
   * @throws DuplicateClusterError when the application starts, for a second registration with the same `as`
   */
  static forRootAsync(options: ClusterAsyncOptions): DynamicModule {
    checkAsyncOptions(options);
    checkName(options.as);
    const { useClass } = options;
    const made: Provider[] = useClass === undefined ? [] : [{ provide: useClass, useClass }];
    return register(options.as, optionsProvider(options), made, options.imports);
  }
}

function register(
  as: string | undefined,
  options: Provider,
  others: readonly Provider[] = [],
  imports: DynamicModule['imports'] = [],
): DynamicModule {
  const core = ClusterCoreModule.for(as, [options, ...others], imports);
  return { module: ClusterModule, imports: [core, ClusterLifecycleModule.for(as, core)] };
}
