import type { ClusterMetadata } from '../../membership/membership.js';
import type { Latency } from '../network/latency.js';
import type { DialRule } from '../network/paths.js';

/**
 * One thing that is done to a cluster, or undone, as data: it can be drawn from a seed, printed, shrunk and replayed.
 * Nodes go by their names (`a`, `b` …). A fault that makes no sense when its turn comes (a crash of what has crashed, a
 * heal of what is whole) does nothing, so that a schedule stays valid when others are taken out of it.
 *
 * @publicApi
 */
export type Fault =
  /** Nothing passes in one direction, or passes again. */
  | { readonly kind: 'cut' | 'heal'; readonly from: string; readonly to: string }
  /** Nothing passes between different groups, until healed. */
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] }
  /** Undoes cuts, partitions, flapping, loss, duplication, reordering, delays and dial rules, everywhere. */
  | { readonly kind: 'heal-all' }
  /** Both directions go down and come up again, so many times. */
  | {
      readonly kind: 'flap';
      readonly a: string;
      readonly b: string;
      readonly downMs: number;
      readonly upMs: number;
      readonly times: number;
    }
  /** The share of whole messages that are lost, or come twice; in one direction, or without names everywhere. */
  | {
      readonly kind: 'lose' | 'duplicate';
      readonly share: number;
      readonly from?: string | undefined;
      readonly to?: string | undefined;
    }
  /** The share of messages that are held back by up to `spreadMs` and overtaken by others. */
  | {
      readonly kind: 'reorder';
      readonly share: number;
      readonly spreadMs: number;
      readonly from?: string | undefined;
      readonly to?: string | undefined;
    }
  /** How long a crossing takes. */
  | {
      readonly kind: 'delay';
      readonly latency: Latency;
      readonly from?: string | undefined;
      readonly to?: string | undefined;
    }
  /** How a node's host (its firewall) answers new dials; kept links go on. */
  | { readonly kind: 'answer-dials'; readonly node: string; readonly rule: DialRule }
  /**
   * `crash`: the kernel closes the sockets and refuses dials · `power-off`: nothing is closed, nothing is answered ·
   * `restart`: a new process at the same address, after a crash if it still runs · `leave`: gracefully ·
   * `pause`/`resume`: SIGSTOP and SIGCONT, timers stopped too.
   */
  | {
      readonly kind: 'crash' | 'power-off' | 'restart' | 'leave' | 'pause' | 'resume';
      readonly node: string;
    }
  /**
   * `stall`: the event loop is blocked for a while, timers too · `block-io`: Lifeguard's anomaly: what is sent waits at
   * the door, what is received waits before it is read, timers go on · `suspend`: the machine sleeps; monotonic clocks
   * stand still, the wall clock goes on · `shift-clock`: the wall clock jumps by so much, either way.
   */
  | {
      readonly kind: 'stall' | 'block-io' | 'suspend' | 'shift-clock';
      readonly node: string;
      readonly ms: number;
    }
  /** A slow event loop: each callback takes so long, and what comes meanwhile waits. 0 ends it. */
  | { readonly kind: 'slow-loop'; readonly node: string; readonly callbackMs: number }
  /** A second process answers new dials at the node's address, while the first keeps its links: an address conflict. */
  | { readonly kind: 'share-address'; readonly node: string }
  | { readonly kind: 'set-metadata'; readonly node: string; readonly metadata: ClusterMetadata };

/** A fault and its time, in virtual milliseconds since the cluster has settled. @publicApi */
export interface ScheduledFault {
  /** When it is applied. */
  readonly atMs: number;
  /** What is done. */
  readonly fault: Fault;
}
