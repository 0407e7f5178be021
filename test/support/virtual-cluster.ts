import type { ClusterNode } from '../../src/cluster/node.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { NodeCluster } from '../../src/simulation/nodes/node-cluster.js';

/** A {@link NodeCluster} as tests of the node like it. */
export class VirtualCluster extends NodeCluster {
  /** Makes a node that looks for others at the first three ports; it is not started. */
  node(name: string, options: ClusterOptions = {}): ClusterNode {
    return this.add(name, options);
  }
}
