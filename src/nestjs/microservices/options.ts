import * as v from 'valibot';
import type { Deserializer, Serializer } from '@nestjs/microservices';
import { show, unknownOption } from '../../cluster/option-errors.js';
import { InvalidOptionError } from '../../errors.js';
import type { Member } from '../../membership/membership.js';
import type { MembershipService } from '../membership.service.js';
import type { ReplyStreamsLimits } from './reply-streams.js';

/** What bounds the answers of several values that a `ClusterServer` has under way. @publicApi */
export interface ReplyStreamOptions {
  /** How many may be open at once; more are refused with `TOO_MANY_STREAMS`. Default: 256, at most 65,536. */
  readonly open?: number | undefined;
  /**
   * How many values of one may wait for their reader; one that is over it ends with `STREAM_OVERFLOW`. Default: 16,384.
   */
  readonly bufferedValues?: number | undefined;
  /**
   * Values go together in one answer up to about this many bytes; a larger one goes alone. Default: 262,144. Keep it below
   * `limits.payloadBytes`.
   */
  readonly batchBytes?: number | undefined;
  /** One whose reader has not asked for so long is given up, in milliseconds. Default: 120,000, at least 60,000. */
  readonly idleMs?: number | undefined;
}

/** Options of {@link ClusterServer}. @publicApi */
export interface ClusterServerOptions {
  /** Makes of Nest's `{ response, isDisposed }` what travels. Default: the response alone does. */
  readonly serializer?: Serializer | undefined;
  /** Makes of what travelled Nest's `{ pattern, data }`. Default: what travelled is the data. */
  readonly deserializer?: Deserializer | undefined;
  /** Bounds of answers of several values. */
  readonly streams?: ReplyStreamOptions | undefined;
}

/** Options of {@link ClusterClient}. @publicApi */
export interface ClusterClientOptions {
  /** The cluster that it sends through. */
  readonly membership: MembershipService;
  /** Which members it sends to. Default: `send` to any that is alive and not draining, `emit` to all. */
  readonly where?: ((member: Member) => boolean) | undefined;
  /** How long `send` waits for the first reply, in milliseconds. Default: `requestTimeoutMs` of the cluster's options. */
  readonly timeoutMs?: number | undefined;
  /** Makes of Nest's `{ pattern, data }` what travels. Default: the data alone does. */
  readonly serializer?: Serializer | undefined;
  /** Makes of what travelled Nest's `{ response, isDisposed }`. Default: what travelled is the response. */
  readonly deserializer?: Deserializer | undefined;
}

const serverNames: readonly string[] = Object.keys({
  serializer: true,
  deserializer: true,
  streams: true,
} satisfies Record<keyof ClusterServerOptions, true>);

const clientNames: readonly string[] = Object.keys({
  membership: true,
  where: true,
  timeoutMs: true,
  serializer: true,
  deserializer: true,
} satisfies Record<keyof ClusterClientOptions, true>);

const whole = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};

const MAX_BYTES = 2 ** 30;
const MAX_TIMER_MS = 2 ** 31 - 1;

const streamEntries = {
  open: v.optional(whole(1, 65_536), 256),
  bufferedValues: v.optional(whole(1, 2 ** 24), 16_384),
  batchBytes: v.optional(whole(1, MAX_BYTES), 262_144),
  idleMs: v.optional(whole(60_000, MAX_TIMER_MS), 120_000),
};

const functionNamed = (name: string) =>
  v.custom<object>(
    (given) => typeof (given as Record<string, unknown> | null)?.[name] === 'function',
    `must be an object with ${name}()`,
  );

const codecs = {
  serializer: v.optional(functionNamed('serialize')),
  deserializer: v.optional(functionNamed('deserialize')),
};

const serverSchema = v.object({
  ...codecs,
  streams: v.optional(v.object(streamEntries, 'must be an object'), {}),
});

const clientSchema = v.object({
  ...codecs,
  membership: v.custom<object>(isMembership, 'must be a MembershipService: inject it'),
  where: v.optional(v.custom<object>((given) => typeof given === 'function', 'must be a function')),
  timeoutMs: v.optional(whole(1, MAX_TIMER_MS)),
});

/** @throws InvalidOptionError that names what is wrong */
export function checkMembership(given: unknown): void {
  if (isMembership(given)) return;
  throw new InvalidOptionError('membership', `is ${show(given)}, but must be a MembershipService: inject it`);
}

/** @throws InvalidOptionError that names what is wrong */
export function checkServerOptions(options: ClusterServerOptions): { readonly streams: ReplyStreamsLimits } {
  checkNames(options, serverNames, '');
  if (options.streams !== undefined) checkNames(options.streams, Object.keys(streamEntries), 'streams.');
  return checked(serverSchema, options);
}

/** @throws InvalidOptionError that names what is wrong */
export function checkClientOptions(options: ClusterClientOptions): void {
  checkNames(options, clientNames, '');
  checked(clientSchema, options);
}

function isMembership(given: unknown): boolean {
  const service = given as Partial<MembershipService> | null | undefined;
  return typeof service?.request === 'function' && typeof service.onEvent === 'function';
}

function checkNames(given: object, names: readonly string[], prefix: string): void {
  if (typeof given !== 'object' || given === null)
    throw new InvalidOptionError(
      prefix === '' ? 'options' : prefix,
      `is ${show(given)}, but must be an object`,
    );
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined) throw unknownOption(`${prefix}${unknown}`, unknown, names);
}

function checked<Schema extends v.GenericSchema>(schema: Schema, options: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new InvalidOptionError(
    v.getDotPath(issue) ?? 'options',
    `is ${show(issue.input)}, but ${issue.message}`,
  );
}
