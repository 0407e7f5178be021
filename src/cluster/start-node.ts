import { ClusterNode } from './node.js';
import type { ClusterOptions } from './options.js';

/** Makes a node and starts it. @throws InvalidOptionError, BindError @publicApi */
export async function startNode(options: ClusterOptions = {}): Promise<ClusterNode> {
  const node = new ClusterNode(options);
  await node.start();
  return node;
}
