import type { MembershipEventType, MemberTrace } from 'clusterpack/core';

/** What a node tells of itself. `at` is CLOCK_MONOTONIC in milliseconds, one clock for all processes of the machine. */
export type Fact = { readonly at: number } & (
  | { readonly ready: string; readonly address: string }
  | EventFact
  | { readonly sent: string }
  | { readonly accepted: string }
  | { readonly rejected: string; readonly code: string }
  | { readonly got: string }
  | ReportFact
);

/** A membership event at the node that tells it. */
export interface EventFact {
  readonly at: number;
  readonly event: MembershipEventType;
  readonly id: string;
  readonly name: string;
  readonly incarnation: number;
  /** Of a verdict: what led to it. */
  readonly why?: readonly MemberTrace[];
}

/** What a node answers when it is asked how it stands. */
export interface ReportFact {
  readonly at: number;
  readonly token: number;
  readonly active: readonly string[];
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly resources: number;
  readonly stats: {
    readonly handlerErrors: number;
    readonly stalls: number;
    readonly stalledMs: number;
    readonly violations: Readonly<Record<string, number>>;
    readonly protocol: Readonly<Record<string, number>>;
  };
}

/** The clock that facts are stamped with. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
