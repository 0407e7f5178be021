import {
  CUSTOM_ROUTE_ARGS_METADATA,
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { checkPattern } from '../../cluster/messaging/envelope.js';
import { checkHandlerOptions } from '../../cluster/messaging/handler-options.js';
import { InvalidHandlerError, clip } from '../../errors.js';
import type { MembershipEventType } from '../../membership/membership.js';
import type { FoundHandler } from './handler-explorer.js';
import { Argument, defaultArguments, parameterCount } from './handler-metadata.js';

const eventTypes: readonly MembershipEventType[] = [
  'joined',
  'updated',
  'suspected',
  'recovered',
  'unreachable',
  'left',
];
const argumentTypes: readonly number[] = Object.values(Argument);

/**
 * Checks that every handler can be mapped as it is written.
 *
 * @param registered the `as` of every registration
 * @throws InvalidHandlerError that names the method and what to change
 */
export function checkHandlers(
  handlers: readonly FoundHandler[],
  registered: readonly (string | undefined)[],
): void {
  for (const handler of handlers) {
    checkCluster(handler, registered);
    checkScope(handler);
    checkSubject(handler);
    checkOptions(handler);
    checkParameters(handler);
    checkEnhancers(handler);
  }
  checkOneAnswer(handlers);
}

function checkCluster(handler: FoundHandler, registered: readonly (string | undefined)[]): void {
  const { cluster } = handler.metadata;
  if (registered.includes(cluster)) return;
  const known = registered.map((as) => (as === undefined ? 'the unnamed one' : `'${as}'`)).join(', ');
  const wanted = cluster === undefined ? 'the unnamed cluster' : `the cluster '${clip(cluster)}'`;
  throw new InvalidHandlerError(
    `${handler.name} handles ${wanted}, which is not registered: there is ${known}`,
  );
}

/** A transient provider has an instance for everybody who injects it, and none of its own. */
function checkScope(handler: FoundHandler): void {
  if (!handler.wrapper.isTransient) return;
  throw new InvalidHandlerError(
    `${handler.name} is a cluster handler of a transient provider, which has no instance to call: use the default or the request scope`,
  );
}

function checkSubject({ metadata, name }: FoundHandler): void {
  if (metadata.kind === 'event') {
    const unknown = metadata.types?.find((type) => !eventTypes.includes(type));
    if (unknown === undefined) return;
    throw new InvalidHandlerError(
      `${name} handles "${clip(unknown)}", which is no membership event; there are ${eventTypes.join(', ')}`,
    );
  }
  if (metadata.kind === 'message' && metadata.pattern === undefined) return;
  try {
    checkPattern(metadata.pattern);
  } catch (cause) {
    throw new InvalidHandlerError(`${name}: ${(cause as Error).message}`, { cause });
  }
}

function checkOptions({ metadata, name }: FoundHandler): void {
  if (metadata.kind !== 'event') checkHandlerOptions(name, metadata);
}

/** Nest fills decorated parameters only: with one decorated, all others would be undefined. */
function checkParameters(handler: FoundHandler): void {
  const { name, prototype, key, method } = handler;
  if (handler.arguments === defaultArguments) return;
  const decorated = new Set<number>();
  for (const [typeAndIndex, { index }] of Object.entries(handler.arguments)) {
    decorated.add(index);
    const type = typeAndIndex.split(':')[0]!;
    if (type.includes(CUSTOM_ROUTE_ARGS_METADATA) || argumentTypes.includes(Number(type))) continue;
    throw new InvalidHandlerError(
      `${name}: the decorator of parameter ${index + 1} has no meaning for a cluster message; use @ClusterPayload(), @Sender() or @ClusterCtx()`,
    );
  }
  for (let index = 0; index < parameterCount(prototype, key, method); index++) {
    if (decorated.has(index)) continue;
    throw new InvalidHandlerError(
      `${name}: parameter ${index + 1} has no decorator, but others have, so it would be undefined: decorate all of them (@ClusterPayload(), @Sender(), @ClusterCtx()) or none`,
    );
  }
}

/**
 * Nest makes instances of guards and the like for the classes that it provides itself. On a value or on what a
 * factory made (in Nest 11 also on `{ provide, useClass }`) it would skip those given as classes in silence: a guard
 * that does not guard.
 */
function checkEnhancers({ name, classes, method, module, arguments: parameters }: FoundHandler): void {
  const keys = [GUARDS_METADATA, PIPES_METADATA, INTERCEPTORS_METADATA, EXCEPTION_FILTERS_METADATA];
  const bound = [...classes, method].flatMap((target) => keys.flatMap((key) => enhancersAt(key, target)));
  for (const { pipes } of Object.values(parameters)) bound.push(...(pipes ?? []));
  for (const enhancer of bound) {
    if (typeof enhancer !== 'function' || module.injectables.has(enhancer)) continue;
    throw new InvalidHandlerError(
      `${name}: Nest would skip ${enhancer.name}, which is bound as a class: provide the handler's class as such (not by value, factory or another token), or bind an instance`,
    );
  }
}

function enhancersAt(key: string, target: object): readonly unknown[] {
  return (Reflect.getMetadata(key, target) ?? []) as readonly unknown[];
}

function checkOneAnswer(handlers: readonly FoundHandler[]): void {
  const answered = new Map<string, FoundHandler>();
  for (const handler of handlers) {
    const { metadata } = handler;
    if (metadata.kind !== 'request') continue;
    const subject = JSON.stringify([metadata.cluster, metadata.pattern]);
    const other = answered.get(subject);
    if (other !== undefined) {
      // Of a class that is provided twice, only the modules differ.
      const nameOf = ({ name, module }: FoundHandler): string =>
        other.name === handler.name ? `${name} (in ${module.name})` : name;
      throw new InvalidHandlerError(
        `Both ${nameOf(other)} and ${nameOf(handler)} answer requests of "${metadata.pattern}"; exactly one handler can`,
      );
    }
    answered.set(subject, handler);
  }
}
