import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import {
  ContextIdFactory,
  ModuleRef,
  type ApplicationConfig,
  type ContextId,
  type ExternalContextCreator,
} from '@nestjs/core';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import { InvalidHandlerError } from '../../errors.js';
import { adaptContextCreator } from './context-creator.js';
import { HandlerArguments, subjectOf, type CallArguments } from './handler-arguments.js';
import type { FoundHandler, InstanceWrapper } from './handler-explorer.js';
import { HANDLER_ARGUMENTS, defaultArguments } from './handler-metadata.js';
import { CLUSTER_CONTEXT } from '../is-cluster-context.js';
import type { MembershipService } from '../membership.service.js';

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
      const method = callbackOf(handler, instance);
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
      const contextId = contextOf(wrapper, subjectOf(args));
      let instance: object;
      try {
        instance = await instanceFor(wrapper, contextId);
        await Promise.all(this.#scopedGlobals().map((enhancer) => prepare(enhancer, contextId, wrapper)));
      } catch (error) {
        return this.#failing(handler, error)(...args);
      }
      return this.#create(handler, contexts, instance, contextId)(...args);
    };
  }

  /** An instance that cannot be made is a failure like any other: filters see it, those that are there by then. */
  #failing(handler: FoundHandler, error: unknown): Callback {
    const fail = (): never => {
      throw error;
    };
    const enhancers = [...(handler.wrapper.getEnhancersMetadata() ?? []), ...this.#scopedGlobals()];
    if (enhancers.some((each) => each.isTransient || !each.isDependencyTreeStatic())) return fail;
    return adaptContextCreator(this.contexts, handler).create(
      Object.create(handler.prototype) as object,
      standIn(handler.method, fail),
      handler.key,
      undefined,
      undefined,
      undefined,
      undefined,
      { guards: false, interceptors: false, filters: true },
      CLUSTER_CONTEXT,
    );
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
      callbackOf(handler, instance),
      handler.key,
      fillsParameters ? HANDLER_ARGUMENTS : undefined,
      fillsParameters ? this.#arguments : undefined,
      contextId,
      handler.wrapper.id,
      { guards: true, interceptors: true, filters: true },
      CLUSTER_CONTEXT,
    );
  }

  /** Default arguments are there for the pipes; without any, and for events, the call's own arguments do. */
  #fillsParameters(handler: FoundHandler): boolean {
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

/**
 * What is called: the instance's own method where that is another than the class's (of a Proxy, or bound in the
 * constructor).
 *
 * @throws InvalidHandlerError when a factory made something else than the class that it is provided as
 */
function callbackOf({ key, method, name }: FoundHandler, instance: object): Callback {
  const own: unknown = (instance as Record<string, unknown>)[key];
  if (own === method) return method as unknown as Callback;
  if (typeof own !== 'function') throw new InvalidHandlerError(`${name} is no method of the instance`);
  return standIn(method, (...args) => Reflect.apply(own, instance, args) as unknown);
}

/** A function in a method's place, through which Nest finds what was bound to the method. */
function standIn(method: FoundHandler['method'], call: Callback): Callback {
  Object.defineProperty(call, 'name', { value: method.name });
  return Object.setPrototypeOf(call, method) as Callback;
}

/**
 * One context for a message, kept where Nest keeps it: `ContextIdFactory.getByRequest(message)` gives guards and
 * services the context of the handler. Durable providers have one of their own, whose REQUEST is the strategy's.
 */
function contextOf(wrapper: InstanceWrapper, subject: object): ContextId {
  const kept: unknown = Reflect.get(subject, REQUEST_CONTEXT_ID);
  const durable = wrapper.isDependencyTreeDurable();
  if (kept !== undefined && !durable) return kept as ContextId;
  // Nest would give the kept one, whose REQUEST is the message.
  if (kept !== undefined) Reflect.deleteProperty(subject, REQUEST_CONTEXT_ID);
  const contextId = ContextIdFactory.getByRequest(subject);
  const value = durable ? kept : contextId;
  if (value !== undefined) Reflect.defineProperty(subject, REQUEST_CONTEXT_ID, { value, configurable: true });
  moduleRefOf(wrapper).registerRequestByContextId(durable ? contextId.payload : subject, contextId);
  return contextId;
}

/** Makes a scoped global enhancer. A transient one is looked up as the handler's own, and would be an empty shell. */
async function prepare(
  enhancer: InstanceWrapper,
  contextId: ContextId,
  host: InstanceWrapper,
): Promise<void> {
  const instance = await instanceFor(enhancer, contextId);
  if (!enhancer.isTransient) return;
  const isTreeDurable = enhancer.isDependencyTreeDurable();
  const context = contextId.getParent?.({ token: enhancer.token, isTreeDurable }) ?? contextId;
  enhancer.setInstanceByContextId(
    context,
    { instance, isResolved: true, isConstructorCalled: true },
    host.id,
  );
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
