import type { TransportStats } from '../transport/transport.js';

/** Figures for metrics. @publicApi */
export interface NodeStats {
  readonly members: number;
  readonly localHealth: number;
  readonly requestsInFlight: number;
  readonly handlersRunning: number;
  readonly handlersWaiting: number;
  readonly handlerErrors: number;
  /** What peers sent that no peer sends, by the violation's word; the transport has its own in `closedFor`. */
  readonly violations: Readonly<Record<string, number>>;
  /** Times that the event loop stood still, and for how long in all. */
  readonly stalls: number;
  readonly stalledMs: number;
  readonly protocol: Readonly<Record<string, number>>;
  readonly transport: TransportStats | undefined;
}
