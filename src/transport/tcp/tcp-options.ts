import type { Socket } from 'node:net';
import type { Clock } from '../../clock.js';
import type { ClusterLogger } from '../../logger.js';
import type { Lookup } from './name-resolver.js';
import type { SocketSecurity } from './socket-security.js';

/** Options of the TCP links. */
export interface TcpOptions {
  readonly clock: Clock;
  /** Default: says nothing. */
  readonly logger?: ClusterLogger | undefined;
  readonly limits?: Partial<TcpLimits> | undefined;
  /** Idle time before the kernel asks whether the other side is still there, in milliseconds. Default: 900,000: members probe each
   * other by themselves, and what has nothing to say for a minute is closed. */
  readonly keepAliveMs?: number | undefined;
  /** What secures connections. Default: nothing does. */
  readonly security?: SocketSecurity | undefined;
  /** How long an accepted connection may take until it is secured, in milliseconds. Default: 1,000. */
  readonly handshakeMs?: number | undefined;
  /** Makes the sockets that dial. Default: those of `node:net`. */
  readonly connect?: Connect | undefined;
  /** Resolves host names. Default: the system's resolver. */
  readonly lookup?: Lookup | undefined;
}

/** Begins to connect to an IP literal. */
export type Connect = (ip: string, port: number, settings: SocketSettings) => Socket;

/** What all sockets are told. */
export interface SocketSettings {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelay: number;
}

/** What a peer can make this process hold. Over a limit the connection is closed, counted and logged. */
export interface TcpLimits {
  /** Connections in all, dialled and accepted. Default: 4,096. */
  readonly connections: number;
  /** Accepted connections whose handshake is not done. Default: 256. */
  readonly unauthenticatedConnections: number;
  /** The same, from one IPv4 address or /64 network of IPv6. Default: 64. */
  readonly unauthenticatedPerAddress: number;
  /** Bytes waiting to be written on one connection, control frames included. Default: 16 MiB. */
  readonly bufferedBytes: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  connections: 4096,
  unauthenticatedConnections: 256,
  unauthenticatedPerAddress: 64,
  bufferedBytes: 16 * 1024 * 1024,
};

export const DEFAULT_KEEP_ALIVE_MS = 900_000;
export const DEFAULT_SECURE_MS = 1000;
