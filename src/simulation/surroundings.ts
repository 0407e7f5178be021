import type { ProtocolCodec } from '../membership/protocol.js';
import type { VirtualClock } from './clock/virtual-clock.js';
import type { Paths } from './network/paths.js';
import type { SimulatedLinks } from './network/simulated-links.js';
import type { SimulatedNode } from './simulated-node.js';
import type { Journal } from './trace/journal.js';
import type { Watchers } from './trace/watchers.js';

/** What the nodes of one simulation share. */
export interface Surroundings<M> {
  readonly clock: VirtualClock;
  readonly paths: Paths;
  readonly links: SimulatedLinks<M>;
  readonly journal: Journal;
  readonly watchers: Watchers<M>;
  /** Messages go through it when given; by reference otherwise. */
  readonly codec: ProtocolCodec<M> | undefined;
  /** Whether messages are written to the journal too. */
  readonly traceMessages: boolean;
  /** Whether nodes keep their events and notices. */
  readonly records: boolean;
  readonly counts: {
    /** Messages that protocols sent. */
    messages: number;
    /** Inputs that protocols were given. */
    inputs: number;
  };
  /** A process has ended. */
  ended(node: SimulatedNode<M>): void;
}
