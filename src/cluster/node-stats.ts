import type { TransportStats } from '../transport/transport.js';
import type { Dispatcher } from './messaging/dispatcher.js';
import type { Messenger } from './messaging/messenger.js';
import type { NodeLife } from './node-life.js';

/** Figures of one message or request handler. @publicApi */
export interface HandlerStats {
  /** `Class.method`, or the `name` that it was added with. */
  readonly name: string;
  /** Whether it takes messages (`emit`, `send`) or answers requests. */
  readonly kind: 'message' | 'request';
  /** Undefined: the raw bytes of `send` and `broadcast`. */
  readonly pattern: string | undefined;
  /** Calls that run now. */
  readonly running: number;
  /** Calls that have arrived and not started; their senders are held back. */
  readonly waiting: number;
  /** Calls that were started. */
  readonly calls: number;
  /** Those of them that failed, and were logged: what a handler tells its caller on purpose (`ReplyError`) is none. */
  readonly errors: number;
}

/** Figures for metrics. @publicApi */
export interface NodeStats {
  /** Active members, this one included. */
  readonly members: number;
  /** Lifeguard's local health: 0 is good, each step up makes this node's own probes slower. */
  readonly localHealth: number;
  /** Requests of this node that wait for their answer. */
  readonly requestsInFlight: number;
  /** Calls of message and request handlers that have not settled. */
  readonly handlersRunning: number;
  /** Messages that wait for a place at their handler. */
  readonly handlersWaiting: number;
  /** Unexpected errors of handlers since the start. */
  readonly handlerErrors: number;
  /** One entry per handler, in the order in which they were added; one that was removed stays until its calls are done. */
  readonly handlers: readonly HandlerStats[];
  /** What peers sent that no peer sends, by the violation's word; the transport has its own in `closedFor`. */
  readonly violations: Readonly<Record<string, number>>;
  /** Times that the event loop stood still. */
  readonly stalls: number;
  /** For how long in all, in milliseconds. */
  readonly stalledMs: number;
  /** For how long the event loop stood still within the last ten seconds, in milliseconds; the machine's sleep counts. */
  readonly lagMs: number;
  /** Counters of the protocol since the start, by name. */
  readonly protocol: Readonly<Record<string, number>>;
  /** The transport's figures; undefined before the node is bound. */
  readonly transport: TransportStats | undefined;
}

/** Gathers the figures of a node from its parts. */
export function collectStats(
  life: NodeLife,
  messenger: Messenger,
  dispatcher: Dispatcher,
  handlerErrors: number,
): NodeStats {
  const { protocol, counts } = life;
  const { running, waiting } = dispatcher.load;
  return {
    members: life.activeMembers.length,
    localHealth: protocol?.localHealth ?? 0,
    requestsInFlight: messenger.requestsInFlight,
    handlersRunning: running,
    handlersWaiting: waiting,
    handlerErrors,
    handlers: dispatcher.stats,
    violations: counts.violations,
    stalls: counts.stalls.count,
    stalledMs: counts.stalls.totalMs,
    lagMs: counts.stalls.lagMs,
    protocol: { ...protocol?.counters },
    transport: life.openTransport?.stats,
  };
}
