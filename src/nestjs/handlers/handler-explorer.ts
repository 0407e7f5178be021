import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { InvalidHandlerError } from '../../errors.js';
import {
  argumentsOf,
  handlersOf,
  isDecorated,
  type ArgumentsMetadata,
  type HandlerMetadata,
} from './handler-metadata.js';

/** A module of the application, as Nest keeps it. */
export type NestModule = NonNullable<ReturnType<ModulesContainer['get']>>;

/** A provider or controller, as Nest keeps it. */
export type InstanceWrapper = NestModule['providers'] extends Map<unknown, infer Wrapper> ? Wrapper : never;

type Method = (...args: never[]) => unknown;

/** One decorator on one method of one instance. */
export interface FoundHandler {
  readonly metadata: HandlerMetadata;
  readonly wrapper: InstanceWrapper;
  readonly module: NestModule;
  readonly prototype: object;
  /** Where enhancers of the whole class may be: the class, and what a class decorator put in its place. */
  readonly classes: readonly object[];
  /** The name of the method. */
  readonly key: string;
  /** The prototype's method: what enhancers were bound to. */
  readonly method: Method;
  readonly arguments: ArgumentsMetadata;
  /** `Class.method`. */
  readonly name: string;
}

/**
 * Finds the handlers on every provider and controller, once per instance: aliases, and factories that give an
 * instance which is a provider already, add nothing.
 *
 * @throws InvalidHandlerError for a handler whose decorator was lost
 */
export function exploreHandlers(modules: ModulesContainer): readonly FoundHandler[] {
  const scanner = new MetadataScanner();
  const seen = new Set<object>();
  const found: FoundHandler[] = [];
  for (const { wrapper, module } of hostsIn(modules)) {
    const prototype = prototypeOf(wrapper);
    if (prototype === undefined) continue;
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) {
      const instance = wrapper.instance as object;
      if (seen.has(instance)) continue;
      seen.add(instance);
    }
    for (const key of scanner.getAllMethodNames(prototype))
      found.push(...handlersAt(prototype, key, wrapper, module));
  }
  return found;
}

/** Those that Nest made from their class come first: with them it is clear whose module, and so whose guards. */
function hostsIn(modules: ModulesContainer): { wrapper: InstanceWrapper; module: NestModule }[] {
  const hosts = [...modules.values()].flatMap((module) =>
    [...module.providers.values(), ...module.controllers.values()]
      .filter((wrapper) => !wrapper.isAlias)
      .map((wrapper) => ({ wrapper, module })),
  );
  return [
    ...hosts.filter((host) => !host.wrapper.isNotMetatype),
    ...hosts.filter((host) => host.wrapper.isNotMetatype),
  ];
}

function prototypeOf(wrapper: InstanceWrapper): object | undefined {
  if (!wrapper.isNotMetatype) return (wrapper.metatype as { prototype?: object }).prototype;
  // What a request-scoped factory will make is known by its token only.
  if (!wrapper.isDependencyTreeStatic())
    return typeof wrapper.token === 'function' ? (wrapper.token.prototype as object | undefined) : undefined;
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  return (Object.getPrototypeOf(instance) as object | null) ?? undefined;
}

function handlersAt(
  prototype: object,
  key: string,
  wrapper: InstanceWrapper,
  module: NestModule,
): FoundHandler[] {
  const method = (prototype as Record<string, Method>)[key]!;
  const host = prototype.constructor.name || '(anonymous class)';
  const name = `${host}.${key}`;
  const all = handlersOf(method);
  if (all.length === 0 && isDecorated(prototype, key)) {
    throw new InvalidHandlerError(
      `${name} is decorated as a cluster handler, but a decorator above put another method in its place: write the cluster decorators above that one`,
    );
  }
  return all.map((metadata) => ({
    metadata,
    wrapper,
    module,
    prototype,
    classes: wrapper.isNotMetatype
      ? [prototype.constructor]
      : [prototype.constructor, wrapper.metatype as object],
    key,
    method,
    arguments: argumentsOf(prototype.constructor, key),
    name,
  }));
}
