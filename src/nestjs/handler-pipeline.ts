import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import {
  ContextIdFactory,
  ModuleRef,
  type ApplicationConfig,
  type ContextId,
  type ExternalContextCreator,
} from '@nestjs/core';
import { adaptContextCreator } from './context-creator.js';
import { HandlerArguments, subjectOf, type CallArguments } from './handler-arguments.js';
import type { FoundHandler, InstanceWrapper } from './handler-explorer.js';
import { defaultArguments } from './handler-metadata.js';
import { CLUSTER_CONTEXT } from './is-cluster-context.js';
import type { MembershipService } from './membership.service.js';

/** Calls a handler; throws or rejects with what nothing on the way has caught, unlogged. */
export type Invocation = (args: CallArguments) => unknown;

type Callback = (...args: unknown[]) => unknown;

/** Puts Nest's guards, pipes, interceptors, filters and parameter decorators around handler methods. */
export class HandlerPipeline {
  readonly #arguments: HandlerArguments;

  constructor(
    private readonly contexts: ExternalContextCreator,
    private readonly config: ApplicationConfig,
    cluster: string | undefined,
    membership: MembershipService,
  ) {
    this.#arguments = new HandlerArguments(cluster, membership);
  }

  /** The way to a handler, as short as it can be: a method that nothing is bound to is called as it is. */
  around(handler: FoundHandler): Invocation {
    const { wrapper } = handler;
    if (!wrapper.isDependencyTreeStatic() || this.#scopedGlobals().length > 0) return this.#perCall(handler);
    const instance = wrapper.instance as object;
    if (this.#isPlain(handler)) {
      const method = handler.method as unknown as Callback;
      return (args) => method.apply(instance, args as unknown[]);
    }
    const call = this.#create(handler, adaptContextCreator(this.contexts, handler), instance);
    return (args) => call(...args);
  }

  /** A request-scoped handler, or one behind something request-scoped: everything is made anew for each call. */
  #perCall(handler: FoundHandler): Invocation {
    const { wrapper } = handler;
    const contexts = adaptContextCreator(this.contexts, handler);
    return async (args) => {
      const contextId = ContextIdFactory.getByRequest(subjectOf(args));
      const request = wrapper.isDependencyTreeDurable() ? contextId.payload : subjectOf(args);
      moduleRefOf(wrapper).registerRequestByContextId(request, contextId);
      const instance = await instanceFor(wrapper, contextId);
      await Promise.all(this.#scopedGlobals().map((enhancer) => instanceFor(enhancer, contextId)));
      return this.#create(handler, contexts, instance, contextId)(...args);
    };
  }

  #create(
    handler: FoundHandler,
    contexts: ExternalContextCreator,
    instance: object,
    contextId?: ContextId,
  ): Callback {
    const fillsParameters = this.#fillsParameters(handler);
    return contexts.create(
      instance,
      handler.method as unknown as Callback,
      handler.key,
      fillsParameters ? ROUTE_ARGS_METADATA : undefined,
      fillsParameters ? this.#arguments : undefined,
      contextId,
      handler.wrapper.id,
      { guards: true, interceptors: true, filters: true },
      CLUSTER_CONTEXT,
    );
  }

  /** Default arguments are there for the pipes; without any, and for events, the call's own arguments do. */
  #fillsParameters(handler: FoundHandler): boolean {
    if (handler.arguments === undefined) return false;
    if (handler.arguments !== defaultArguments) return true;
    if (handler.metadata.kind === 'event') return false;
    const globals = this.config.getGlobalPipes().length + this.config.getGlobalRequestPipes().length;
    return globals > 0 || hasMetadata(handler, [PIPES_METADATA]);
  }

  #isPlain(handler: FoundHandler): boolean {
    const { config } = this;
    const globals = [config.getGlobalGuards(), config.getGlobalInterceptors(), config.getGlobalFilters()];
    if (globals.some((list) => list.length > 0) || this.#fillsParameters(handler)) return false;
    return !hasMetadata(handler, [GUARDS_METADATA, INTERCEPTORS_METADATA, EXCEPTION_FILTERS_METADATA]);
  }

  /**
   * Request-scoped `APP_GUARD`s and the like. Nest makes them for controllers only; on a provider they would be
   * skipped in silence.
   */
  #scopedGlobals(): InstanceWrapper[] {
    const { config } = this;
    return [
      ...config.getGlobalRequestGuards(),
      ...config.getGlobalRequestPipes(),
      ...config.getGlobalRequestInterceptors(),
      ...config.getGlobalRequestFilters(),
    ] as InstanceWrapper[];
  }
}

/** In the wrapper's own module: a class that two modules provide is two instances. */
async function instanceFor(wrapper: InstanceWrapper, contextId: ContextId): Promise<object> {
  return moduleRefOf(wrapper).resolve<object>(wrapper.token as string, contextId, { strict: true });
}

function moduleRefOf(wrapper: InstanceWrapper): ModuleRef {
  return wrapper.host!.getProviderByKey<ModuleRef>(ModuleRef).instance;
}

function hasMetadata({ classes, method }: FoundHandler, keys: readonly string[]): boolean {
  return [...classes, method].some((target) => keys.some((key) => Reflect.hasMetadata(key, target)));
}
