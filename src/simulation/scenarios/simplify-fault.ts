import type { Fault } from './fault.js';

/** Below this a duration is not halved any more. */
const LEAST_MS = 10;
const LEAST_SHARE = 0.02;

/** The nodes without which a fault would not be what it is; the sides of a partition can lose members. */
export function namesIn(fault: Fault): readonly string[] {
  switch (fault.kind) {
    case 'partition':
      // One of each side, the first, has to stay.
      return fault.groups.flatMap((group) => group.slice(0, 1));
    case 'flap':
      return [fault.a, fault.b];
    case 'heal-all':
      return [];
    default:
      if ('node' in fault) return [fault.node];
      return [fault.from, fault.to].filter((name) => name !== undefined);
  }
}

/** The fault in a cluster that has only these nodes. */
export function withinNames(fault: Fault, names: ReadonlySet<string>): Fault {
  if (fault.kind !== 'partition') return fault;
  const groups = fault.groups.map((group) => group.filter((name) => names.has(name)));
  return { kind: 'partition', groups: groups.filter(({ length }) => length > 0) };
}

/** Smaller faults of the same kind, the smallest first; none when it is small. */
export function simplerFaults(fault: Fault): readonly Fault[] {
  switch (fault.kind) {
    case 'stall':
    case 'block-io':
    case 'suspend':
    case 'shift-clock':
      return halved(fault.ms, LEAST_MS).map((ms) => ({ ...fault, ms }));
    case 'flap':
      return [
        ...(fault.times > 1 ? [{ ...fault, times: Math.floor(fault.times / 2) }] : []),
        ...halved(fault.downMs, LEAST_MS).map((downMs) => ({ ...fault, downMs })),
        ...halved(fault.upMs, LEAST_MS).map((upMs) => ({ ...fault, upMs })),
      ];
    case 'lose':
    case 'duplicate':
      return lessShare(fault.share).map((share) => ({ ...fault, share }));
    case 'reorder':
      return [
        ...lessShare(fault.share).map((share) => ({ ...fault, share })),
        ...halved(fault.spreadMs, LEAST_MS).map((spreadMs) => ({ ...fault, spreadMs })),
      ];
    case 'slow-loop':
      return halved(fault.callbackMs, 1).map((callbackMs) => ({ ...fault, callbackMs }));
    case 'delay':
      return fault.latency.shape === undefined || fault.latency.shape === 'uniform'
        ? []
        : [{ ...fault, latency: { minMs: fault.latency.minMs, maxMs: fault.latency.maxMs } }];
    case 'set-metadata':
      return Object.keys(fault.metadata).length === 0 ? [] : [{ ...fault, metadata: {} }];
    default:
      return [];
  }
}

function halved(ms: number, leastMs: number): readonly number[] {
  const half = Math.trunc(ms / 2);
  return Math.abs(half) >= leastMs ? [half] : [];
}

function lessShare(share: number): readonly number[] {
  const half = Math.round(share * 500) / 1000;
  return half >= LEAST_SHARE ? [half] : [];
}
