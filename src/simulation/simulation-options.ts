import type { ProtocolCodec } from '../membership/protocol.js';
import type { Check } from './invariants/check.js';
import type { Latency } from './network/latency.js';
import type { ProtocolFactory } from './simulated-node.js';

/** What a simulation is made of. @publicApi */
export interface SimulationOptions<M> {
  /** How many nodes start; they are called a, b, c … z, aa, ab … */
  readonly nodes: number;
  /** The same seed gives the same run. */
  readonly seed: number;
  /** Makes a node's protocol. */
  readonly protocol: ProtocolFactory<M>;
  /**
   * `one-by-one` (default): each joins after the one before it has · `together`: all at once, knowing the first three ·
   * `apart`: nobody joins anybody.
   */
  readonly start?: 'one-by-one' | 'together' | 'apart' | undefined;
  /** One crossing of the network. Default: 0.2 to 1 ms. */
  readonly latency?: Latency | undefined;
  /** After how long a dial is given up. Default: 1000 ms. */
  readonly dialTimeoutMs?: number | undefined;
  /** Kept links per node; one more closes a random idle one with a goodbye. Default: 256, as in a node. */
  readonly maxLinks?: number | undefined;
  /** Sends every message through its bytes. Default: by reference. */
  readonly wire?: ProtocolCodec<M> | undefined;
  /** What must hold beside what must always hold. Default: nothing more. */
  readonly checks?: readonly Check<M>[] | undefined;
  /** False: only `checks` are, not what must always hold; for benchmarks. Default: true. */
  readonly invariants?: boolean | undefined;
  /** False: neither events nor a journal are kept, for benchmarks. Default: true. */
  readonly record?: boolean | undefined;
  /** Gets every line of the journal as it is written: the whole trace, in order. */
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Writes messages to the journal too. Default: false. */
  readonly traceMessages?: boolean | undefined;
}

/** How long to wait. @publicApi */
export interface Within {
  /** Longest wait in virtual milliseconds. Default: 120,000. */
  readonly withinMs?: number | undefined;
}
