import type { BroadcastOutcome, Member, Recipient } from '../../membership/membership.js';
import type { ClusterMessage } from '../messaging/cluster-message.js';
import type { Headers } from '../messaging/envelope.js';

/** What a tracer needs of its node. */
export interface TracedNode {
  readonly clusterName: string;
  readonly local: Member;
  member(id: string): Member | undefined;
}

/** Begins what is traced, with the headers that it is to carry. */
export type Start<T> = (headers: Headers | undefined) => Promise<T>;

/**
 * Makes spans of what a node sends and handles, and carries their context in headers. All it does is beside the message:
 * none fails because of it.
 */
export interface MessageTracer {
  /** Nobody collects spans and nobody wants headers: what would be traced can be left alone. Asked at each call. */
  readonly isIdle: boolean;

  /** One message or request, to one member. `pattern` is undefined for raw bytes. */
  sendToOne<T>(
    operation: 'send' | 'request',
    pattern: string | undefined,
    to: Recipient,
    headers: Headers | undefined,
    start: Start<T>,
  ): Promise<T>;

  /** One message to all. */
  sendToAll(
    pattern: string | undefined,
    headers: Headers | undefined,
    start: Start<BroadcastOutcome>,
  ): Promise<BroadcastOutcome>;

  /** A handler's call, whose result is handed on: a promise only where the handler gave one. */
  handle(handler: string | undefined, message: ClusterMessage, start: () => unknown): unknown;

  /** Calls something that belongs to no trace, whichever led to this moment. */
  apart(start: () => unknown): unknown;
}
