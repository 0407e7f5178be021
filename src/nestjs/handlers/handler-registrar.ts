import { IntrinsicException } from '@nestjs/common';
import { isObservable } from 'rxjs';
import { isPromiseLike } from '../../cluster/messaging/handler-queue.js';
import { ThrottledLog } from '../../throttled-log.js';
import type { ClusterLogger } from '../../logger.js';
import type { MembershipEvent } from '../../membership/membership.js';
import { Handled, settle } from './context-creator.js';
import type { CallArguments } from './handler-arguments.js';
import type { FoundHandler } from './handler-explorer.js';
import type { HandlerMetadata } from './handler-metadata.js';
import type { HandlerPipeline, Invocation } from './handler-pipeline.js';
import type { NodeFace } from '../node-face.js';
import { toReplyError } from './reply-errors.js';

type EventMetadata = Extract<HandlerMetadata, { kind: 'event' }>;

const wallClock = { now: () => performance.now() };

/** Attaches handlers to the node, and decides what becomes of their results and errors. */
export class HandlerRegistrar {
  readonly #refusals: ThrottledLog;

  constructor(
    private readonly node: NodeFace,
    private readonly pipeline: HandlerPipeline,
    private readonly logger: ClusterLogger,
  ) {
    this.#refusals = new ThrottledLog(logger, wallClock);
  }

  register(handler: FoundHandler): void {
    const { metadata, name } = handler;
    const invoke = this.pipeline.around(handler);
    switch (metadata.kind) {
      case 'message': {
        const { pattern, concurrency, order } = metadata;
        this.node.onMessage(pattern, (...args) => this.#tell(name, invoke, args), {
          name,
          concurrency,
          order,
        });
        break;
      }
      case 'request': {
        const { pattern, concurrency, order } = metadata;
        this.node.onRequest(pattern, (...args) => ask(invoke, args), { name, concurrency, order });
        break;
      }
      case 'event':
        this.#listen(name, metadata, invoke);
    }
    this.logger.log(`Mapped {${describe(metadata)}} ${name}`);
  }

  #listen(name: string, metadata: EventMetadata, invoke: Invocation): void {
    const { types } = metadata;
    const listener = (event: MembershipEvent): unknown => {
      if (types !== undefined && !types.includes(event.type)) return undefined;
      // A node does not greet itself.
      if (event.type === 'joined' && event.member.id === this.node.local.id) return undefined;
      return this.#tell(name, invoke, [event.member, event]);
    };
    this.node.onEvent(listener, { replay: types?.includes('joined') ?? true, name });
  }

  /**
   * Nobody waits for the result. An expected refusal (a guard's, a pipe's) is worth a warning; anything else goes
   * on to the node, which logs it once at error and counts it.
   */
  #tell(name: string, invoke: Invocation, args: CallArguments): unknown {
    return run(invoke, args, ignore, (error) => {
      if (!(error instanceof IntrinsicException)) throw error;
      this.#refusals.warn(`${name} ${error.constructor.name}`, `${name} refused a call: ${error.message}`);
    });
  }
}

/** A caller waits: it gets the result, or what may be known of the error. */
function ask(invoke: Invocation, args: CallArguments): unknown {
  const failed = (error: unknown): never => {
    throw toReplyError(error);
  };
  return run(invoke, args, (result) => (result instanceof Handled ? failed(result.error) : result), failed);
}

/** Runs a handler to its end: at once when it is synchronous, so that most calls make no promise. */
function run(
  invoke: Invocation,
  args: CallArguments,
  done: (result: unknown) => unknown,
  failed: (error: unknown) => unknown,
): unknown {
  let result: unknown;
  try {
    result = invoke(args);
  } catch (error) {
    return failed(error);
  }
  if (isPromiseLike(result) || isObservable(result))
    return Promise.resolve(result).then(settle).then(done, failed);
  return done(result);
}

function ignore(): undefined {
  return undefined;
}

function describe(metadata: HandlerMetadata): string {
  switch (metadata.kind) {
    case 'message':
      return `${metadata.pattern ?? 'raw bytes'}, message`;
    case 'request':
      return `${metadata.pattern}, request`;
    case 'event':
      return `${metadata.types?.join('|') ?? 'every change'}, membership`;
  }
}
