import type { Operation } from './contender.js';

/** One comparison: what is done, with how much, by how many at a time. */
export interface Cell {
  readonly operation: Operation;
  readonly bytes: number;
  readonly inFlight: number;
}

const KIB = 1024;

export const cells = {
  sendAlone: { operation: 'send', bytes: 64, inFlight: 1 },
  requestAlone: { operation: 'request', bytes: 64, inFlight: 1 },
  send64: { operation: 'send', bytes: 64, inFlight: 64 },
  send1024: { operation: 'send', bytes: 64, inFlight: 1024 },
  sendKib: { operation: 'send', bytes: KIB, inFlight: 1024 },
  emit1024: { operation: 'emit', bytes: 64, inFlight: 1024 },
  emitKib: { operation: 'emit', bytes: KIB, inFlight: 1024 },
  request64: { operation: 'request', bytes: 64, inFlight: 64 },
  request1024: { operation: 'request', bytes: 64, inFlight: 1024 },
  ask64: { operation: 'ask', bytes: 64, inFlight: 64 },
  sendMib: { operation: 'send', bytes: KIB * KIB, inFlight: 8 },
  broadcast: { operation: 'broadcast', bytes: 64, inFlight: 128 },
} as const satisfies Record<string, Cell>;

export type CellName = keyof typeof cells;

export const cellNames = Object.keys(cells) as CellName[];

export function describe({ operation, bytes, inFlight }: Cell): string {
  const size =
    bytes >= KIB * KIB ? `${bytes / KIB / KIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`;
  return `${operation} ${size} ×${inFlight}`;
}
