import type { NodeId } from '../../node-id.js';
import type { Task } from '../clock/virtual-clock.js';
import type { Endpoint, LinkEnd } from './link-end.js';
import { LinkPool } from './link-pool.js';
import type { PendingDial } from './pending-dial.js';

/** Everything that one process has open. */
export class Sockets<M> {
  isOpen = true;
  /** The link to each peer. */
  readonly kept = new LinkPool<M>();
  /** Links for one verification, which still live. */
  readonly verify = new Map<NodeId, LinkEnd<M>>();
  /** Dials for kept links, by whom or what they are for. */
  readonly dials = new Map<string, PendingDial<M>>();
  /** Dials for fresh and verify links. */
  readonly ownDials = new Set<PendingDial<M>>();

  constructor(
    readonly endpoint: Endpoint<M>,
    /** Its address, written out. */
    readonly host: string,
  ) {}

  /** Whether the process reads now; otherwise it is told to the task again, when its gate opens. */
  isReadable(task: Task): boolean {
    return !this.endpoint.gate.holds(task);
  }
}
