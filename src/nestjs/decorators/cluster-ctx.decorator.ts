import { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import { MembershipEvent, type Member } from '../../membership/membership.js';
import { Argument, addArgument } from '../handlers/handler-metadata.js';
import type { MembershipService } from '../membership.service.js';

/**
 * The circumstances of a handler's call, as a parameter: `handle(@ClusterCtx() context: ClusterCtx)`.
 *
 * @publicApi
 */
export function ClusterCtx(): ParameterDecorator {
  return addArgument(Argument.context);
}

/**
 * The circumstances of a handler's call. It has the decorator's name, so that one import does for both; and since
 * that name is also a value, it may be the type of a decorated parameter, as a mere interface may not.
 *
 * @publicApi
 */
export interface ClusterCtx {
  /** The registration's `as`; undefined for the unnamed one. */
  readonly cluster: string | undefined;
  /** The registration's service. */
  readonly membership: MembershipService;
  /** The message; undefined in a member handler. */
  readonly message: ClusterMessage | undefined;
  /** The event; undefined in a message or request handler. */
  readonly event: MembershipEvent | undefined;
  /** Who sent the message, or whom the event is about. */
  readonly sender: Member;
  /** The message's pattern; undefined for raw bytes and events. */
  readonly pattern: string | undefined;
  /** The message's headers; empty for events. */
  readonly headers: Readonly<Record<string, string>>;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** Makes the context of one call. */
export function clusterCtxOf(
  cluster: string | undefined,
  membership: MembershipService,
  subject: ClusterMessage | MembershipEvent,
): ClusterCtx {
  const message = subject instanceof ClusterMessage ? subject : undefined;
  const event = subject instanceof MembershipEvent ? subject : undefined;
  const context = Object.create(ClusterCtx.prototype) as ClusterCtx;
  return Object.assign(context, {
    cluster,
    membership,
    message,
    event,
    sender: senderOf(subject),
    pattern: message?.pattern,
    headers: message?.headers ?? NO_HEADERS,
  });
}

/** Who sent a message, or whom an event is about. */
export function senderOf(subject: ClusterMessage | MembershipEvent): Member {
  return subject instanceof MembershipEvent ? subject.member : subject.sender;
}
