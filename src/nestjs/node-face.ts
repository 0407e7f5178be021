import type { ClusterNode } from '../cluster/node.js';
import type { ClusterOptions } from '../cluster/options.js';

/** What the module needs of a node: everything public. A fake in a test has the same shape. */
export type NodeFace = Pick<ClusterNode, keyof ClusterNode>;

/** Makes the node of a registration from its options. */
export type ClusterNodeFactory = (options: ClusterOptions, as: string | undefined) => NodeFace;

/** The provider of the {@link ClusterNodeFactory}; a test overrides it to run another node. */
export const CLUSTER_NODE_FACTORY = 'CLUSTERPACK_NODE_FACTORY';
