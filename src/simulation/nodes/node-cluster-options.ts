import type { ClusterNode } from '../../cluster/node.js';
import type { NodeId } from '../../node-id.js';
import type { Links } from '../../transport/link.js';
import type { SessionTransport } from '../../transport/session-transport.js';
import type { TransportLimits } from '../../transport/session/limits.js';
import type { Transport } from '../../transport/transport.js';
import type { Latency } from '../network/latency.js';
import type { Process } from './process.js';

/** Options of a `NodeCluster`. @publicApi */
export interface NodeClusterOptions {
  /** Everything random follows from it: the same seed gives the same run. Default: 1. */
  readonly seed?: number | undefined;
  /** How long a frame takes, one way. Default: 0.5 ms. */
  readonly latency?: Latency | undefined;
  /** Sends frames as bytes through the codec, cut anywhere. Default: false. */
  readonly wire?: boolean | undefined;
  /** Limits of the sessions, under those that a node's own options set. */
  readonly transportLimits?: Partial<TransportLimits> | undefined;
  /** Names of nodes that are made later, and may be cut off before. Default: none. */
  readonly late?: readonly string[] | undefined;
  /** Puts something between a node and its transport. */
  readonly wrapTransport?:
    ((transport: SessionTransport, process: Process, id: NodeId) => Transport) | undefined;
  /** Puts something between a node's sessions and its links. */
  readonly wrapLinks?: ((links: Links, id: NodeId) => Links) | undefined;
  /** Told of every node that is made, also by a restart, before it starts. */
  readonly onNode?: ((node: ClusterNode, process: Process) => void) | undefined;
  /** Gets every line that any node logs, with its virtual time, as it is written. */
  readonly onLog?: ((name: string, line: string) => void) | undefined;
}
