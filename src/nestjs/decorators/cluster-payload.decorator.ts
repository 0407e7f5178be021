import { BadRequestException, type PipeTransform, type Type } from '@nestjs/common';
import { InvalidHandlerError } from '../../errors.js';
import { Argument, addArgument } from '../handlers/handler-metadata.js';

/** Any schema of the Standard Schema family (valibot, zod, arktype …). @publicApi */
export interface SchemaLike {
  readonly '~standard': {
    validate(value: unknown): SchemaResult | Promise<SchemaResult>;
  };
}

/** What a {@link SchemaLike} finds. @publicApi */
export type SchemaResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: unknown }[] };

/** Nest's parameter options. @publicApi */
export interface PayloadOptions {
  /**
   * Checked by the `StandardSchemaValidationPipe` of Nest 12 where one is bound, with its options; otherwise, and with
   * Nest 11, after the other pipes, as if it stood in a pipe's place.
   */
  readonly schema?: SchemaLike | undefined;
  /** Run in this order. */
  readonly pipes?: readonly (PipeTransform | Type<PipeTransform>)[];
}

/** What may check or change a payload on its way to the handler. @publicApi */
export type PayloadPipe = PipeTransform | Type<PipeTransform> | SchemaLike | PayloadOptions;

/**
 * The message's data, or one key of it, through pipes. Pipes see it as a body, so `ValidationPipe` validates it.
 * A schema may stand in a pipe's place.
 *
 * ```ts
 * @OnClusterRequest('price')
 * price(@ClusterPayload('sku', ParseIntPipe) sku: number, @Sender() from: Member) {}
 * ```
 *
 * With one decorated parameter, all of the method's parameters need a decorator.
 *
 * @publicApi
 */
export function ClusterPayload(...pipes: PayloadPipe[]): ParameterDecorator;
/** One key of the message's data, through pipes. @publicApi */
export function ClusterPayload(key: string, ...pipes: PayloadPipe[]): ParameterDecorator;
export function ClusterPayload(...given: (string | PayloadPipe)[]): ParameterDecorator {
  const [first, ...rest] = given;
  const key = typeof first === 'string' ? first : undefined;
  const pipes = (key === undefined ? given : rest) as PayloadPipe[];
  given.forEach((pipe, at) => {
    if (key === undefined || at > 0) checkPipe(pipe, at);
  });
  const options = pipes.filter(isOptions);
  const schema = options.find((one) => one.schema !== undefined)?.schema;
  const bound = pipes.flatMap((pipe): readonly unknown[] => {
    if (isOptions(pipe)) return pipe.pipes ?? [];
    return [isSchema(pipe) ? new SchemaPipe(pipe) : pipe];
  });
  // Nest checks the schema only where such a pipe is bound, and Nest 11 nowhere: data would come through unseen.
  if (schema !== undefined) bound.push(new FallbackSchemaPipe(schema));
  return addArgument(Argument.payload, {
    data: key,
    pipes: bound,
    ...(schema === undefined ? {} : { schema }),
  });
}

/** Runs a schema as a pipe, in both majors of Nest. */
class SchemaPipe implements PipeTransform {
  constructor(private readonly schema: SchemaLike) {}

  /** @throws BadRequestException with the schema's messages, each after the path that it is about */
  async transform(value: unknown): Promise<unknown> {
    const result = await this.schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    const { issues } = result;
    const messages = issues.slice(0, MAX_ISSUES).map(messageOf);
    if (issues.length > MAX_ISSUES) messages.push(`… and ${issues.length - MAX_ISSUES} more`);
    throw new BadRequestException(messages);
  }
}

/** Left out where a `StandardSchemaValidationPipe` looks at the same schema: to check twice is to transform twice. */
export class FallbackSchemaPipe extends SchemaPipe {}

/** How many of a schema's issues a caller is told. */
const MAX_ISSUES = 100;

/** As Nest's own pipe writes it. */
function messageOf({ message, path }: { readonly message: string; readonly path?: unknown }): string {
  if (!Array.isArray(path) || path.length === 0) return message;
  const keys = (path as readonly unknown[]).map((segment) =>
    String(typeof segment === 'object' && segment !== null ? (segment as { key?: unknown }).key : segment),
  );
  return `${keys.join('.')}: ${message}`;
}

function checkPipe(pipe: unknown, at: number): void {
  if ((typeof pipe === 'object' && pipe !== null) || typeof pipe === 'function') return;
  throw new InvalidHandlerError(
    `@ClusterPayload: argument ${at + 1} is ${String(pipe)}, but must be a pipe, a schema or { schema, pipes }; undefined may come from modules that import each other`,
  );
}

function isSchema(value: object): value is SchemaLike {
  return '~standard' in value;
}

function isOptions(value: PayloadPipe): value is PayloadOptions {
  if (typeof value !== 'object' || isSchema(value) || 'transform' in value) return false;
  return 'schema' in value || 'pipes' in value;
}
