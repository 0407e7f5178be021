import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { InvalidOptionError } from '../errors.js';
import { ClusterCoreModule } from './cluster-core.module.js';
import { ClusterLifecycleModule } from './cluster-lifecycle.module.js';
import {
  checkName,
  type ClusterAsyncOptions,
  type ClusterOptionsFactory,
  type ClusterRootOptions,
} from './cluster-module-options.js';
import { getClusterOptionsToken } from './tokens.js';

/**
 * Makes the application a member of a cluster. Import it once, in the root module; it is global.
 *
 * ```ts
 * @Module({ imports: [ClusterModule.forRoot()] })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({})
export class ClusterModule {
  /**
   * Registers a cluster. Without options, the processes of this project on this machine find each other.
   *
   * @throws InvalidOptionError when the application starts, for an option that is wrong
   * @throws DuplicateClusterError when the application starts, for a second registration with the same `as`
   */
  static forRoot(options: ClusterRootOptions = {}): DynamicModule {
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
   */
  static forRootAsync(options: ClusterAsyncOptions): DynamicModule {
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

function optionsProvider(options: ClusterAsyncOptions): Provider {
  const { as, useFactory, inject = [], useClass, useExisting } = options;
  const ways = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new InvalidOptionError('forRootAsync', 'needs exactly one of useFactory, useClass and useExisting');
  }
  const provide = getClusterOptionsToken(as);
  // Nest passes what `inject` names; the parameters' types are the user's business.
  if (useFactory !== undefined)
    return { provide, useFactory: useFactory as (...injected: unknown[]) => unknown, inject };
  return {
    provide,
    useFactory: (factory: ClusterOptionsFactory) => factory.createClusterOptions(),
    inject: [(useClass ?? useExisting)!],
  };
}
