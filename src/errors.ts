/**
 * Every error that ClusterPack throws or rejects with.
 *
 * One class per kind. `code` never changes between versions; the message says what happened and what to do;
 * each class's comment says what the error means for state.
 */

/** The parent of all errors of this library: catch it to catch them all. @publicApi */
export abstract class ClusterError extends Error {
  /** Stable, machine-readable, `CLUSTER_…`. */
  abstract readonly code: string;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A reader of `errors` was too slow and missed some. @publicApi */
export class ErrorsMissedError extends ClusterError {
  readonly code = 'CLUSTER_ERRORS_MISSED';
  /** @param missed how many */
  constructor(readonly missed: number) {
    super(`${missed} errors were missed, since the reader of "errors" was too slow`);
  }
}

// --- the door: what the user wrote ---

/** An option is wrong. Nothing was started. @publicApi */
export class InvalidOptionError extends ClusterError {
  readonly code = 'CLUSTER_INVALID_OPTION';
  constructor(
    /** Path of the option, for example `swim.probeIntervalMs`. */
    readonly option: string,
    problem: string,
    options?: { cause?: unknown },
  ) {
    super(`Option "${option}" ${problem}`, options);
  }
}

/** A text is not `host:port`. @publicApi */
export class InvalidAddressError extends ClusterError {
  readonly code = 'CLUSTER_INVALID_ADDRESS';
  /** @param text what was given */
  constructor(readonly text: string) {
    super(
      `"${clip(text)}" is not an address: write host:port, or [ipv6]:port, with a port from 1 to 65535, for example 10.0.0.5:7946`,
    );
  }
}

/** A text is not a NodeId. @publicApi */
export class InvalidNodeIdError extends ClusterError {
  readonly code = 'CLUSTER_INVALID_NODE_ID';
  /** @param text what was given */
  constructor(readonly text: string) {
    super(`"${clip(text)}" is not a node id: 32 lowercase hexadecimal digits are expected`);
  }
}

/** Metadata is over its limit or cannot travel. The member keeps its old metadata. @publicApi */
export class InvalidMetadataError extends ClusterError {
  readonly code = 'CLUSTER_INVALID_METADATA';
  constructor(
    message: string,
    /** The limit that the encoded metadata is over; undefined when something else is wrong with it. */
    readonly limitBytes?: number,
  ) {
    super(message);
  }
}

/** A value cannot be serialized, or bytes are not a value of this serializer. Nothing was sent. @publicApi */
export class SerializationError extends ClusterError {
  readonly code = 'CLUSTER_SERIALIZATION';
}

/** A payload is over the limit. Nothing was sent. @publicApi */
export class PayloadTooLargeError extends ClusterError {
  readonly code = 'CLUSTER_PAYLOAD_TOO_LARGE';
  constructor(
    /** What the payload has. */
    readonly sizeBytes: number,
    /** What it may have. */
    readonly limitBytes: number,
    /** The option that sets the limit. */
    readonly option: string,
  ) {
    super(
      `The payload has ${sizeBytes} bytes, the limit is ${limitBytes}: send less, or raise "${option}" on every node`,
    );
  }
}

// --- lifecycle ---

/** The node has not started (or was created with `enabled: false`). @publicApi */
export class NotStartedError extends ClusterError {
  readonly code = 'CLUSTER_NOT_STARTED';
}

/** The node has left or was closed. It stays closed: make a new one. @publicApi */
export class ClosedError extends ClusterError {
  readonly code = 'CLUSTER_CLOSED';
  constructor(what = 'The node') {
    super(`${what} is closed`);
  }
}

/** The listener could not be bound. Nothing was started; `cause` has the system's error. @publicApi */
export class BindError extends ClusterError {
  readonly code = 'CLUSTER_BIND';
  constructor(
    /** `host:port` that was asked for. */
    readonly address: string,
    hint: string,
    options?: { cause?: unknown },
  ) {
    super(`Cannot listen on ${address}: ${hint}`, options);
  }
}

/** Waiting for readiness took longer than allowed. The node goes on joining; `waitFor` stops the start. @publicApi */
export class NotReadyError extends ClusterError {
  readonly code = 'CLUSTER_NOT_READY';
}

/** Discovery failed this time. It is asked again; the node stays as it is. @publicApi */
export class DiscoveryError extends ClusterError {
  readonly code = 'CLUSTER_DISCOVERY';
}

// --- joining and identity ---

/** A seed does not admit this node; `reason` says why. The node tries other seeds, and this one later. @publicApi */
export class JoinRefusedError extends ClusterError {
  readonly code = 'CLUSTER_JOIN_REFUSED';
  constructor(
    /** Its `host:port`. */
    readonly seed: string,
    /** What it said. */
    readonly reason: string,
  ) {
    super(`${seed} does not admit this node: ${reason}`);
  }
}

/** Why a handshake ended without a link. @publicApi */
export type HandshakeRefusal =
  | 'cluster-name'
  | 'version'
  | 'identity'
  | 'security'
  | 'serializer'
  | 'duplicate-id'
  | 'self'
  | 'left'
  | 'limit'
  | 'malformed';

/** The two sides' handshake failed; both logs say why. No link was made. @publicApi */
export class HandshakeError extends ClusterError {
  readonly code = 'CLUSTER_HANDSHAKE';
  constructor(
    /** Its `host:port`. */
    readonly peer: string,
    /** A stable word for what did not fit. */
    readonly reason: HandshakeRefusal,
    detail: string,
  ) {
    super(`Handshake with ${peer} failed (${reason}): ${detail}`);
  }
}

/** Two live nodes answer at one address. Nobody is retired; hard evidence about it is off for a while. @publicApi */
export class AddressConflictError extends ClusterError {
  readonly code = 'CLUSTER_ADDRESS_CONFLICT';
  constructor(
    /** `host:port`. */
    readonly address: string,
    /** Who answers there. */
    readonly ids: readonly string[],
  ) {
    super(
      `Two live nodes answer at ${address} (${ids.join(', ')}): give each its own port or advertised address`,
    );
  }
}

/**
 * Two live members have one name, and certificates prove names: the newer one is not admitted before the older is gone.
 * Give each node a name of its own, with a certificate for it.
 *
 * @publicApi
 */
export class NameConflictError extends ClusterError {
  readonly code = 'CLUSTER_NAME_CONFLICT';
  constructor(
    /** The name that both have. */
    readonly nodeName: string,
    /** Who has it. */
    readonly ids: readonly string[],
  ) {
    super(
      `Two live nodes are called "${clip(nodeName)}" (${ids.join(', ')}): give each a name and a certificate of its own`,
    );
  }
}

/** Two live endpoints use one NodeId. The newer one takes a new id. @publicApi */
export class DuplicateNodeIdError extends ClusterError {
  readonly code = 'CLUSTER_DUPLICATE_NODE_ID';
  /** @param id the id that both use */
  constructor(readonly id: string) {
    super(`Another live process uses the node id ${id}: this node takes a new one`);
  }
}

/** A peer broke the protocol. Its connection is closed and counted; nothing else changes. @publicApi */
export class ProtocolViolationError extends ClusterError {
  readonly code = 'CLUSTER_PROTOCOL_VIOLATION';
  constructor(
    /** A short stable word, used as counter name: `frame-too-long`, `bad-checksum`, `malformed` … */
    readonly violation: string,
    detail: string,
  ) {
    super(detail);
  }
}

// --- messages ---

/** The message was not delivered, for certain: it may be sent again. @publicApi */
export class NotDeliveredError extends ClusterError {
  readonly code: string = 'CLUSTER_NOT_DELIVERED';
}

/** The recipient is reachable by nobody's dial from here. The message was not delivered. @publicApi */
export class NoRouteError extends NotDeliveredError {
  override readonly code = 'CLUSTER_NO_ROUTE';
}

/** The recipient has neither a reader nor a handler for this. The message was not taken. @publicApi */
export class NoReceiverError extends NotDeliveredError {
  override readonly code = 'CLUSTER_NO_RECEIVER';
}

/** Too much waits for this recipient already. The message was not queued. @publicApi */
export class SendQueueFullError extends NotDeliveredError {
  override readonly code = 'CLUSTER_SEND_QUEUE_FULL';
}

/** The recipient is shutting down and takes no new requests: ask another. @publicApi */
export class MemberDrainingError extends NotDeliveredError {
  override readonly code = 'CLUSTER_MEMBER_DRAINING';
}

/** The message may or may not have been received; sending it again may double it. @publicApi */
export class DeliveryUncertainError extends ClusterError {
  readonly code = 'CLUSTER_DELIVERY_UNCERTAIN';
}

/** The part of a broadcast's outcome that an error carries; a `BroadcastOutcome` is one. @publicApi */
export interface FailedBroadcast {
  /** Those in whose inbox it is. */
  readonly delivered: readonly unknown[];
  /** The others, each with the reason. */
  readonly failed: readonly {
    readonly member: { readonly id: string; readonly name: string };
    readonly error: ClusterError;
  }[];
}

/** The broadcast reached nobody that it should have reached. @publicApi */
export class BroadcastFailedError extends ClusterError {
  readonly code = 'CLUSTER_BROADCAST_FAILED';
  constructor(
    /** What became of it at each member. */
    readonly outcome: FailedBroadcast,
  ) {
    super('The broadcast reached no member; see "outcome" for the error per member');
  }
}

/** No such member is known here. Nothing was sent. @publicApi */
export class UnknownMemberError extends NotDeliveredError {
  override readonly code = 'CLUSTER_UNKNOWN_MEMBER';
}

// --- requests ---

/** No answer within the timeout. The request may have been handled. @publicApi */
export class RequestTimeoutError extends ClusterError {
  readonly code = 'CLUSTER_REQUEST_TIMEOUT';
  constructor(
    /** What was asked. */
    readonly pattern: string,
    /** How long the answer was waited for, in milliseconds. */
    readonly timeoutMs: number,
  ) {
    super(`No answer to "${clip(pattern)}" within ${timeoutMs} ms`);
  }
}

/** The recipient (or each that `requestAny` asked) has no handler for the pattern. Nothing was handled. @publicApi */
export class NoHandlerError extends ClusterError {
  readonly code = 'CLUSTER_NO_HANDLER';
  constructor(
    /** What was asked. */
    readonly pattern: string,
    /** How many members were asked. */
    readonly asked: number = 1,
    options?: { cause?: unknown },
  ) {
    const who = asked === 1 ? 'The recipient has no' : `None of the ${asked} members that were asked has a`;
    super(`${who} request handler for "${clip(pattern)}"`, options);
  }
}

/** The remote handler failed; what it chose to tell is here. @publicApi */
export class RemoteError extends ClusterError {
  readonly code = 'CLUSTER_REMOTE';
  constructor(
    message: string,
    /** The remote side's own code, `INTERNAL` when it did not say. */
    readonly remoteCode: string,
    /** The remote side's response body, if it gave one. */
    readonly response: unknown,
    /** Joins this error to the remote node's log. */
    readonly correlationId: string | undefined,
  ) {
    super(message);
  }
}

/**
 * Thrown by a request handler to tell its caller something. The caller gets a {@link RemoteError} with this code,
 * message and response.
 *
 * @publicApi
 */
export class ReplyError extends ClusterError {
  readonly code = 'CLUSTER_REPLY';
  constructor(
    /** What the caller sees as `remoteCode`. */
    readonly replyCode: string,
    message: string,
    /** What the caller sees as `response`: anything that the serializer takes. */
    readonly response?: unknown,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * A handler or listener of the application failed and no caller was there to tell. It was logged once; the message
 * counts as handled. Seen in the node's `errors`.
 *
 * @publicApi
 */
export class HandlerError extends ClusterError {
  readonly code = 'CLUSTER_HANDLER';
  constructor(
    /** Which one, for example `Prices.find`. */
    readonly handler: string,
    cause: unknown,
  ) {
    super(`${handler} failed: ${clip(cause instanceof Error ? cause.message : String(cause))}`, { cause });
  }
}

// --- Nest registration ---

/** The same cluster registration (`as`) appears twice in one application. The start is stopped. @publicApi */
export class DuplicateClusterError extends ClusterError {
  readonly code = 'CLUSTER_DUPLICATE';
}

/** Handlers cannot be mapped as written. The start is stopped. @publicApi */
export class InvalidHandlerError extends ClusterError {
  readonly code = 'CLUSTER_INVALID_HANDLER';
}

const CLIP_LENGTH = 120;

/** Text from outside, short and on one line, so that it cannot forge or flood a log. */
export function clip(text: unknown): string {
  // Control characters are exactly what is replaced here.
  const printable = String(text).replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    '?',
  );
  return printable.length > CLIP_LENGTH ? `${printable.slice(0, CLIP_LENGTH)}…` : printable;
}
