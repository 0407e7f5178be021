import type { Address } from '../../address.js';
import type { HandshakeRefusal } from '../../errors.js';
import type { NodeId } from '../../node-id.js';

/**
 * Everything that travels on a link. Bytes exist only in the codec of a transport that has wires
 * (`session/codec.ts`); a memory link hands these objects over.
 */
export type Frame =
  | HelloFrame
  | WelcomeFrame
  | ReadyFrame
  | RefuseFrame
  | GoodbyeFrame
  | ProtocolFrame
  | DataFrame
  | AckFrame
  | RejectFrame
  | CreditFrame
  | PermitRequestFrame
  | PermitFrame;

/** What a link is for: the lane it carries, or a short check that somebody is there. */
export type LinkPurpose = 'protocol' | 'payload' | 'verify';

/** Where the sender of a session stands: frames below `firstUnacked` are acknowledged. */
export interface SessionOffer {
  readonly epoch: number;
  readonly firstUnacked: number;
}

/** Where the receiver of a session stands: whether it knows the epoch, and the next sequence it takes. */
export interface SessionAnswer {
  readonly known: boolean;
  readonly expected: number;
}

/** First frame of the dialling side. Its layout never changes, so that any two versions can refuse each other. */
export interface HelloFrame {
  readonly type: 'hello';
  readonly purpose: LinkPurpose;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly clusterName: string;
  readonly id: NodeId;
  readonly address: Address;
  /** Whom the dialler wants; undefined when it has only an address. */
  readonly wanted: NodeId | undefined;
  /** Name of the serializer, on the payload lane; empty elsewhere. */
  readonly serializer: string;
  /** The dialler's member record, on the payload lane; empty elsewhere. Opaque. */
  readonly record: Uint8Array;
  /** The dialler's outgoing session, on the payload lane. */
  readonly offer: SessionOffer | undefined;
  /** The dialler's node name: a claim, unless the connection's credentials prove it. */
  readonly name: string;
}

/** The accepting side's answer. */
export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly version: number;
  readonly id: NodeId;
  readonly address: Address;
  readonly record: Uint8Array;
  /** Answer to the dialler's offer. */
  readonly answer: SessionAnswer | undefined;
  /** The accepting side's own outgoing session. */
  readonly offer: SessionOffer | undefined;
  /** The accepting side's node name; as in the hello. */
  readonly name: string;
}

/** The dialler's last word of the handshake: the link is established on both sides. */
export interface ReadyFrame {
  readonly type: 'ready';
  readonly answer: SessionAnswer | undefined;
}

/** The handshake ends here; the link is closed after it. */
export interface RefuseFrame {
  readonly type: 'refuse';
  readonly reason: HandshakeRefusal;
  /** For the other side's log, at most 200 characters. Never lists members. */
  readonly detail: string;
}

/** The link is closed on purpose. */
export interface GoodbyeFrame {
  readonly type: 'goodbye';
  readonly reason: 'idle' | 'left' | 'shutdown' | 'replaced' | 'reset';
}

/** A message of the protocol lane: bytes of the protocol's codec, or the object itself on memory links. */
export interface ProtocolFrame {
  readonly type: 'protocol';
  readonly body: unknown;
}

/** A chunk of a payload, at most 256 KiB. `seq` counts the data frames of a session from 0. */
export interface DataFrame {
  readonly type: 'data';
  readonly seq: number;
  readonly stream: number;
  /** First and last chunk of its message; both for a small one. */
  readonly first: boolean;
  readonly last: boolean;
  /** Sent without credit (a reply). */
  readonly free: boolean;
  /** Only meaningful on the first chunk. */
  readonly kind: number;
  readonly meta: Uint8Array;
  /** A u32; 0: none. */
  readonly correlation: number;
  /** Bytes of the whole payload, on the first chunk. */
  readonly totalBytes: number;
  readonly chunk: Uint8Array;
}

/** Every data frame below `expected` is in the inbox. */
export interface AckFrame {
  readonly type: 'ack';
  readonly expected: number;
}

/** The message that the frame `seq` belongs to was not taken. Its frames count as acknowledged. */
export interface RejectFrame {
  readonly type: 'reject';
  readonly seq: number;
  readonly reason: 'no-receiver' | 'draining' | 'too-large';
  /** The receiver's `payloadBytes`, for `too-large`; else 0. */
  readonly limitBytes: number;
}

/**
 * How much a stream may send in all since the epoch began: totals, not increments, so that one lost with its
 * link does no harm.
 */
export interface CreditFrame {
  readonly type: 'credit';
  readonly stream: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Asks for room to reassemble a payload that is larger than a stream's credit window. */
export interface PermitRequestFrame {
  readonly type: 'permit-request';
  readonly stream: number;
  /** For a payload that is sent without credit (a reply); these have an account of their own. */
  readonly free: boolean;
  /** Bytes of payload and meta; 0 gives back a permit that is not needed any more. */
  readonly bytes: number;
}

/** The room is there. */
export interface PermitFrame {
  readonly type: 'permit';
  readonly stream: number;
  readonly free: boolean;
  readonly bytes: number;
}
