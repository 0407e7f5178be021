import * as common from '@nestjs/common';
import { ValidationPipe, type ArgumentsHost } from '@nestjs/common';
import type { ExternalContextCreator } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { isPromiseLike } from '../../cluster/messaging/handler-queue.js';
import { FallbackSchemaPipe } from '../decorators/cluster-payload.decorator.js';
import type { FoundHandler } from './handler-explorer.js';
import { Argument } from './handler-metadata.js';

/** The inner parts of Nest's `ExternalContextCreator` that are replaced, alike in Nest 11 and 12. */
interface Parts {
  readonly filtersContextCreator: { create(...given: unknown[]): ExceptionsHandler };
  getParamValue(value: unknown, metadata: Parameter, pipes: readonly unknown[]): Promise<unknown>;
}

interface Parameter {
  readonly type: unknown;
  readonly metatype?: unknown;
}

interface ExceptionsHandler {
  filters?: readonly Filter[];
  setCustomFilters(filters: readonly Filter[]): void;
  invokeCustomFilters(exception: unknown, host: ArgumentsHost): unknown;
}

interface Filter {
  readonly func: (exception: unknown, host: ArgumentsHost) => unknown;
}

const ownTypes: readonly unknown[] = [
  Argument.message,
  Argument.rpcContext,
  Argument.sender,
  Argument.context,
];

/**
 * Nest's context creator, made for one handler:
 *
 * - it knows the handler's module. By itself it looks among providers only, and would skip guards that are given as
 *   classes on a controller's handler.
 * - it hands on errors that no filter took instead of logging them, so that they are logged once, and where it is
 *   known whether a caller waits.
 * - an Observable without a value is `undefined` and no error.
 * - pipes see payloads, and not the message, the sender or the context: a global pipe that copies what it gets
 *   would take them apart. `ValidationPipe` does that to bytes, so it does not see those either.
 * - it keeps what it has read of a method for this handler only. In Nest 11 that is kept by class *name*.
 */
export function adaptContextCreator(
  contexts: ExternalContextCreator,
  handler: FoundHandler,
): ExternalContextCreator {
  const parts = contexts as unknown as Parts;
  const moduleKey = (): string => handler.module.token;
  let kept: unknown;
  const replaced: Record<string, unknown> = {
    getContextModuleKey: moduleKey,
    getHostModuleKey: moduleKey,
    filtersContextCreator: {
      create: (...given: unknown[]) => withoutLogging(parts.filtersContextCreator.create(...given)),
    },
    transformToResult: settle,
    getParamValue: (value: unknown, parameter: Parameter, pipes: readonly unknown[]) =>
      parts.getParamValue(value, parameter, pipesFor(value, parameter, pipes)),
    handlerMetadataStorage: {
      get: () => kept,
      set: (_instance: unknown, _method: unknown, metadata: unknown) => (kept = metadata),
    },
  };
  const properties = Object.entries(replaced).map(([name, value]) => [name, { value }] as const);
  return Object.create(contexts, Object.fromEntries(properties)) as ExternalContextCreator;
}

function pipesFor(
  value: unknown,
  { type, metatype }: Parameter,
  pipes: readonly unknown[],
): readonly unknown[] {
  if (ownTypes.includes(type)) return [];
  if (pipes.some(isSchemaPipe)) pipes = pipes.filter((pipe) => !(pipe instanceof FallbackSchemaPipe));
  const isBytes = value instanceof Uint8Array && (metatype === Uint8Array || metatype === Buffer);
  return isBytes ? pipes.filter((pipe) => !(pipe instanceof ValidationPipe)) : pipes;
}

/** Nest 11 has no such pipe. */
function isSchemaPipe(pipe: unknown): boolean {
  const { StandardSchemaValidationPipe } = common as Partial<typeof common>;
  return StandardSchemaValidationPipe !== undefined && pipe instanceof StandardSchemaValidationPipe;
}

/** The last value of an Observable, undefined for an empty one; anything else as it is. */
export async function settle(result: unknown): Promise<unknown> {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}

/** Takes the place of a result when a filter took the error and returned nothing. */
export class Handled {
  constructor(readonly error: unknown) {}
}

/** A handler of exceptions that runs the filters, and throws what none of them took. */
function withoutLogging(handler: ExceptionsHandler): {
  next(exception: unknown, host: ArgumentsHost): unknown;
} {
  if (Array.isArray(handler.filters))
    handler.setCustomFilters((handler.filters as Filter[]).map(markHandled));
  return {
    next(exception, host) {
      const result = handler.invokeCustomFilters(exception, host);
      if (result === undefined || result === null) throw exception;
      return result;
    },
  };
}

/** Nest cannot tell "no filter took it" from "one took it and returned nothing". */
function markHandled(filter: Filter): Filter {
  const marked = (result: unknown, exception: unknown): unknown => result ?? new Handled(exception);
  return {
    ...filter,
    func: (exception, host) => {
      const result = filter.func(exception, host);
      if (!isPromiseLike(result)) return marked(result, exception);
      return Promise.resolve(result).then((awaited) => marked(awaited, exception));
    },
  };
}
