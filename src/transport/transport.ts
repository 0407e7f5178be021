import type { Address } from '../address.js';
import type { HandshakeError } from '../errors.js';
import type { NodeId } from '../node-id.js';

/** Where to send: an address, and the node that has to answer there, if it is known.
 *
 * @publicApi
 */
export interface Destination {
  /** Where to dial. */
  readonly address: Address;
  /** Who has to answer there; undefined: whoever does. */
  readonly id: NodeId | undefined;
}

/** A peer whose handshake proved who it is.
 *
 * @publicApi
 */
export interface ProvenPeer extends Destination {
  /** Who it is. */
  readonly id: NodeId;
  /** The node name that its certificate proves; undefined where connections prove no names. */
  readonly provenName?: string | undefined;
}

/** The other side of a handshake that was refused.
 *
 * @publicApi
 */
export interface RefusedPeer {
  /** Its IP and port, as the connection shows them. */
  readonly remote: string;
  /** What we dialled, or what it says of itself, which nothing proves; undefined before it said anything. */
  readonly address: Address | undefined;
}

/** What the way to a peer showed; see `LinkEvidence` in membership/protocol.ts for the meaning of each.
 *
 * @publicApi
 */
export type LinkReport = 'up' | 'goodbye' | 'closed' | 'refused' | 'replaced' | 'silent' | 'local';

/** Options of {@link Transport.send}.
 *
 * @publicApi
 */
export interface TransportSendOptions {
  /**
   * Gives up waiting: the promise rejects at once, `NotDeliveredError` when nothing was written yet, else
   * `DeliveryUncertainError`.
   */
  readonly signal?: AbortSignal | undefined;
  /** Order holds within a stream, streams do not wait for each other. 0–255. Default: 0. */
  readonly stream?: number | undefined;
  /** One byte for the layer above, carried untouched. Default: 0. */
  readonly kind?: number | undefined;
  /** A header for the layer above, carried untouched, at most 8 KiB. */
  readonly meta?: Uint8Array | undefined;
  /** Joins an answer to its question, for the layer above; carried untouched. A u32; 0, the default, is none. */
  readonly correlation?: number | undefined;
  /** Costs no credit, once the recipient has given any: only for replies, whose number the requests in flight bound. */
  readonly free?: boolean | undefined;
}

/** A whole payload that has arrived and counts as acknowledged.
 *
 * @publicApi
 */
export interface IncomingMessage {
  /** Who sent it. */
  readonly from: NodeId;
  /** The sender's stream, 0–255. */
  readonly stream: number;
  /** The sender's byte for the layer above. */
  readonly kind: number;
  /** The sender's header for the layer above. */
  readonly meta: Uint8Array;
  /** 0: none. */
  readonly correlation: number;
  /** Valid until `release()`; copy what must live longer. */
  readonly payload: Uint8Array;
  /** Says that the message has been taken, which gives its credit back to the sender. Idempotent. */
  release(): void;
}

/** What became of a message at the moment it arrived.
 *
 * @publicApi
 */
export type Receipt =
  /** Taken over: the receiver calls `release()` when it is done with it. */
  | 'held'
  /** Nobody is there for it: the sender's promise rejects with `NoReceiverError`. */
  | 'no-receiver'
  /** This node is shutting down: the sender's promise rejects with `MemberDrainingError`. */
  | 'draining';

/** Options of {@link Transport.cast}.
 *
 * @publicApi
 */
export interface CastOptions {
  /** On the kept protocol link, on a fresh one that then replaces it, or on a fresh one that is closed soon. */
  readonly via?: 'kept' | 'fresh' | 'verify' | undefined;
  /** Called when the message certainly was not handed to the kernel. */
  readonly unsent?: (() => void) | undefined;
}

/**
 * The node above a transport: what the transport asks it and tells it. Every member is optional for a transport
 * that is used by itself. Calls never come from within a call into the transport.
 *
 * @publicApi
 */
export interface TransportHost {
  /** Our own member record for the payload hello; opaque here. */
  record?(): Uint8Array;
  /**
   * What speaks against a peer's being the node that it says it is, for the refusal's detail. Asked in each handshake
   * that proves a name, before anything else. Default: nothing does.
   */
  identify?(peer: ProvenPeer): string | undefined;
  /** Whether it holds a live node of this id at this address: another that uses the id then has to go. Default: it does not. */
  holds?(peer: ProvenPeer): boolean;
  /**
   * A peer introduces itself on the payload lane. `grant`: it may have credit · `wait`: later, by
   * `Transport.grant` · `refuse`: the handshake is refused with reason `left`. Default: grant.
   */
  introduce?(peer: ProvenPeer, record: Uint8Array): 'grant' | 'wait' | 'refuse';
  /** A message of the protocol lane, as bytes (or as the object that was cast, where links pass references). */
  protocolMessage?(from: ProvenPeer, body: unknown): void;
  /** What the way to a peer showed. `by`: the id that answered instead, for `replaced`. */
  link?(about: Destination, report: LinkReport, by?: NodeId): void;
  /** A payload arrived. Without it, messages go to the sequence that `bind` gives. */
  receive?(message: IncomingMessage): Receipt;
  /** A node that we dialled says that another live endpoint has our own NodeId. */
  duplicateId?(by: Destination): void;
  /**
   * A handshake was refused, by this side or by the other: called once on each, but not where a node met itself.
   * Strangers can cause it as often as they connect.
   */
  refused?(peer: RefusedPeer, error: HandshakeError): void;
  /** The listener failed after it was bound and could not be bound again. */
  listenerLost?(cause: unknown): void;
}

/** Options of {@link Transport.bind}.
 *
 * @publicApi
 */
export interface BindOptions {
  /** Closes the listener and ends the sequence. */
  readonly signal?: AbortSignal | undefined;
  /** The node above; without one, messages go to the sequence. */
  readonly host?: TransportHost | undefined;
  /**
   * What peers are told to dial; a missing host or port is taken from the bound address. Needed behind NAT and
   * in containers.
   */
  readonly advertise?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
}

/** A bound listener, and the messages that arrive when the host has no `receive`.
 *
 * @publicApi
 */
export interface Binding extends AsyncIterable<IncomingMessage> {
  /** Where the listener really is. */
  readonly bound: Address;
  /** What peers are told to dial. */
  readonly advertised: Address;
}

/** Figures for metrics; all but the gauges only grow.
 *
 * @publicApi
 */
export interface TransportStats {
  /** Established links of the protocol lane, now. */
  readonly protocolLinks: number;
  /** The same of the payload lane. */
  readonly payloadLinks: number;
  /** Sockets now, with those that have not shaken hands. */
  readonly sockets: number;
  /** Bytes read from sockets. */
  readonly bytesIn: number;
  /** Bytes written to sockets. */
  readonly bytesOut: number;
  /** Payloads that have arrived whole. */
  readonly messagesIn: number;
  /** Payloads that were acknowledged. */
  readonly messagesOut: number;
  /** Sessions that went on over a new link. */
  readonly resumed: number;
  /** Closes for cause, by the violation's or refusal's word. */
  readonly closedFor: Readonly<Record<string, number>>;
}

/**
 * A message on its way, of {@link Transport.post}.
 *
 * @publicApi
 */
export interface Posted {
  /** Gives it up, as the signal of a `send` does. Nothing once it has settled. */
  abort(reason: unknown): void;
}

/**
 * Carries bytes between nodes. It knows nothing of members.
 *
 * @publicApi
 */
export interface Transport {
  /**
   * Listens at an endpoint (port 0: any free one). The sequence gives incoming messages; asking for the next one
   * releases the one before.
   *
   * @throws BindError when the address cannot be had
   */
  bind(endpoint: Address, options?: BindOptions): Promise<Binding>;

  /**
   * Sends a payload. Resolves once the remote side has received and acknowledged all of it. Exactly once and in
   * order per destination and stream while both processes live, across broken connections. The buffer must not
   * change until the promise settles.
   *
   * @throws NotDeliveredError (and its subclasses), DeliveryUncertainError, PayloadTooLargeError
   */
  send(destination: Destination, payload: Uint8Array, options?: TransportSendOptions): Promise<void>;

  /**
   * The same without a promise: `settled` is called once, with the error that `send` would reject with or without any.
   * For layers that send a message to keep a promise of their own; they use `send` where a transport has no `post`.
   */
  post?(
    destination: Destination,
    payload: Uint8Array,
    options: TransportSendOptions,
    settled: (error?: Error) => void,
  ): Posted;

  /** Sends a message of the protocol lane: unacknowledged, never waits for payloads. */
  cast(destination: Destination, body: unknown, options?: CastOptions): void;

  /** Gives credit to a peer whose introduction was answered with `wait`. */
  grant(id: NodeId): void;

  /**
   * The node above has decided that a peer is gone: everything to it settles at once (written:
   * `DeliveryUncertainError`, unwritten: `NotDeliveredError`), its links are closed. What is known of its own
   * messages is forgotten if it has left; an unreachable peer may come back, and has no credit until it is granted anew.
   */
  forget(id: NodeId, why: 'left' | 'unreachable'): void;

  /** Drops both lanes' links to a peer; sessions resume on the next ones. */
  reset(id: NodeId): void;

  /**
   * Drops every link whose credentials do not count any more, since a key was removed or a certificate has ended; sessions
   * resume on the next ones. For transports that have credentials.
   */
  revalidate?(): void;

  /** Figures for metrics. */
  readonly stats: TransportStats;

  /** Whether the listener and idle links keep the process alive. Default: they do. */
  ref?(): void;
  /** Undoes `ref`. */
  unref?(): void;

  /**
   * Says goodbye on every link, closes all, settles all. Idempotent; leaves no handle open.
   *
   * @param reason `left` tells peers that this node is gone for good
   */
  close(reason?: 'left' | 'shutdown'): Promise<void>;
}
