import type { Clock } from '../clock.js';
import type { Discovery } from '../discovery/discovery.js';
import type { ClusterLogger } from '../logger.js';
import type { ClusterMetadata } from '../membership/membership.js';
import type { SwimOptions, SwimOverrides, SwimPreset } from '../membership/swim/options.js';
import type { NodeId } from '../node-id.js';
import type { SocketSecurity } from '../transport/tcp/socket-security.js';
import type { Transport } from '../transport/transport.js';
import type { ClusterLimits } from './limits.js';
import type { Serializer } from './messaging/serializer.js';
import type { SecurityOptions } from './security/security-options.js';

/**
 * What a node is told. Everything has a default: without options, the processes of one user and one project on
 * this machine find each other.
 *
 * @publicApi
 */
export interface ClusterOptions {
  /**
   * Which cluster this node belongs to; nodes of another one are refused. At most 255 bytes in UTF-8. Default:
   * the name in the nearest package.json and the user id, so that two projects on one machine stay two.
   */
  readonly clusterName?: string | undefined;

  /**
   * A name for people, shown in logs and to other members; with certificates, one of the certificate's. At most 255
   * bytes. Default: `hostname-pid`.
   */
  readonly nodeName?: string | undefined;

  /** Where to listen: an IP literal or a name of this machine. Default: `127.0.0.1`. */
  readonly host?: string | undefined;

  /**
   * The TCP port to listen at; 0 takes any free one. Default: with {@link loopback} discovery the first free of
   * 7946–7977, else 7946.
   */
  readonly port?: number | undefined;

  /**
   * What other members are told to dial, where that differs from where this node listens (NAT, containers):
   * `host`, `host:port`, or an object. What is missing is taken from the listener.
   */
  readonly advertise?: string | { readonly host?: string; readonly port?: number } | undefined;

  /**
   * How others are found. Default: {@link loopback}; in test runners (`JEST_WORKER_ID`, `VITEST_WORKER_ID` or
   * `NODE_ENV=test`) none, so that test workers stay apart.
   */
  readonly discovery?: Discovery | undefined;

  /** Timing for a local network, for the internet, or for one machine. Default: `lan`. */
  readonly preset?: SwimPreset | undefined;

  /** Single protocol parameters, over the preset's. */
  readonly swim?: SwimOverrides | undefined;

  /** What this member tells others of itself: plain data, at most `limits.metadataBytes`. Default: `{}`. */
  readonly metadata?: ClusterMetadata | undefined;

  /** What secures the cluster; the same for all members. Default: nothing, which keeps the node on loopback. */
  readonly security?: SecurityOptions | undefined;

  /**
   * Turns values into bytes for `emit` and `request`; all members need the same. Default: MessagePack, with
   * `limits.valueDepth` and `limits.values`; those bind no other serializer.
   */
  readonly serializer?: Serializer | undefined;

  /** Bounds; each has a default. */
  readonly limits?: Partial<ClusterLimits> | undefined;

  /** How long `request` waits for its answer, in milliseconds. Default: 5,000. */
  readonly requestTimeoutMs?: number | undefined;

  /** How long `drain` waits for running handlers, in milliseconds. Default: 10,000. */
  readonly drainTimeoutMs?: number | undefined;

  /** `false`: no socket, the view is this node alone, sending to others rejects. For scripts. Default: true. */
  readonly enabled?: boolean | undefined;

  /**
   * Spans and trace context of messages and requests, by OpenTelemetry. `false`: its API is never loaded. Default: true,
   * which means where `@opentelemetry/api` is installed; false with a `clock` of your own, since loading takes real time.
   */
  readonly tracing?: boolean | undefined;

  /** `false`: the application calls `join()` itself. Default: true. Used by the Nest module. */
  readonly autoJoin?: boolean | undefined;

  /** Where the node writes what it sees. Default: nowhere; in Nest, Nest's logger. */
  readonly logger?: ClusterLogger | undefined;

  /** Replaces TCP, for tests and simulation; `tcpTransport` of `clusterpack/core` is the default, to put something around it. */
  readonly transport?: TransportFactory | undefined;

  /** Replaces the system's clock, for tests and simulation. */
  readonly clock?: Clock | undefined;

  /** Replaces the source of randomness, uniform in [0, 1), for tests and simulation. */
  readonly random?: (() => number) | undefined;
}

/** Makes the node's transport once its identity is known. @publicApi */
export type TransportFactory = (context: TransportContext) => Transport;

/** What a {@link TransportFactory} gets. @publicApi */
export interface TransportContext {
  /** Peers of another name are refused. */
  readonly clusterName: string;
  /** This node's id. */
  readonly id: NodeId;
  /** This node's name. */
  readonly nodeName: string;
  /** What secures connections; undefined: nothing does. */
  readonly security: SocketSecurity | undefined;
  /** What every deadline goes by. */
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Where the transport writes what it sees. */
  readonly logger: ClusterLogger;
  /** Its name: peers with another are refused. */
  readonly serializer: string;
  /** Every bound, resolved. */
  readonly limits: ClusterLimits;
  /** The protocol's, in milliseconds: dials and handshakes go by it. */
  readonly probeTimeoutMs: number;
}

/** The options after the door: checked, with every default in place. */
export interface ResolvedOptions {
  readonly clusterName: string;
  readonly nodeName: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly advertise: { readonly host?: string | undefined; readonly port?: number | undefined };
  readonly discovery: Discovery | undefined;
  readonly swim: SwimOptions;
  readonly metadata: ClusterMetadata;
  readonly security: SecurityOptions | undefined;
  readonly serializer: Serializer;
  readonly limits: ClusterLimits;
  readonly requestTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly enabled: boolean;
  readonly tracing: boolean;
  readonly autoJoin: boolean;
  readonly logger: ClusterLogger;
  readonly transport: TransportFactory | undefined;
  readonly clock: Clock | undefined;
  readonly random: (() => number) | undefined;
  /** Things that are allowed and still worth a warning when the node starts. */
  readonly warnings: readonly string[];
}

/** Where a node listens if nothing else is said. */
export const DEFAULT_PORT = 7946;
