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

  /** The process reads from its kernel: now, or when it runs and its gate is open. */
  read(callback: () => void): void {
    const { loop, gate } = this.endpoint;
    const task: Task = {
      happen: () => (gate.isShut ? gate.holdRead(task) : callback()),
    };
    loop.deliver(task);
  }
}
