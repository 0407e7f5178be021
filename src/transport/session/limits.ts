/** Everything in a transport that can grow, and how far. */
export interface TransportLimits {
  /** Bytes of one payload. Default: 64 MiB. */
  readonly payloadBytes: number;
  /** Messages that wait for one peer's acknowledgement or for credit; replies are not counted. Default: 16,384. */
  readonly sendQueueMessages: number;
  /**
   * Bytes of them. A single larger payload passes when nothing else waits. Default: 128 MiB, so that beside the largest
   * payload there is room for others.
   */
  readonly sendQueueBytes: number;
  /** Bytes of half-received and of large undelivered payloads, of all peers together. Default: 256 MiB. */
  readonly reassemblyBytes: number;
  /** Messages that one stream of one peer may have sent and we have not taken. Default: 4,096. */
  readonly windowMessages: number;
  /** Bytes of them. A payload larger than half of this asks for a permit first. Default: 4 MiB. */
  readonly windowBytes: number;
  /** Replies of one peer that we have not taken; a peer beyond that is closed. Default: 65,536. */
  readonly heldReplies: number;
  /** Protocol messages that wait for one peer's link. Default: 64. */
  readonly castQueue: number;
  /** Established protocol links, and as many verify links of peers; one more evicts a random idle one. Default: 256. */
  readonly protocolLinks: number;
  /** Established payload links; one more evicts a random idle one. Default: 512. */
  readonly payloadLinks: number;
  /** Accepted links that have not shaken hands. Default: 256. */
  readonly unauthenticatedConnections: number;
  /** Peers with a payload link that the node above has not granted credit; one more closes the oldest. Default: 256. */
  readonly ungrantedPeers: number;
  /** Sessions of peers that count as lost, which are kept in case they come back; one more ends the oldest. Default: 256. */
  readonly lostSessions: number;
  /** Bytes of an incoming frame of the protocol lane, after the handshake. Default: 256 KiB. */
  readonly protocolFrameBytes: number;
  /** Most bytes of a payload in one data frame, so that streams interleave; the same in all members. Default: 256 KiB. */
  readonly chunkBytes: number;
}

export const DEFAULT_LIMITS: TransportLimits = {
  payloadBytes: 64 * 1024 * 1024,
  sendQueueMessages: 16_384,
  sendQueueBytes: 128 * 1024 * 1024,
  reassemblyBytes: 256 * 1024 * 1024,
  windowMessages: 4096,
  windowBytes: 4 * 1024 * 1024,
  heldReplies: 65_536,
  castQueue: 64,
  protocolLinks: 256,
  payloadLinks: 512,
  unauthenticatedConnections: 256,
  ungrantedPeers: 256,
  lostSessions: 256,
  protocolFrameBytes: 256 * 1024,
  chunkBytes: 256 * 1024,
};

/** How long each thing may take, in milliseconds. */
export interface TransportDeadlines {
  /** Until a dial has a connection. Default: 1,000. */
  readonly connectMs: number;
  /** From the connection to the end of the handshake. Default: 1,000. */
  readonly handshakeMs: number;
  /** A payload link whose oldest frame waits this long for its ack, while the protocol lane answers, is reset. Default: 1,000. */
  readonly ackTimeoutMs: number;
  /** A payload link on which nothing happens for this long is closed. Default: 60,000. */
  readonly idleMs: number;
  /** Messages for a peer that could not be dialled for this long are given up. Default: 15,000. */
  readonly routeMs: number;
  /** How long a verify link stays open for its answer. Default: 2,000. */
  readonly verifyMs: number;
}

export const DEFAULT_DEADLINES: TransportDeadlines = {
  connectMs: 1000,
  handshakeMs: 1000,
  ackTimeoutMs: 1000,
  idleMs: 60_000,
  routeMs: 15_000,
  verifyMs: 2000,
};

/** Streams of a session; the stream's number is one byte on the wire. */
export const STREAMS = 256;

/** Most bytes of a message's meta. */
export const META_BYTES = 8 * 1024;

/**
 * Data frames that a sender may have unacknowledged. Part of the protocol: the receiver remembers its rejects
 * for as many frames, since any of them may have to be told again on the next link.
 */
export const MAX_UNACKED_FRAMES = 65_536;

/** Of a data frame, what is neither chunk nor meta, rounded up. */
const DATA_HEAD_BYTES = 64;

/** The longest frame that a peer may send after the handshake. */
export function maxFrameBytes(limits: TransportLimits, purpose: 'protocol' | 'payload' | 'verify'): number {
  return purpose === 'payload' ? limits.chunkBytes + META_BYTES + DATA_HEAD_BYTES : limits.protocolFrameBytes;
}

/** What this implementation speaks. */
export const PROTOCOL_VERSIONS = { min: 1, max: 1 } as const;
