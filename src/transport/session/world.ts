import type { Address } from '../../address.js';
import type { HandshakeError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Dial, DialOutcome } from '../link.js';
import type {
  Destination,
  IncomingMessage,
  LinkReport,
  ProvenPeer,
  Receipt,
  RefusedPeer,
} from '../transport.js';
import type { TransportDeadlines, TransportLimits } from './limits.js';

/** A deadline as data: the endpoint gets it back when it fires. A cancelled one may fire: it is harmless. */
export interface SessionTimer {
  fired(): void;
}

/** Figures that only grow. */
export interface Counters {
  messagesIn: number;
  messagesOut: number;
  /** Times that a peer knew our session on a new link, with frames unacknowledged. */
  resumed: number;
  /** Times that a peer whom we had met did not know our session any more. */
  unknown: number;
  /** Of these, with frames unacknowledged: their messages are uncertain. */
  unknownInFlight: number;
  /** Times that a message had to wait for credit, and times that one which waited got it. */
  creditExhausted: number;
  creditReturned: number;
  /** Dials of both sides that met. */
  crossedDials: number;
  readonly closedFor: Record<string, number>;
}

export function noCounts(): Counters {
  return {
    messagesIn: 0,
    messagesOut: 0,
    resumed: 0,
    unknown: 0,
    unknownInFlight: 0,
    creditExhausted: 0,
    creditReturned: 0,
    crossedDials: 0,
    closedFor: {},
  };
}

/** The only things that an endpoint can do, besides giving frames to the links it was given. */
export interface SessionWorld {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  dial(address: Address, timeoutMs: number, outcome: DialOutcome): Dial;
  after(delayMs: number, timer: SessionTimer): void;
  cancel(timer: SessionTimer): void;
  /** Asks for one call of `endpoint.turnEnded()` once the current turn's inputs are read. */
  turn(): void;

  record(): Uint8Array;
  /** What speaks against a peer's being whom it says it is: asked where its connection proves its name. */
  identify(peer: ProvenPeer): string | undefined;
  /** Whether the node above holds a live node of this id at this address. */
  holds(peer: ProvenPeer): boolean;
  introduce(peer: ProvenPeer, record: Uint8Array): 'grant' | 'wait' | 'refuse';
  protocolMessage(from: ProvenPeer, body: unknown): void;
  link(about: Destination, report: LinkReport, by?: NodeId): void;
  receive(message: IncomingMessage): Receipt;
  duplicateId(by: Destination): void;
  refused(peer: RefusedPeer, error: HandshakeError): void;
  /** A cast certainly did not reach the kernel. */
  unsent(notify: () => void): void;
  warn(message: string): void;
  debug(message: string): void;
}

/** What an endpoint is told when it is made. */
export interface EndpointSettings {
  readonly clusterName: string;
  readonly id: NodeId;
  /** This node's name, for connections that prove names. */
  readonly name: string;
  readonly serializer: string;
  readonly versions: { readonly min: number; readonly max: number };
  readonly limits: TransportLimits;
  readonly deadlines: TransportDeadlines;
}
