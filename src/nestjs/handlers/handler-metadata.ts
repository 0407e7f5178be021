import 'reflect-metadata';
import { PARAMTYPES_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { HandlerOptions } from '../../cluster/messaging/handlers.js';
import { InvalidHandlerError } from '../../errors.js';
import type { MembershipEventType } from '../../membership/membership.js';

/** Options of every handler decorator. @publicApi */
export interface ClusterHandlerOptions {
  /** Which registration's cluster, by its `as`. Default: the unnamed one. */
  readonly cluster?: string | undefined;
}

/** Options of `@OnClusterMessage` and `@OnClusterRequest`. @publicApi */
export interface ClusterMessageHandlerOptions extends ClusterHandlerOptions {
  /** How many calls may run at once; more hold the senders back. Default: `limits.handlerConcurrency`, 256. */
  readonly concurrency?: HandlerOptions['concurrency'];
  /**
   * `'per-sender'`: the calls of one sender run strictly one after the other, those of different senders at once. Default:
   * calls start in the order in which they came and are not awaited.
   *
   * **Two nodes that request each other can wait for each other**, until their requests time out: when such a handler
   * requests the same pattern of its caller and the caller's handler does likewise. Send a message in place of the
   * request, or request a pattern whose handler has no order. See `HandlerOptions.order`.
   */
  readonly order?: HandlerOptions['order'];
}

/** What one decorator on a method says. A method may have several. */
export type HandlerMetadata =
  | (ClusterMessageHandlerOptions & { readonly kind: 'message'; readonly pattern: string | undefined })
  | (ClusterMessageHandlerOptions & { readonly kind: 'request'; readonly pattern: string })
  | (ClusterHandlerOptions & {
      readonly kind: 'event';
      /** Undefined: all of them. */
      readonly types: readonly MembershipEventType[] | undefined;
    });

/** What a parameter decorator left behind, in Nest's own format. */
export interface ArgumentMetadata {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
}

/** Parameter decorators of one method, by Nest's key `type:index`. */
export type ArgumentsMetadata = Readonly<Record<string, ArgumentMetadata>>;

/**
 * What a parameter stands for. The payload has the number that Nest uses for bodies, so that pipes treat it as
 * one; `rpcContext` is what `@Ctx()` of `@nestjs/microservices` writes; the others mean nothing to Nest.
 */
export const Argument = { payload: 3, rpcContext: 6, message: 1001, sender: 1002, context: 1003 } as const;

/**
 * What a message handler without parameter decorators gets. Written out, since Nest runs pipes on decorated
 * parameters only: without this, `ValidationPipe` would be skipped in silence.
 */
export const defaultArguments: ArgumentsMetadata = Object.freeze({
  [`${Argument.payload}:0`]: Object.freeze({ index: 0, pipes: [] }),
  [`${Argument.message}:1`]: Object.freeze({ index: 1, pipes: [] }),
});

const HANDLERS = 'clusterpack:handlers';
/**
 * Where Nest is told to look for a handler's arguments: not where its own are, since a method may answer HTTP, too, and
 * the default arguments would be taken for that.
 */
export const HANDLER_ARGUMENTS = 'clusterpack:arguments';

/** At a prototype's key, since a decorator above ours may put another function in the method's place. */
const DECORATED = 'clusterpack:decorated';

type Method = (...args: never[]) => unknown;

/** Adds what a decorator says to a method; `SetMetadata` would overwrite what another one said. */
export function addHandler(metadata: HandlerMetadata): MethodDecorator {
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof target === 'function' || typeof method !== 'function' || typeof key !== 'string') {
      throw new InvalidHandlerError(
        `${classNameOf(target)}.${String(key)} cannot be a cluster handler: decorate a method of the instance that has a name, not a property, accessor, static method or symbol`,
      );
    }
    const others = (Reflect.getOwnMetadata(HANDLERS, method) ?? []) as readonly HandlerMetadata[];
    // Decorators are applied from the bottom up; read from the top down.
    Reflect.defineMetadata(HANDLERS, [metadata, ...others], method);
    Reflect.defineMetadata(DECORATED, true, target, key);
    keepArguments(target, key);
  };
}

/** Everything that was said of a method. */
export function handlersOf(method: Method): readonly HandlerMetadata[] {
  return (Reflect.getMetadata(HANDLERS, method) ?? []) as readonly HandlerMetadata[];
}

/** Whether the method of this name was decorated where it is declared, last overridden. */
export function isDecorated(prototype: object, key: string): boolean {
  let owner: object | null = prototype;
  while (owner !== null && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null;
  return owner !== null && Reflect.hasOwnMetadata(DECORATED, owner, key);
}

/** What a handler's parameters ask for; the default arguments when none does. */
export function argumentsOf(host: object, method: string): ArgumentsMetadata {
  return (Reflect.getMetadata(HANDLER_ARGUMENTS, host, method) ?? defaultArguments) as ArgumentsMetadata;
}

/** Adds a parameter decorator's word in Nest's format. */
export function addArgument(type: number, details: Omit<ArgumentMetadata, 'index'> = {}): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined)
      throw new InvalidHandlerError(`${classNameOf(target)}: a constructor has no cluster message`);
    const others = Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, target.constructor, key) as
      ArgumentsMetadata | undefined;
    const mine = { ...others, [`${type}:${index}`]: { pipes: [], ...details, index } };
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, mine, target.constructor, key);
  };
}

/** How many parameters a method declares: as compiled, or (without such metadata) those before a default value. */
export function parameterCount(prototype: object, key: string, method: Method): number {
  const types = Reflect.getMetadata(PARAMTYPES_METADATA, prototype, key) as readonly unknown[] | undefined;
  return Math.max(types?.length ?? 0, method.length);
}

/**
 * Keeps what a method's own parameters ask for, or the default arguments. Runs after the parameters' decorators, which
 * are applied before those of their method. What an overridden method's parameters asked for is left out: the
 * decorators of Nest 11 add to that, and one parameter would be filled twice.
 */
function keepArguments({ constructor: host }: object, key: string): void {
  const parent = Object.getPrototypeOf(host) as object;
  const inherited = (Reflect.getMetadata(ROUTE_ARGS_METADATA, parent, key) ?? {}) as ArgumentsMetadata;
  const own = (Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, host, key) ?? {}) as ArgumentsMetadata;
  const entries = Object.entries(own).filter(([place, argument]) => inherited[place] !== argument);
  const kept = entries.length === 0 ? defaultArguments : Object.fromEntries(entries);
  Reflect.defineMetadata(HANDLER_ARGUMENTS, kept, host, key);
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
