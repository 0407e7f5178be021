import * as v from 'valibot';
import { InvalidOptionError } from '../errors.js';
import type { SwimOptions } from '../membership/swim/options.js';
import {
  DEFAULT_DEADLINES,
  DEFAULT_LIMITS,
  type TransportDeadlines,
  type TransportLimits,
} from '../transport/session/limits.js';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../transport/tcp/tcp-options.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Everything that can grow, and how far; docs/LIMITS.md has what happens over each. @publicApi */
export interface ClusterLimits {
  /**
   * Bytes of one payload. Default: 64 MiB; at most 1 GiB. A larger one rejects with PayloadTooLargeError, also when
   * only the recipient's limit is lower. Sender and recipient have it in memory whole.
   */
  readonly payloadBytes: number;
  /** Bytes of a member's encoded metadata, which every member keeps of all. Default: 1,024; at most 8,192. Over it: InvalidMetadataError. */
  readonly metadataBytes: number;
  /**
   * Levels of arrays and objects in a value that the default serializer takes or reads. Default: 64; at most 512, since
   * readers recurse. Over it: SerializationError for the sender; what a peer sent is counted as `unreadable`.
   */
  readonly valueDepth: number;
  /**
   * Values in such a value: each element, key and property counts, and the whole. Default: 1,000,000. Over it as
   * `valueDepth`. Reading a message holds up the event loop: the worst 1,000,000 values take half a second and 100 MiB.
   * Numbers in bulk travel better as the bytes of a typed array.
   */
  readonly values: number;
  /** Events a reader may be behind before it gets a MembershipGap instead of them. Default: 1,024. */
  readonly eventBuffer: number;
  /** Handlers of one pattern that run at once; more messages wait, and their senders with them. Default: 256. */
  readonly handlerConcurrency: number;
  /** Requests of this node that wait for an answer. Default: 65,536. One more rejects with SendQueueFullError. */
  readonly requestsInFlight: number;
  /** Messages queued for one peer, or for this node itself. Default: 16,384. One more rejects with SendQueueFullError. */
  readonly sendQueueMessages: number;
  /**
   * Bytes of them. Default: 128 MiB. Over it: SendQueueFullError; a single larger payload passes when nothing else waits.
   * Together with the number of members it bounds what slow recipients can cost this node.
   */
  readonly sendQueueBytes: number;
  /**
   * Bytes of large payloads that are on their way here or not taken, of all peers together. Default: 256 MiB. More of them
   * wait at their senders. Less memory, but fewer large payloads at once.
   */
  readonly reassemblyBytes: number;
  /**
   * Messages that one stream of a peer may have sent and we have not taken. Default: 4,096. The sender waits. More
   * bridges longer pauses of handlers, and costs as much memory for each peer.
   */
  readonly windowMessages: number;
  /**
   * Bytes of them. Default: 4 MiB; at least `chunkBytes`. The sender waits. A payload over half of this counts in
   * `reassemblyBytes` instead. Throughput to one peer is at most this per round trip.
   */
  readonly windowBytes: number;
  /** Replies of one peer that we have not taken. Default: 65,536. A peer that sends more is cut off, counted as `over-credit`. */
  readonly heldReplies: number;
  /** Protocol messages that wait for a peer's connection. Default: 64. More are dropped; the protocol repeats what matters. */
  readonly castQueue: number;
  /**
   * Connections for the protocol, and as many again that were made to see who is there. Default: 256, or a quarter of
   * `connections` if that is less. One more closes a random idle one with a good-bye. Where members are more, probes need
   * new connections.
   */
  readonly protocolLinks: number;
  /** Connections for payloads. Default: 512, or three eighths of `connections` if that is less. One more closes a random idle one; its session resumes on the next. */
  readonly payloadLinks: number;
  /** Peers with a payload connection that are no members yet. Default: 256. One more closes the oldest, counted as `limit`. */
  readonly ungrantedPeers: number;
  /**
   * Sessions of unreachable members that are kept in case they come back. Default: 256. One more forgets the oldest: what
   * was under way from that member is then DeliveryUncertainError at its sender.
   */
  readonly lostSessions: number;
  /** Connections in all. Default: 4,096; at least 4. One more is closed, counted as `too-many-connections`; this node dials no more either. */
  readonly connections: number;
  /**
   * Accepted connections that have not shaken hands. Default: 256, or `connections` if that is less. One more is closed,
   * counted as `too-many-unauthenticated`. Members cannot connect while strangers hold all of them, for up to `handshakeMs`.
   */
  readonly unauthenticatedConnections: number;
  /**
   * The same, from one IPv4 address or one /64 network of IPv6. Default: 64, or `unauthenticatedConnections` if that is less. One more is closed,
   * counted as `too-many-from-address`. Raise it where many members share an address and start together.
   */
  readonly unauthenticatedPerAddress: number;
  /** Bytes that wait to be written on one connection. Default: 16 MiB; at least 1 MiB. A peer that does not read them is cut off, counted as `write-buffer`. */
  readonly bufferedBytes: number;
  /** Bytes of an incoming frame of the protocol. Default: 256 KiB; at least 64 KiB. A peer that sends more is cut off, counted as `frame-too-long`. */
  readonly protocolFrameBytes: number;
  /**
   * Bytes of a payload in one frame; larger payloads go in several. Default: 256 KiB; 4 KiB to 256 KiB. Must be the same
   * in all members: longer frames cut the connection, counted as `frame-too-long`. Less lets small messages pass large
   * ones sooner, and costs throughput.
   */
  readonly chunkBytes: number;
  /** How long connecting may take, in ms. Default: 1,000, or `swim.probeTimeoutMs` if that is more. Then it counts as silence. */
  readonly connectMs: number;
  /** How long a handshake may take, in ms. Default: 1,000, or `swim.probeTimeoutMs` if that is more. A peer that takes longer is cut off, counted as `handshake-timeout`. */
  readonly handshakeMs: number;
  /** How long a payload connection is kept without traffic, in ms. Default: 60,000. Then it is closed with a good-bye; the next message makes a new one. */
  readonly idleMs: number;
  /** How long messages wait for a recipient that cannot be dialled, in ms. Default: 15,000. Then they reject with NoRouteError. */
  readonly routeMs: number;
}

const { connectMs, handshakeMs, idleMs, routeMs } = DEFAULT_DEADLINES;

/** Those that follow from no other option. */
const defaults: ClusterLimits = {
  metadataBytes: KiB,
  valueDepth: 64,
  values: 1_000_000,
  eventBuffer: 1024,
  handlerConcurrency: 256,
  requestsInFlight: 65_536,
  ...DEFAULT_LIMITS,
  ...DEFAULT_TCP_LIMITS,
  connectMs,
  handshakeMs,
  idleMs,
  routeMs,
};

/** Ranges, where a limit has another than "a positive integer" or a time of 1 ms at least. */
const ranges: { readonly [Key in keyof ClusterLimits]?: readonly [least: number, most: number] } = {
  payloadBytes: [1, 1024 * MiB],
  metadataBytes: [1, 8 * KiB],
  valueDepth: [1, 512],
  connections: [4, Number.MAX_SAFE_INTEGER],
  bufferedBytes: [MiB, Number.MAX_SAFE_INTEGER],
  protocolFrameBytes: [64 * KiB, 64 * MiB],
  chunkBytes: [4 * KiB, 256 * KiB],
};

/** Checks each limit by itself. */
export const limitsSchema = v.strictObject(
  Object.fromEntries(
    Object.keys(defaults).map((key) => {
      const isTime = key.endsWith('Ms');
      const range = ranges[key as keyof ClusterLimits];
      const [least, most] = range ?? [1, isTime ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER];
      const number = v.pipe(
        v.number('must be a positive integer'),
        v.integer('must be a positive integer'),
        v.minValue(least, `must be at least ${least}`),
        v.maxValue(most, `must be at most ${most}`),
      );
      return [key, v.optional(number)];
    }),
  ),
);

/**
 * Fills in the limits that are not given. A default gives way to a lower limit that is given; two that are given must
 * fit each other.
 *
 * @throws InvalidOptionError for two that contradict each other
 */
export function resolveLimits(
  given: { readonly [Key in keyof ClusterLimits]?: ClusterLimits[Key] | undefined },
  swim: Pick<SwimOptions, 'probeTimeoutMs' | 'maxPageBytes' | 'maxPiggybackBytes'>,
): ClusterLimits {
  const connections = given.connections ?? defaults.connections;
  const unauthenticatedConnections =
    given.unauthenticatedConnections ?? Math.min(defaults.unauthenticatedConnections, connections);
  const limits: ClusterLimits = {
    ...defaults,
    protocolLinks: Math.min(defaults.protocolLinks, Math.floor(connections / 4)),
    payloadLinks: Math.min(defaults.payloadLinks, Math.floor((connections * 3) / 8)),
    unauthenticatedPerAddress: Math.min(defaults.unauthenticatedPerAddress, unauthenticatedConnections),
    // A dial may take as long as a probe waits (decisions 5).
    connectMs: Math.max(defaults.connectMs, swim.probeTimeoutMs),
    handshakeMs: Math.max(defaults.handshakeMs, swim.probeTimeoutMs),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    unauthenticatedConnections,
  };
  checkTogether(limits, swim);
  return limits;
}

/** What one protocol message may hold besides its page and its updates: a member of each, with metadata. */
const REST_OF_MESSAGE_BYTES = 32 * KiB;

function checkTogether(
  limits: ClusterLimits,
  { maxPageBytes, maxPiggybackBytes }: Pick<SwimOptions, 'maxPageBytes' | 'maxPiggybackBytes'>,
): void {
  const atMost = (lower: keyof ClusterLimits, upper: keyof ClusterLimits): void => {
    if (limits[lower] <= limits[upper]) return;
    throw new InvalidOptionError(
      `limits.${lower}`,
      `is ${limits[lower]}, but must be at most limits.${upper} (${limits[upper]})`,
    );
  };
  atMost('unauthenticatedConnections', 'connections');
  atMost('unauthenticatedPerAddress', 'unauthenticatedConnections');
  const { windowBytes, chunkBytes, protocolLinks, payloadLinks, connections, protocolFrameBytes } = limits;
  if (windowBytes < chunkBytes) {
    throw new InvalidOptionError(
      'limits.windowBytes',
      `is ${windowBytes}, but must be at least limits.chunkBytes (${chunkBytes}), or no whole frame fits into it`,
    );
  }
  const links = 2 * protocolLinks + payloadLinks;
  if (links > connections) {
    throw new InvalidOptionError(
      'limits.connections',
      `is ${connections}, but must be at least twice limits.protocolLinks and limits.payloadLinks together (${links})`,
    );
  }
  const neededBytes = maxPageBytes + maxPiggybackBytes + REST_OF_MESSAGE_BYTES;
  if (protocolFrameBytes < neededBytes) {
    throw new InvalidOptionError(
      'limits.protocolFrameBytes',
      `is ${protocolFrameBytes}, but must be at least ${neededBytes} for messages of swim.maxPageBytes and swim.maxPiggybackBytes`,
    );
  }
}

/** What a transport's sessions and sockets are told, for TCP as for memory. */
export interface LimitsOfTransport {
  readonly limits: TransportLimits;
  readonly deadlines: Partial<TransportDeadlines>;
  readonly tcp: { readonly limits: TcpLimits };
}

/** A stuck payload link is given up after two probe timeouts (decisions 5). */
export function limitsOfTransport(limits: ClusterLimits, probeTimeoutMs: number): LimitsOfTransport {
  const { connectMs, handshakeMs, idleMs, routeMs } = limits;
  const deadlines = { connectMs, handshakeMs, idleMs, routeMs, ackTimeoutMs: 2 * probeTimeoutMs };
  return { limits, deadlines, tcp: { limits } };
}
