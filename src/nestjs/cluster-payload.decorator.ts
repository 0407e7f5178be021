import { BadRequestException, type PipeTransform, type Type } from '@nestjs/common';
import { Argument, addArgument } from './handler-metadata.js';

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

/** Nest's parameter options, for `StandardSchemaValidationPipe` of Nest 12. @publicApi */
export interface PayloadOptions {
  /** A Standard Schema, which the pipe sees in its metadata. */
  readonly schema?: unknown;
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
  const options = pipes.filter(isOptions);
  const schema = options.find((one) => one.schema !== undefined)?.schema;
  return addArgument(Argument.payload, {
    data: key,
    pipes: pipes.flatMap((pipe): readonly unknown[] => {
      if (isOptions(pipe)) return pipe.pipes ?? [];
      return [isSchema(pipe) ? new SchemaPipe(pipe) : pipe];
    }),
    ...(schema === undefined ? {} : { schema }),
  });
}

/** Runs a schema as a pipe, in both majors of Nest. */
class SchemaPipe implements PipeTransform {
  constructor(private readonly schema: SchemaLike) {}

  /** @throws BadRequestException with the schema's messages */
  async transform(value: unknown): Promise<unknown> {
    const result = await this.schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw new BadRequestException(result.issues.map((issue) => issue.message));
  }
}

function isSchema(value: PayloadPipe): value is SchemaLike {
  return '~standard' in value;
}

function isOptions(value: PayloadPipe): value is PayloadOptions {
  if (typeof value !== 'object' || isSchema(value) || 'transform' in value) return false;
  return 'schema' in value || 'pipes' in value;
}
