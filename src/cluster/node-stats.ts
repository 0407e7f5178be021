import type { TransportStats } from '../transport/transport.js';

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
