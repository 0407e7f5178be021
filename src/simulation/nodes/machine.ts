import type { ClusterNode } from '../../cluster/node.js';
import type { ClusterOptions } from '../../cluster/options.js';
import type { NodeLog } from './node-log.js';
import type { Process } from './process.js';

/** A place for processes: a name, an address, one log. */
export interface Machine {
  readonly name: string;
  readonly port: number;
  readonly log: NodeLog;
  readonly custom: ClusterOptions;
  process: Process | undefined;
  node: ClusterNode | undefined;
}
